"""How far served rows moved from the rows a version was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.kernel import hash_text
from tidewheel.metrics import Psi, psi
from tidewheel.monitoring.answers import DAY
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.outcomes import Joined, evenly, model_scores, view_rows
from tidewheel.registry.models.profile import FeatureProfile, Profile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SCORE = "(score)"
"""Stands for the model's own score among a version's columns."""
FEWEST_ROWS = 100
"""Below so many served rows an index says nothing."""
FEWEST_DAYS = 3
"""Below so many days they can't be compared with each other."""


@dataclass(frozen=True)
class Served:
    """Rows that one version answered: its view's words, its scores, and the days.

    Attributes
    ----------
    columns : sequence of str
        The view's columns, in the order of `words`.
    words : float64 array, shape (n, columns)
        As served; text columns hold 64-bit hashes.
    scores : float64 array, shape (n,)
        NaN where the model did not answer.
    days : int64 array, shape (n,)
        The day of each decision, by any count.
    """

    columns: Sequence[str]
    words: Floats
    scores: Floats
    days: Ints

    def take(self, rows: npt.NDArray[np.bool_]) -> Served:
        """Return the rows where `rows` is true."""
        return Served(self.columns, self.words[rows], self.scores[rows], self.days[rows])


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
    _, days = np.unique(served.days, return_inverse=True)
    counted = [
        _counted(feature, served.words[:, place[feature.name]], days)
        for feature in profile.features
        if feature.name in place
    ]
    moved = sorted((found for found in counted if found is not None), key=lambda found: -found.index)[:most]
    if profile.score is not None:
        scored = ~np.isnan(served.scores)
        score = _counted(profile.score, served.scores[scored], days[scored], SCORE)
        moved += [score] if score is not None else []
    return [_found(version, start, found) for found in moved if found.index >= at_least]


def served_rows(joined: Joined, columns: Sequence[str], among: Ints | None = None) -> tuple[Served, Ints]:
    """Return the view rows that were served, and the places of their decisions.

    Parameters
    ----------
    joined : Joined
    columns : sequence of str
        The view's; decisions that kept no row of this width are left out, and those on rows that the model is not
        known to be meant for.
    among : int64 array, optional
        Places of the decisions to look at; all by default.
    """
    table = joined.decisions if among is None else joined.decisions.take(pa.array(among))
    rows, words = view_rows(table, len(columns))
    even = evenly(table)[rows]
    if joined.meant is not None:
        even &= (joined.meant if among is None else joined.meant[among])[rows]
    rows, words = rows[even], words[even]
    days = table["instant"].to_numpy()[rows] // DAY
    return Served(columns, words, model_scores(table)[rows], days), rows if among is None else among[rows]


@dataclass(frozen=True)
class _Counted:
    """Training and served rows of one column over the same bins, the index of the two, and `design_effect`."""

    name: str
    then: Floats
    now: Floats
    index: float
    effect: float


def _counted(trained: FeatureProfile, served: Floats, days: Ints, name: str = "") -> _Counted | None:
    counts: Sequence[int] = trained.level_counts or trained.counts
    then = np.array([*counts, trained.nulls], dtype=np.float64)
    by_day = _by_day(_bins(trained, np.ascontiguousarray(served)), days, then.size)
    now = by_day.sum(axis=0)
    if then.sum() == 0 or now.sum() == 0:
        return None
    return _Counted(name or trained.name, then, now, _index(then, now), design_effect(by_day))


def _index(then: Floats, now: Floats) -> float:
    """Return the index that `psi` puts an interval around."""
    held = (then + now) > 0
    p, q = then[held] + 0.5, now[held] + 0.5
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def design_effect(by_day: Floats) -> float:
    """Return by how much days that differ widen the noise of a histogram, at least 1.

    Rows of one day resemble each other, so that a week of them says less than as many rows drawn
    apart. The first-order correction of Rao and Scott (1981), with days as clusters: the mean, over
    bins, of the variance from day to day as a multiple of that of independent rows.

    Parameters
    ----------
    by_day : float64 array, shape (days, bins)
        Counts. With fewer than three days, 1.

    Examples
    --------
    >>> design_effect(np.array([[10.0, 10.0], [9.0, 11.0], [11.0, 9.0]]))
    1.0
    >>> design_effect(np.array([[20.0, 0.0], [0.0, 20.0], [20.0, 0.0]])) > 10.0
    True
    """
    by_day = by_day[:, by_day.sum(axis=0) > 0]
    days, bins = by_day.shape
    if days < FEWEST_DAYS or bins < 2:
        return 1.0
    n = by_day.sum()
    share = by_day.sum(axis=0) / n
    residual = by_day - by_day.sum(axis=1, keepdims=True) * share
    variance = (residual**2).sum(axis=0) / n**2 * days / (days - 1)
    return max(1.0, float((variance / share).sum() * n / (bins - 1)))


def _found(version: str, start: str, counted: _Counted) -> FeatureDrift:
    around: Psi = psi(counted.then / counted.effect, counted.now / counted.effect)
    return FeatureDrift(
        version=version,
        start=start,
        feature=counted.name,
        psi=counted.index,
        low=min(around.low, counted.index),
        high=max(around.high, counted.index),
        noise=around.noise,
        null_share=float(counted.now[-1] / counted.now.sum()),
        null_share_trained=float(counted.then[-1] / counted.then.sum()),
    )


def _by_day(bins: Ints, days: Ints, width: int) -> Floats:
    count = int(days.max()) + 1 if days.size else 1
    return np.bincount(days * width + bins, minlength=count * width).reshape(count, width).astype(np.float64)


def _bins(trained: FeatureProfile, served: Floats) -> Ints:
    """Return the bin of each value, as the training rows were counted; the last is null's."""
    if trained.level_counts:
        return _level_places(trained, served)
    bins = np.searchsorted(np.asarray(trained.edges, dtype=np.float64), served, side="left")
    bins[np.isnan(served)] = len(trained.edges) + 1
    return bins.astype(np.int64)


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
