"""Shadows: a version scores what another has answered. Off the request path, in the process that keeps the workspace.

A shadow is a view over decision records. A record holds its view's row: a version on the same view is given that
very row. For a version on another view the row is computed as of the decision's instant, as training rows are. So a
shadow costs a caller nothing, never sees a decision's own event, and comes to the same scores whenever it is computed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.errors import TidewheelError
from tidewheel.outcomes import answered, view_rows
from tidewheel.outcomes.answered import is_text
from tidewheel.registry.alerts import close_alert, raise_alert
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.combining import combined_rows, score_columns
from tidewheel.registry.models.scoring import score_words, view_columns
from tidewheel.registry.pointers.deployments import Deployment
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.names import member_of
from tidewheel.rollout.view import LoopView
from tidewheel.routing.split import CHALLENGER, Split
from tidewheel.serving.deciding.lineup import view_of

Floats = npt.NDArray[np.float64]

SHADOWS = "shadows"
"""The lake's table: ``decision_id``, ``service``, ``model``, ``salt``, ``arrived``, ``score``, ``_date``."""
AT_ONCE = 20_000
ALERT = "shadow"


def score_shadow(view: LoopView, deployment: Deployment) -> int:
    """Score the decisions that the shadow has not scored yet, up to `AT_ONCE`; return how many.

    What can't be scored is told by an alert and tried again the next time.
    """
    position = f"{deployment.service}/{deployment.salt}"
    found = view.lake.position(SHADOWS, position)
    until = view.now() - view.settled
    rows = answered(view.decisions(deployment.service, max(found, deployment.since), until))
    rows, until = _first(rows)
    if not rows.num_rows:
        return 0
    split = Split(deployment.service, deployment.salt, {CHALLENGER: deployment.share})
    mine = [split(unit).name == CHALLENGER for unit in rows["unit"].to_pylist()]
    rows = rows.filter(pa.array(mine, pa.bool_()))
    try:
        frozen = deployment.challenger_service_version or deployment.service_version
        scores = lineup_scores(view, frozen, deployment.challenger, rows)
    except TidewheelError as error:
        message = f"{deployment.challenger} can't score what {deployment.champion} answered: {error}"
        raise_alert(view.catalog, deployment.service, ALERT, deployment.challenger, message)
        return 0
    close_alert(view.catalog, deployment.service, ALERT, deployment.challenger)
    n: int = rows.num_rows
    table = pa.table(
        {
            "decision_id": rows["decision_id"],
            "service": pa.repeat(deployment.service, n),
            "model": pa.repeat(deployment.challenger, n),
            "salt": pa.repeat(deployment.salt, n),
            "arrived": rows["arrived"],
            "score": pa.array(scores, from_pandas=True),
            "_arrived": rows["arrived"],
        }
    )
    view.lake.append(SHADOWS, table, position=(position, until), expected=found)
    return n


def shadow_scores(view: LoopView, deployment: Deployment) -> pa.Table:
    """Return what the shadow that runs now has scored: ``decision_id`` and ``score``, null where it gave no number."""
    if not view.lake.exists(SHADOWS):
        return pa.table({"decision_id": pa.array([], pa.string()), "score": pa.array([], pa.float64())})
    mine = (pc.field("service") == deployment.service) & (pc.field("salt") == deployment.salt)
    return view.lake.scan(SHADOWS, ["decision_id", "score"], where=mine)


def _first(rows: pa.Table) -> tuple[pa.Table, int]:
    """Return the first rows by arrival, whole instants of them, and the instant up to which they go."""
    rows = rows.sort_by("arrived")
    arrived = rows["arrived"].to_numpy()
    if rows.num_rows > AT_ONCE and arrived[AT_ONCE] > arrived[0]:
        rows = rows.slice(0, int(np.searchsorted(arrived, arrived[AT_ONCE])))
    return rows, int(rows["arrived"][-1].as_py()) + 1 if rows.num_rows else 0


def lineup_scores(view: LoopView, service_version: str, lineup: str, rows: pa.Table) -> Floats:
    """Return what a line-up would have answered to decisions' rows, with every member asked in time.

    Parameters
    ----------
    view : LoopView
    service_version : str
        How the members' scores combine.
    lineup : str
        ``Quick@2+Thorough@1``, or one version.
    rows : Table
        Whole records of the service's decisions.
    """
    service = load_service(view.catalog, service_version).service
    if service.ranking is not None:  # a list's rows are of its items, and there is no one score to give
        return np.full(rows.num_rows, np.nan)
    if service.combine is None:
        return _scores(view, lineup, rows, {})
    scores: dict[str, Floats] = {}
    for model in service.members:
        known = scores if service.combine.kind == "stack" else {}
        scores[model] = _scores(view, member_of(lineup, model), rows, known)
    own = view.replayed_row(service_version, rows) if service.score_view is not None else None
    return combined_rows(service.combine, service.score_view, scores, own)


def _scores(view: LoopView, version: str, rows: pa.Table, known: Mapping[str, Floats]) -> Floats:
    bundle = view.bundle(version)
    inner = score_columns(view_of(bundle.manifest.graph, bundle.manifest.view))
    if inner:
        return score_words(bundle, _filled(view, version, bundle, inner, rows, known))
    width = len(view_columns(bundle.manifest))
    scores = np.full(rows.num_rows, np.nan)
    same = np.asarray(is_text(rows["view"], bundle.manifest.view_digest).to_numpy(), dtype=np.bool_)
    kept, words = view_rows(rows.filter(pa.array(same)), width)
    own = np.flatnonzero(same)[kept]
    scores[own] = score_words(bundle, words)
    others = np.setdiff1d(np.arange(rows.num_rows), own)
    if others.size:
        scores[others] = score_words(bundle, view.replayed_words(version, rows.take(pa.array(others))))
    return scores


def _filled(
    view: LoopView, version: str, bundle: Bundle, inner: Mapping[int, str], rows: pa.Table, known: Mapping[str, Floats]
) -> Floats:
    """Return the rows of a view that has other models' scores as columns."""
    words = view.replayed_words(version, rows)
    pinned = {link.model: link.version for link in bundle.manifest.inner}
    for place, model in inner.items():
        words[:, place] = known[model] if model in known else _scores(view, pinned[model], rows, {})
    return words
