"""Where the model is worse than elsewhere: declared slices, and the worst ones found by looking.

The search follows Slice Finder (Chung et al. 2019): every value of every column, and every pair of values of two
columns, is compared with all other test rows by the mean loss of a row (log loss of a class, squared error of a
number), one-sided (`compare_parts`); rows of a declared block are taken as alike. So many questions find something by
chance; the p-values are corrected over all of them (Benjamini and Hochberg 1995). A slice with more positives is harder
by nature: read it beside champion and baseline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import difference, interval
from tidewheel.metrics.bootstrap import numbered
from tidewheel.metrics.multiplicity import benjamini_hochberg
from tidewheel.registry.runs.evaluation import Slice
from tidewheel.training.evaluation.evaluate import RESAMPLES
from tidewheel.training.evaluation.material import Material
from tidewheel.training.evaluation.parts import compare_parts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
LEAST_ROWS = 50
MOST_SINGLE, MOST_PAIRED = 100, 12
"""Columns looked at alone, and in pairs: those that the model uses most."""
MOST_FOUND = 10
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class Candidate:
    """A slice before it is measured: which rows, how much worse, and by what chance (NaN where that can't be told)."""

    where: Mapping[str, str]
    codes: Ints
    code: int
    worse: float
    p: float

    @property
    def rows(self) -> Flags:
        """Which rows it has."""
        return np.asarray(self.codes == self.code)


def slices(material: Material, declared: Sequence[str]) -> tuple[list[Slice], int]:
    """Return declared slices and the worst found ones, and how many the search looked at."""
    loss = losses(material)
    own = [slice_ for name in declared for slice_ in singles(material, [name], loss)]
    searched = [candidate for candidate in _search(material, loss) if not math.isnan(candidate.p)]
    found = [(c, q) for c, q in zip(searched, _corrected(searched), strict=True) if q <= FALSE_DISCOVERIES]
    worst = _apart(sorted(found, key=lambda pair: (-pair[0].worse, str(pair[0].where))))[:MOST_FOUND]
    told = [measured(material, c, q, declared=True) for c, q in zip(own, _corrected(own), strict=True)]
    return told + [measured(material, c, q, declared=False) for c, q in worst], len(searched)


def _corrected(candidates: Sequence[Candidate]) -> list[float]:
    return list(benjamini_hochberg([1.0 if math.isnan(c.p) else c.p for c in candidates]).tolist())


def losses(material: Material) -> Floats:
    """Return the loss of each row; of a model that ranks, how far its list is from the best order.

    A list in which nothing is relevant is as good as the mean one.
    """
    if material.group is None:
        return row_loss(material.y, material.score, classification=material.classification)
    stands, counts = material.leading.prepare(material.y, material.score, material.weight, material.group).arguments
    known, mean = counts > 0.0, np.average(stands, weights=counts)
    code = np.unique(material.group, return_inverse=True)[1]
    values, told = np.bincount(code, stands * known), np.bincount(code, known) > 0
    return np.asarray(1.0 - np.where(told, values, mean)[code])


def row_loss(y: Floats, score: Floats, *, classification: bool) -> Floats:
    """Return the loss of each row: log loss of a probability, else squared error (of the rank, for a margin).

    Examples
    --------
    >>> row_loss(np.array([1.0]), np.array([0.5]), classification=True).round(4).tolist()
    [0.6931]
    """
    if not classification:
        return np.square(y - score)
    if score.min() < 0.0 or score.max() > 1.0:
        from tidewheel.metrics.agreement import ranks

        return np.square(y - ranks(score) / score.size)
    p = np.clip(score, 1e-6, 1.0 - 1e-6)
    return -np.where(y == 1.0, np.log(p), np.log1p(-p))


def singles(material: Material, columns: Sequence[str], loss: Floats, least: int = LEAST_ROWS) -> Iterator[Candidate]:
    """Yield each value of each column that has enough rows."""
    block = numbered(material.blocks, loss.size)
    for name in columns:
        codes, values = material.cells(name)
        yield from _compared(codes, [{name: value} for value in values], loss, block, least)


def _search(material: Material, loss: Floats) -> Iterator[Candidate]:
    columns, block = _by_use(material), numbered(material.blocks, loss.size)
    yield from singles(material, columns[:MOST_SINGLE], loss)
    cut = {name: material.cells(name) for name in columns[:MOST_PAIRED]}
    for (one, (codes, values)), (two, (others, named)) in combinations(cut.items(), 2):
        both = np.where((codes < 0) | (others < 0), -1, codes * len(named) + others)
        yield from _compared(both, [{one: v, two: w} for v in values for w in named], loss, block, LEAST_ROWS)


def _by_use(material: Material) -> list[str]:
    names = material.table.column_names
    return sorted(names, key=lambda name: (-material.gain.get(name, 0.0), names.index(name)))


def _compared(
    codes: Ints, named: Sequence[dict[str, str]], loss: Floats, block: Ints | None, least: int
) -> Iterator[Candidate]:
    found = compare_parts(loss, codes, len(named), block)
    enough = (found.rows >= least) & (loss.size - found.rows >= least)
    for place in np.flatnonzero(enough).tolist():
        yield Candidate(named[place], codes, place, float(found.worse[place]), float(found.p[place]))


def _apart(found: Sequence[tuple[Candidate, float]]) -> list[tuple[Candidate, float]]:
    """Leave out a pair of values where one of the two alone is as bad."""
    alone = {next(iter(c.where.items())): c.worse for c, _ in found if len(c.where) == 1}
    return [
        (c, q)
        for c, q in found
        if len(c.where) == 1 or all(alone.get(item, -math.inf) < c.worse for item in c.where.items())
    ]


def measured(material: Material, candidate: Candidate, q: float, *, declared: bool) -> Slice:
    """Return a slice with the leading metric, beside the rest, champion and baseline."""
    rows, measure = candidate.rows, material.leading
    drawn = material.drawn(rows)
    y, weight = material.y[rows], material.weight[rows]
    slice_ = Slice(
        where=dict(candidate.where),
        declared=declared,
        rows=int(rows.sum()),
        positives=float(np.average(y, weights=weight)),
        metric=measure.name,
        value=None,
        rest=_value(material, material.score, ~rows),
        p=_finite(candidate.p),
        q=None if math.isnan(candidate.p) else q,
        baseline=_value(material, material.baseline, rows),
    )
    try:
        own = interval(measure, y, material.score[rows], weight, resamples=RESAMPLES, seed=material.seed, **drawn)
    except MetricError:  # one class alone: the metric says nothing here
        return slice_
    slice_ = msgspec.structs.replace(slice_, value=own.value, low=_finite(own.low), high=_finite(own.high))
    if material.champion.score is None:
        return slice_
    champion = material.champion.score[rows]
    gain = difference(
        measure, y, material.score[rows], champion, weight, resamples=RESAMPLES, seed=material.seed, **drawn
    )
    return msgspec.structs.replace(
        slice_,
        champion=_value(material, material.champion.score, rows),
        change=gain.value,
        change_low=_finite(gain.low),
        change_high=_finite(gain.high),
    )


def _value(material: Material, score: Floats, rows: Flags) -> float | None:
    try:
        return material.leading(material.y[rows], score[rows], material.weight[rows], material.drawn(rows)["group"])
    except MetricError:
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
