"""Why: one decision told from its record, and replayed bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tidewheel.definitions import digest, state_id
from tidewheel.definitions.projects.masking import MASK, Masks
from tidewheel.errors import TidewheelError
from tidewheel.registry.graphs import live_graph
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.services import load_service
from tidewheel.serving.api.instants import text_of
from tidewheel.serving.deciding.stages import StageTold, same_score
from tidewheel.serving.deciding.stages import told as stage_told
from tidewheel.storage.journal.decisions import is_left_out, row_records

if TYPE_CHECKING:
    from tidewheel.collect.keeping.history import History
    from tidewheel.definitions.ir import Graph, View
    from tidewheel.runtime.stores import Stores
    from tidewheel.storage.journal.decisions import DecisionRecord, Item

STAGES = ("decode", "features", "rules", "model", "decide")


class Replay(msgspec.Struct):
    """What came of reading the features again by the offsets that the decision recorded.

    Attributes
    ----------
    done : bool
        False when the decision has no features, or history could not be read.
    equal : bool
        Whether every feature came out the same, to the bit.
    features, differences : int
        Values compared, and how many differ.
    first_difference : str
        The first one, in words.
    score_equal : bool or None
        Whether the model gives the same score to the recorded features (a net: but for what float32 leaves open);
        None where no model answered.
    why_not : str
        Why nothing was replayed.
    """

    done: bool = False
    equal: bool = False
    features: int = 0
    differences: int = 0
    first_difference: str = ""
    score_equal: bool | None = None
    why_not: str = ""


class Explanation(msgspec.Struct):
    """One decision, for people and for programs.

    Attributes
    ----------
    decision_id, service, event_id, event_type, unit : str
        What was decided on.
    decision, score, rule, fallback, reason, explored, propensity
        What was decided, and how it came to be.
    model, bundle, view, service_version, arm : str
        Which versions answered.
    thresholds : dict
        As they stood.
    at, arrived, instant : str
        When it happened, arrived, and what instant the features were read at.
    inputs, features : dict
        The event's columns, and the view's row by name.
    states : list of dict
        The entity states read, each with the last offset folded into it.
    timings_us : dict
        Microseconds by stage.
    caller : str
        Who asked.
    replay : Replay
        The features read again from history.
    contributions : dict
        What each column of the model added to its raw score (Shapley values of its trees), the strongest first.
    stored, stored_run, stored_age : str, str, int
        What became of looking for a score computed ahead, by which run it was, how old (µs).
    cached : bool
        The score was kept from an equal input, or from the entity's row of before, which `features` then are.
    stages : list of StageTold
        What each of several models said; `bundle`, `view` and `features` are the first one's then.
    items : list of dict
        The list that answered: id, score, rank and source of each item, the numbers among its features, and what each
        of several models gave it.
    """

    decision_id: str
    service: str
    event_id: str
    event_type: str
    unit: str
    decision: str
    score: float | None
    rule: str
    fallback: str
    reason: str
    explored: bool
    propensity: float
    model: str
    bundle: str
    view: str
    service_version: str
    arm: str
    thresholds: dict[str, float]
    at: str
    arrived: str
    instant: str
    inputs: dict[str, Any]
    features: dict[str, float | str | None]
    states: list[dict[str, str | int]]
    timings_us: dict[str, float]
    caller: str
    replay: Replay
    contributions: dict[str, float] = {}
    stored: str = ""
    stored_run: str = ""
    stored_age: int = 0
    cached: bool = False
    stages: list[StageTold] = []
    items: list[dict[str, Any]] = []


def explain(record: DecisionRecord, stores: Stores, history: History | None = None) -> Explanation:
    """Return the explanation of one decision.

    Parameters
    ----------
    record : DecisionRecord
        From :meth:`~tidewheel.serving.find.Finder.by_id`.
    stores : Stores
        The workspace's.
    history : History, optional
        Given, the features are replayed from it.
    """
    try:
        graph, view = definitions_of(record, stores)
        features = features_of(record, view)
    except TidewheelError as error:
        return _told(record, {}, Replay(why_not=str(error)))
    replayed = Replay(why_not="not asked for") if history is None else replay(record, graph, stores, history)
    told = _told(record, features, replayed)
    told.items = [_item(item, view, record) for item in record.items]
    told.contributions = {} if record.stages else _contributions(record, stores)
    told.stages = _stages(record, stores)
    return _masked(told, view, stores)


def _stages(record: DecisionRecord, stores: Stores) -> list[StageTold]:
    live = live_graph(stores.catalog)
    rows = iter(row_records(record)[1:])
    found = []
    for stage in record.stages:
        features: dict[str, float | str | None] = {}
        if stage.features:
            row = next(rows)
            _, view = definitions_of(row, stores)
            features = features_of(row, view)
            if live is not None and view is not None:
                features = Masks(live.graph).features(view, features)
        found.append(stage_told(stage, features))
    return found


def _contributions(record: DecisionRecord, stores: Stores) -> dict[str, float]:
    from tidewheel.registry.models.contributions import contributions

    if record.score is None or not record.bundle or not record.features or record.stored == "fresh":
        return {}
    return contributions(load_bundle(stores.artifacts, record.bundle), np.frombuffer(record.features, np.dtype("<f8")))


def _masked(told: Explanation, view: View | None, stores: Stores) -> Explanation:
    """Return an explanation without personal values, as they are marked by the declarations of now."""
    live = live_graph(stores.catalog)
    if live is None:
        return told
    masks, inputs = Masks(live.graph), told.inputs
    groups = {state_id(group): group.by for group in live.graph.groups}
    hidden = {state for state, by in groups.items() if masks.hides_key(by)}
    told.unit = masks.text(told.event_type, inputs, told.unit)
    told.reason = masks.text(told.event_type, inputs, told.reason)
    told.replay.first_difference = masks.text(told.event_type, inputs, told.replay.first_difference)
    told.states = [{**state, "key": MASK} if state["state"] in hidden else state for state in told.states]
    told.inputs = masks.row(told.event_type, inputs)
    if view is not None:
        told.features = masks.features(view, told.features)
    return told


def definitions_of(record: DecisionRecord, stores: Stores) -> tuple[Graph, View | None]:
    """Return the frozen graph that a decision was made by, and the view whose row it recorded.

    Raises
    ------
    NotFoundError, CorruptError
        The bundle or the service version can't be read any more.
    """
    if record.bundle:
        manifest = load_bundle(stores.artifacts, record.bundle).manifest
        return manifest.graph, next((view for view in manifest.graph.views if view.name == manifest.view), None)
    if not record.service_version:
        return _no_graph(), None
    version = load_service(stores.catalog, record.service_version)
    own = (version.service.score_view, version.service.rule_view)
    return version.graph, next((view for view in own if view is not None and digest(view) == record.view), None)


def _no_graph() -> Graph:
    from tidewheel.definitions.ir import Graph

    return Graph()


def features_of(record: DecisionRecord, view: View | None) -> dict[str, float | str | None]:
    """Return a record's feature values by name; null is None."""
    words = np.frombuffer(record.features, np.dtype("<f8"))
    if view is None or len(words) != len(view.columns):
        return {}
    return {
        column.name: record.texts.get(column.name) if column.text else None if np.isnan(word) else float(word)
        for column, word in zip(view.columns, words, strict=True)
    }


def _item(item: Item, view: View | None, record: DecisionRecord) -> dict[str, Any]:
    words, columns = np.frombuffer(item.features, np.dtype("<f8")), view.columns if view is not None else ()
    pairs = zip(columns, words, strict=True) if len(words) == len(columns) else ()
    features = {column.name: None if np.isnan(word) else float(word) for column, word in pairs if not column.text}
    told = {"id": item.id, "score": item.score, "rank": item.rank, "source": item.source, "features": features}
    scores = {one.stage: one.score for one in record.item_scores if one.item == item.id and one.score is not None}
    return told | {"scores": scores} if scores else told


def replay(record: DecisionRecord, graph: Graph, stores: Stores, history: History) -> Replay:
    """Read a decision's features again from history, and ask its model again."""
    from tidewheel.features.proof.parity import check, merged

    if is_left_out(record):
        return Replay(why_not=f"its row was left out: the service keeps {record.row_kept:.3g} of them (keep_rows)")
    if not record.features and not any(item.features for item in record.items):
        return Replay(why_not="no features were read")
    try:
        reports = [check([record], history, graph)]
        for row in row_records(record)[1:]:
            reports.append(check([row], history, definitions_of(row, stores)[0]))
        report = merged(reports)
        score_equal = same_score(record, stores)
    except TidewheelError as error:
        return Replay(why_not=str(error))
    if any(one.redacted for one in reports):
        return Replay(why_not="what it read was erased since (see `tidewheel erasures`)")
    if not report.checked:
        return Replay(score_equal=score_equal, why_not="the frozen definitions do not have the view")
    return Replay(
        done=True,
        equal=report.equal,
        features=report.features,
        differences=report.differences,
        first_difference="" if report.first_difference is None else str(report.first_difference),
        score_equal=score_equal,
    )


_MADE = ("at", "arrived", "instant", "features", "states", "timings_us", "replay", "contributions", "stages", "items")


def _told(record: DecisionRecord, features: dict[str, float | str | None], replayed: Replay) -> Explanation:
    same = {name: getattr(record, name) for name in Explanation.__struct_fields__ if name not in _MADE}
    return Explanation(
        **same,
        at=text_of(record.at),
        arrived=text_of(record.arrived),
        instant=text_of(record.instant),
        features=features,
        states=[{"state": state, "key": key, "offset": offset} for state, key, offset in record.states],
        timings_us={stage: ns / 1000 for stage, ns in zip(STAGES, record.timings, strict=False)},
        replay=replayed,
    )
