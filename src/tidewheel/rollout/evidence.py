"""What guards look at, gathered: each version's decisions, and where both scored the same rows, how they differ."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.outcomes import Joined, Status, evenly, fell_back, model_scores, time_spent, view_rows
from tidewheel.outcomes.answered import flags, floats, is_text
from tidewheel.registry.models.scoring import score_words, view_columns
from tidewheel.registry.pointers.deployments import Deployment
from tidewheel.registry.pointers.thresholds import effective, get_thresholds
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.names import members_of
from tidewheel.rollout.guards import Evidence, Known, Sample, Side
from tidewheel.rollout.shadow import shadow_scores
from tidewheel.rollout.view import LoopView
from tidewheel.routing.split import CHALLENGER, Split

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_COMPARED = 20_000
"""Of the newest decisions, so many are scored by both versions."""


def evidence_of(
    view: LoopView, deployment: Deployment, rows: Joined, kinds: Collection[str], explores: bool = False
) -> Evidence:
    """Return what is known of a challenger, or of the champion where there is none, since the last move.

    Units are told apart by the split itself, so that a fallback counts against the version that should have
    answered, whatever answered instead.

    Parameters
    ----------
    view : LoopView
    deployment : Deployment
    rows : Joined
        The service's decisions since then.
    kinds : collection of str
        Of the guards that will be asked: what none of them needs is not computed.
    explores : bool
        Whether the service lets through some of what it would prevent.
    """
    champion, challenger = deployment.champion, deployment.challenger
    behind = behind_of(view, deployment, kinds)
    if deployment.mode == "shadow":
        return _of_shadow(view, deployment, rows)._replace(behind=behind[challenger], usual_behind=behind[champion])
    if not challenger:
        return Evidence(champion, champion, _side(rows, explores), None, behind=behind[champion])
    mine = challengers(deployment, rows.decisions)
    return Evidence(
        challenger,
        champion,
        _side(rows.take(mine), explores),
        _side(rows.take(~mine), explores),
        compared(view, deployment, rows.decisions) if "divergence" in kinds else None,
        behind[challenger],
        behind[champion],
    )


def challengers(deployment: Deployment, decisions: pa.Table) -> Flags:
    """Tell which decisions are the challenger's to answer, by the split; all where only a champion is watched."""
    if not deployment.challenger:
        return np.ones(decisions.num_rows, np.bool_)
    split = Split(deployment.service, deployment.salt, {CHALLENGER: deployment.share})
    return np.array([split(unit).name == CHALLENGER for unit in decisions["unit"].to_pylist()], dtype=np.bool_)


def behind_of(view: LoopView, deployment: Deployment, kinds: Collection[str]) -> dict[str, int]:
    """Return how far the features of both versions are behind the log, where a guard asks for it."""
    versions = (deployment.champion, deployment.challenger)
    return {version: view.behind(version) if version and "fresh" in kinds else 0 for version in versions}


def _side(rows: Joined, explores: bool) -> Side:
    return Side(time_spent(rows.decisions), fell_back(rows.decisions), known_of(rows, explores))


def known_of(rows: Joined, explores: bool) -> Known:
    """Return the outcomes of decisions that are known; `explores` says whether their service lets some through."""
    explored = flags(rows.decisions["explored"])
    stopped = explored | (rows.status == int(Status.PREVENTED))
    labels, tried = rows.label[rows.matured & ~explored], rows.label[rows.matured & explored]
    return Known(
        labels, tried, Sample(stopped.size, float(stopped.sum())) if explores or tried.size else Sample(0, 0.0)
    )


def _of_shadow(view: LoopView, deployment: Deployment, rows: Joined) -> Evidence:
    shadows = shadow_scores(view, deployment)
    place = pc.index_in(shadows["decision_id"], rows.decisions["decision_id"].combine_chunks())
    known = np.flatnonzero(place.is_valid().to_numpy())
    at = place.drop_null().to_numpy()
    theirs, ours = model_scores(rows.decisions)[at], floats(shadows["score"])[known]
    failed = np.isnan(floats(shadows["score"]))
    side = Side(np.empty(0), failed)
    differs = changes(levels_of(view, deployment), theirs, ours)
    return Evidence(deployment.challenger, deployment.champion, side, None, differs)


def compared(view: LoopView, deployment: Deployment, decisions: pa.Table) -> Floats | None:
    """Return by how much the two versions' answers to the same rows differ; None when their views or members do."""
    if len(members_of(deployment.challenger)) > 1:
        return None
    champion, challenger = view.bundle(deployment.champion), view.bundle(deployment.challenger)
    digest = champion.manifest.view_digest
    if digest != challenger.manifest.view_digest:
        return None
    same = decisions.filter(is_text(decisions["view"], digest))
    same = same.filter(pa.array(evenly(same)))
    same = same.slice(max(0, same.num_rows - MOST_COMPARED))
    _, words = view_rows(same, len(view_columns(champion.manifest)))
    return changes(levels_of(view, deployment), score_words(champion, words), score_words(challenger, words))


def levels_of(view: LoopView, deployment: Deployment) -> tuple[float, ...]:
    """Return the scores from which a service takes its actions but the floor; none when the score is the answer."""
    declared = load_service(view.catalog, deployment.service_version).service.thresholds
    turned = get_thresholds(view.catalog, deployment.service)
    levels = effective(declared, turned.levels if turned is not None else {}, service=deployment.service)
    return tuple(score for _, score in levels[1:])


def changes(levels: tuple[float, ...], theirs: Floats, ours: Floats) -> Floats:
    """Return for each row that both scored, how much another answer it gets: 0 to 1.

    Examples
    --------
    >>> changes((0.5,), np.array([0.1, 0.6, np.nan]), np.array([0.2, 0.4, 0.9])).tolist()
    [0.0, 1.0]
    """
    both = ~(np.isnan(theirs) | np.isnan(ours))
    theirs, ours = theirs[both], ours[both]
    if not levels:
        return np.minimum(np.abs(theirs - ours), 1.0)
    edges = np.array(levels)
    differs: Flags = np.searchsorted(edges, theirs, "right") != np.searchsorted(edges, ours, "right")
    return differs.astype(np.float64)
