"""How far served rows moved from the rows a version was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.kernel import hash_text
from tidewheel.metrics import Psi, bin_counts, psi
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.registry.profile import FeatureProfile, Profile

Floats = npt.NDArray[np.float64]
SCORE = "(score)"
"""Stands for the model's own score among a version's columns."""
FEWEST_ROWS = 100
"""Below so many served rows an index says nothing."""


@dataclass(frozen=True)
class Served:
    """Rows that one version answered: its view's words, and its scores.

    Attributes
    ----------
    columns : sequence of str
        The view's columns, in the order of `words`.
    words : float64 array, shape (n, columns)
        As served; text columns hold 64-bit hashes.
    scores : float64 array, shape (n,)
        NaN where the model did not answer.
    """

    columns: Sequence[str]
    words: Floats
    scores: Floats


def measure_drift(version: str, start: str, profile: Profile, served: Served) -> list[FeatureDrift]:
    """Compare every profiled column, and the score, with the training rows.

    Returns nothing for fewer than `FEWEST_ROWS` rows.
    """
    if served.words.shape[0] < FEWEST_ROWS:
        return []
    place = {name: position for position, name in enumerate(served.columns)}
    found = [
        _drift(version, start, feature, served.words[:, place[feature.name]])
        for feature in profile.features
        if feature.name in place
    ]
    if profile.score is not None:
        scores = served.scores[~np.isnan(served.scores)]
        found.append(_drift(version, start, profile.score, scores, name=SCORE))
    return [drift for drift in found if drift is not None]


def _drift(version: str, start: str, trained: FeatureProfile, served: Floats, name: str = "") -> FeatureDrift | None:
    then, now = _histograms(trained, np.ascontiguousarray(served))
    if then.sum() == 0 or now.sum() == 0:
        return None
    index: Psi = psi(then, now)
    nulls_then, nulls_now = trained.nulls / then.sum(), float(now[-1] / now.sum())
    return FeatureDrift(
        version, start, name or trained.name, index.value, index.low, index.high, index.noise, nulls_now, nulls_then
    )


def _histograms(trained: FeatureProfile, served: Floats) -> tuple[Floats, Floats]:
    """Return counts of the training rows and the served rows over the same bins; nulls last."""
    if trained.level_counts:
        codes = _level_places(trained, served)
        now = np.bincount(codes, minlength=len(trained.levels) + 2).astype(np.float64)
        return np.array([*trained.level_counts, trained.nulls], dtype=np.float64), now
    now = bin_counts(served, trained.edges).astype(np.float64)
    return np.array([*trained.counts, trained.nulls], dtype=np.float64), now


def _level_places(trained: FeatureProfile, served: Floats) -> npt.NDArray[np.int64]:
    """Return each hash's place among the levels; then "another string", then null."""
    hashes = served.view(np.int64)
    known = np.array([hash_text(level) for level in trained.levels], dtype=np.int64)
    order = np.argsort(known)
    spot = np.minimum(np.searchsorted(known[order], hashes), max(known.size - 1, 0))
    other, null = known.size, known.size + 1
    places = np.full(hashes.size, other, dtype=np.int64)
    if known.size:
        hit = known[order][spot] == hashes
        places[hit] = order[spot[hit]]
    places[hashes == 0] = null
    return places
