"""How far served rows moved from the rows a version was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.kernel import hash_text
from tidewheel.metrics import Psi, bin_counts, psi
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.outcomes import Joined, model_scores, view_rows
from tidewheel.registry.profile import FeatureProfile, Profile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
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


def measure_drift(
    version: str, start: str, profile: Profile, served: Served, *, at_least: float = 0.0, most: int | None = None
) -> list[FeatureDrift]:
    """Compare the profiled columns, and the score, with the training rows.

    Parameters
    ----------
    version, start : str
        What the findings are said to be of.
    profile : Profile
        The version's training rows.
    served : Served
        Fewer than `FEWEST_ROWS` say nothing.
    at_least : float
        Leave out columns whose index is smaller: its interval, which takes longest, is not asked for.
    most : int, optional
        Only so many columns, those that moved most; the score comes besides.
    """
    if served.words.shape[0] < FEWEST_ROWS:
        return []
    place = {name: position for position, name in enumerate(served.columns)}
    counted = [
        _counted(feature, served.words[:, place[feature.name]]) for feature in profile.features if feature.name in place
    ]
    counted = sorted((found for found in counted if found is not None), key=lambda found: -found.index)[:most]
    if profile.score is not None:
        scores = served.scores[~np.isnan(served.scores)]
        counted.append(_counted(profile.score, scores, SCORE))
    return [_found(version, start, found) for found in counted if found is not None and found.index >= at_least]


def served_rows(joined: Joined, columns: Sequence[str], among: Ints | None = None) -> tuple[Served, Ints]:
    """Return the view rows that were served, and the places of their decisions.

    Parameters
    ----------
    joined : Joined
    columns : sequence of str
        The view's; decisions that kept no row of this width are left out.
    among : int64 array, optional
        Places of the decisions to look at; all by default.
    """
    table = joined.decisions if among is None else joined.decisions.take(pa.array(among))
    rows, words = view_rows(table, len(columns))
    return Served(columns, words, model_scores(table)[rows]), rows if among is None else among[rows]


@dataclass(frozen=True)
class _Counted:
    """Training and served rows of one column over the same bins, and the index of the two."""

    name: str
    then: Floats
    now: Floats
    index: float


def _counted(trained: FeatureProfile, served: Floats, name: str = "") -> _Counted | None:
    then, now = _histograms(trained, np.ascontiguousarray(served))
    if then.sum() == 0 or now.sum() == 0:
        return None
    return _Counted(name or trained.name, then, now, _index(then, now))


def _index(then: Floats, now: Floats) -> float:
    """Return the index that `psi` puts an interval around."""
    held = (then + now) > 0
    p, q = then[held] + 0.5, now[held] + 0.5
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def _found(version: str, start: str, counted: _Counted) -> FeatureDrift:
    index: Psi = psi(counted.then, counted.now)
    return FeatureDrift(
        version=version,
        start=start,
        feature=counted.name,
        psi=index.value,
        low=index.low,
        high=index.high,
        noise=index.noise,
        null_share=float(counted.now[-1] / counted.now.sum()),
        null_share_trained=float(counted.then[-1] / counted.then.sum()),
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
