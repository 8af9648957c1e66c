"""Training equals serving: decisions read again from history, compared to the bit.

Each decision recorded what it read (states with their offsets, the instant) and what it got (the
view's row of words). Replay by those offsets must give the same words; all decisions of one view
are replayed in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import digest, ir, row_source
from tidewheel.definitions.projects.masking import MASK, Masks
from tidewheel.errors import FeatureError
from tidewheel.features.planning.nodes import leaves
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.features.proof.recorded import STATES_TYPE
from tidewheel.features.replay.backfill import Computed, compute_view
from tidewheel.features.rows import arrow_type
from tidewheel.features.words import Words

if TYPE_CHECKING:
    from tidewheel.collect import History
    from tidewheel.storage.journal.decisions import DecisionRecord


@dataclass(frozen=True)
class Difference:
    """A feature that was served as one thing and replayed as another.

    `state`, `key` and `offset` tell the first entity state that the feature reads; empty when it
    reads none.
    """

    decision_id: str
    view: str
    feature: str
    served: float | str | None
    replayed: float | str | None
    state: str
    key: str
    offset: int
    event_id: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        read = f" (state {self.state} of {self.key!r} at offset {self.offset})" if self.state else ""
        on = f" on {self.event_id!r}" if self.event_id else ""
        return (
            f"decision {self.decision_id}{on}: {self.view}.{self.feature} was {self.served!r}, "
            f"is {self.replayed!r}{read}"
        )


@dataclass(frozen=True)
class FeatureParity:
    """What a check found of one feature.

    Attributes
    ----------
    view, feature : str
    checked : int
        Values compared.
    mismatch : int
        A value was served, and replay gives another.
    missing : int
        None was served where replay gives a value.
    extra : int
        A value was served where replay gives none.
    first : Difference or None
        The first event, in order of decisions, on which it differs.
    """

    view: str
    feature: str
    checked: int
    mismatch: int = 0
    missing: int = 0
    extra: int = 0
    first: Difference | None = None

    @property
    def differences(self) -> int:
        """Values that differ, in whatever way."""
        return self.mismatch + self.missing + self.extra


@dataclass(frozen=True)
class ParityReport:
    """What a check found.

    Attributes
    ----------
    checked : int
        Decisions replayed.
    features : int
        Values compared.
    differences : int
        Values that differ.
    decisions_differing : int
        Decisions with at least one of them.
    skipped : int
        Decisions of views that the graph does not have, or that kept no features.
    first_difference : Difference or None
    by_feature : tuple of FeatureParity
        Each feature of each view.
    redacted : int
        Decisions passed over because what they read was erased since.
    """

    checked: int
    features: int
    differences: int
    decisions_differing: int
    skipped: int
    first_difference: Difference | None
    by_feature: tuple[FeatureParity, ...] = ()
    redacted: int = 0

    @property
    def equal(self) -> bool:
        """True when nothing differs."""
        return self.differences == 0


def check(
    records: Sequence[DecisionRecord],
    history: History,
    graph: ir.Graph,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> ParityReport:
    """Replay decisions from history and compare each feature's word.

    Parameters
    ----------
    records : sequence of DecisionRecord
        Decisions on views of `graph`; others are skipped and counted.
    history : History
        All events up to at least the offsets recorded.

    Raises
    ------
    FeatureError
        When a derived function fails.
    """
    views = {digest(view): view for view in _views(graph)}
    by_view: dict[str, list[DecisionRecord]] = {}
    untouched = [record for record in records if not history.redactions.touch(record)]
    kept = [row for record in untouched for row in rows_of(record)]
    for record in kept:
        by_view.setdefault(record.view if record.features else "", []).append(record)
    found = [
        _check_view(group, history, plan_view(graph, views[name]), graph, progress)
        for name, group in by_view.items()
        if name in views
    ]
    together = merged(found)
    redacted = len(records) - len(untouched)
    return replace(together, skipped=len(kept) - together.checked, redacted=redacted)


def merged(reports: Sequence[ParityReport]) -> ParityReport:
    """Return several reports as one."""
    return ParityReport(
        checked=sum(report.checked for report in reports),
        features=sum(report.features for report in reports),
        differences=sum(report.differences for report in reports),
        decisions_differing=sum(report.decisions_differing for report in reports),
        skipped=sum(report.skipped for report in reports),
        first_difference=next((report.first_difference for report in reports if report.first_difference), None),
        by_feature=tuple(feature for report in reports for feature in report.by_feature),
        redacted=sum(report.redacted for report in reports),
    )


def rows_of(record: DecisionRecord) -> list[DecisionRecord]:
    """Return a decision as the rows it kept: itself, or one for each item of its list."""
    if not record.items:
        return [record]
    return [
        msgspec.structs.replace(record, features=item.features, inputs=record.inputs | item.inputs, items=[])
        for item in record.items
    ]


def rows_of_decisions(records: Sequence[DecisionRecord], plan: ViewPlan, graph: ir.Graph) -> pa.Table:
    """Return the rows that decisions were made on, with what they recorded, as `read_view` takes them."""
    source = row_source(graph.sources, plan.view)
    kinds = {column.name: arrow_type(column.kind) for column in source.columns}
    columns = {
        name: pa.array([record.inputs.get(name) for record in records], kinds[name])
        for name in plan.columns
        if name in kinds
    }
    states = [[{"state_id": state, "key": key, "offset": offset} for state, key, offset in r.states] for r in records]
    return pa.table(
        {
            "_at": pa.array([record.at for record in records], pa.int64()),
            "_arrived": pa.array([record.arrived for record in records], pa.int64()),
            "_instant": pa.array([record.instant for record in records], pa.int64()),
            "_states": pa.array(states, STATES_TYPE),
            **columns,
        }
    )


def _views(graph: ir.Graph) -> list[ir.View]:
    own = (view for service in graph.services for view in (service.rule_view, service.score_view))
    return [*graph.views, *(view for view in own if view is not None)]


def _check_view(
    records: Sequence[DecisionRecord],
    history: History,
    plan: ViewPlan,
    graph: ir.Graph,
    progress: Callable[[str, float], None] | None,
) -> ParityReport:
    served = _served(records, plan)
    computed = compute_view(history, graph, plan, rows_of_decisions(records, plan, graph), progress=progress)
    replayed = np.ascontiguousarray(computed.words)
    differs = served.view(np.int64) != replayed.view(np.int64)
    # Models' scores are no features: they are replayed by asking the models.
    differs[:, [isinstance(column.value, ir.Score) for column in plan.view.columns]] = False
    rows = differs.any(axis=1)
    masks = Masks(graph)
    features = tuple(
        _masked(_of_feature(records, computed, served, replayed, differs, column), plan, masks)
        for column in range(len(plan.names))
    )
    first = None
    if rows.any():
        # The first decision that differs, and of it the first column.
        first = features[int(differs[int(rows.argmax())].argmax())].first
    return ParityReport(len(records), served.size, int(differs.sum()), int(rows.sum()), 0, first, features)


def _of_feature(
    records: Sequence[DecisionRecord],
    computed: Computed,
    served: Words,
    replayed: Words,
    differs: npt.NDArray[np.bool_],
    column: int,
) -> FeatureParity:
    plan, odd = computed.plan, differs[:, column]
    found = FeatureParity(plan.view.name, plan.names[column], len(odd))
    if not odd.any():
        return found
    row, text = int(odd.argmax()), plan.texts[column]
    none, now_none = is_null(served[:, column], text), is_null(replayed[:, column], text)
    return replace(
        found,
        mismatch=int((odd & (none == now_none)).sum()),
        missing=int((odd & none & ~now_none).sum()),
        extra=int((odd & ~none & now_none).sum()),
        first=_difference(records[row], computed, served[row], replayed[row], column),
    )


def _masked(found: FeatureParity, plan: ViewPlan, masks: Masks) -> FeatureParity:
    """Return what was found of a feature without personal values: it goes to alerts, logs and reports."""
    first = found.first
    if first is None:
        return found
    hides = any(masks.hides_key(read.plan.group.by) for read in plan.reads if read.plan.state_id == first.state)
    served, replayed = (
        masks.features(plan.view, {found.feature: value})[found.feature] for value in (first.served, first.replayed)
    )
    return replace(found, first=replace(first, served=served, replayed=replayed, key=MASK if hides else first.key))


def is_null(words: Words, text: bool) -> npt.NDArray[np.bool_]:
    """Return which words of a column hold no value."""
    return np.ascontiguousarray(words).view(np.int64) == 0 if text else np.isnan(words)


def _served(records: Sequence[DecisionRecord], plan: ViewPlan) -> Words:
    width = 8 * len(plan.names)
    odd = next((record for record in records if len(record.features) != width), None)
    if odd is not None:
        raise FeatureError(
            f"holds {len(odd.features) // 8} values for a view of {len(plan.names)}",
            where=f"decision {odd.decision_id}",
            remedy="the record is damaged, or was written for another view",
        )
    joined = np.frombuffer(b"".join(record.features for record in records), np.float64)
    return joined.reshape(len(records), len(plan.names))


def _difference(record: DecisionRecord, computed: Computed, served: Words, replayed: Words, column: int) -> Difference:
    plan = computed.plan
    state, key, offset = _state_of(record, plan, column)
    return Difference(
        decision_id=record.decision_id,
        view=plan.view.name,
        feature=plan.names[column],
        served=_readable(computed, served, column, record.texts.get(plan.names[column])),
        replayed=_readable(computed, replayed, column, None),
        state=state,
        key=key,
        offset=offset,
        event_id=record.event_id,
    )


def _readable(computed: Computed, words: Words, column: int, text: str | None) -> float | str | None:
    if not computed.plan.texts[column]:
        return None if np.isnan(words[column]) else float(words[column])
    return text if text is not None else computed.texts.known(int(words.view(np.int64)[column]))


def _state_of(record: DecisionRecord, plan: ViewPlan, column: int) -> tuple[str, str, int]:
    """Return the first recorded state that a column depends on."""
    queue = [plan.nodes[column]]
    while queue:
        for leaf in leaves(queue.pop(0)):
            if leaf[0] == "derived":
                queue += plan.derived[leaf[1]].args
            elif leaf[0] == "state":
                wanted = plan.reads[leaf[1]].plan.state_id
                return next((found for found in record.states if found[0] == wanted), (wanted, "", 0))
    return ("", "", 0)
