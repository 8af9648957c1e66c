"""Where the model is worse than elsewhere: declared slices, and the worst ones found by looking.

The search follows Slice Finder (Chung et al. 2019): every value of every column, and every pair of values of two
columns, is compared with all other test rows by the mean loss of a row (log loss of a class, squared error of a number)
with Welch's test, one-sided. So many questions find something by chance; the p-values are corrected over all of them
(Benjamini and Hochberg 1995). A slice with more positives is harder by nature: read it beside champion and baseline.
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
from tidewheel.metrics.multiplicity import benjamini_hochberg
from tidewheel.registry.evaluation import Slice
from tidewheel.training.evaluation.cells import cells
from tidewheel.training.evaluation.evaluate import RESAMPLES
from tidewheel.training.evaluation.material import Material

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LEAST_ROWS = 50
MOST_SINGLE, MOST_PAIRED = 100, 12
"""Columns looked at alone, and in pairs: those that the model uses most."""
MOST_FOUND = 10
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class Candidate:
    """A slice before it is measured: which rows, how many, how much worse, and by what chance."""

    where: Mapping[str, str]
    rows: Flags
    worse: float
    p: float


def slices(material: Material, declared: Sequence[str]) -> tuple[list[Slice], int]:
    """Return declared slices and the worst found ones, and how many the search looked at."""
    loss = row_loss(material.y, material.score, classification=material.classification)
    own = [slice_ for name in declared for slice_ in singles(material, [name], loss)]
    searched = list(_search(material, loss))
    rates = benjamini_hochberg([candidate.p for candidate in searched])
    found = [(c, q) for c, q in zip(searched, rates.tolist(), strict=True) if q <= FALSE_DISCOVERIES]
    worst = _apart(sorted(found, key=lambda pair: (-pair[0].worse, str(pair[0].where))))[:MOST_FOUND]
    own_rates = benjamini_hochberg([candidate.p for candidate in own]).tolist()
    told = [measured(material, c, q, declared=True) for c, q in zip(own, own_rates, strict=True)]
    return told + [measured(material, c, q, declared=False) for c, q in worst], len(searched)


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
    for name in columns:
        codes, values = cells(material.table[name], text=name in material.texts)
        yield from _compared([({name: value}, codes == place) for place, value in enumerate(values)], loss, least)


def _search(material: Material, loss: Floats) -> Iterator[Candidate]:
    columns = _by_use(material)
    yield from singles(material, columns[:MOST_SINGLE], loss)
    cut = {name: cells(material.table[name], text=name in material.texts) for name in columns[:MOST_PAIRED]}
    for (one, (codes, values)), (two, (others, named)) in combinations(cut.items(), 2):
        parts = [
            ({one: values[i], two: named[j]}, (codes == i) & (others == j))
            for i in range(len(values))
            for j in range(len(named))
        ]
        yield from _compared(parts, loss, LEAST_ROWS)


def _by_use(material: Material) -> list[str]:
    names = material.table.column_names
    return sorted(names, key=lambda name: (-material.gain.get(name, 0.0), names.index(name)))


def _compared(parts: Sequence[tuple[dict[str, str], Flags]], loss: Floats, least: int) -> Iterator[Candidate]:
    total, squares, n = float(loss.sum()), float(loss @ loss), loss.size
    for where, rows in parts:
        size = int(np.count_nonzero(rows))
        if size < least or n - size < least:
            continue
        inside = loss[rows]
        one, one_squares = float(inside.sum()), float(inside @ inside)
        mean, variance = _moments(one, one_squares, size)
        rest, rest_variance = _moments(total - one, squares - one_squares, n - size)
        error = math.sqrt(variance / size + rest_variance / (n - size))
        z = (mean - rest) / error if error > 0.0 else 0.0
        spread = math.sqrt((variance + rest_variance) / 2.0)
        worse = (mean - rest) / spread if spread > 0.0 else 0.0
        yield Candidate(where, rows, worse, 0.5 * math.erfc(z / math.sqrt(2.0)))


def _moments(total: float, squares: float, n: int) -> tuple[float, float]:
    mean = total / n
    return mean, max(0.0, squares / n - mean * mean) * n / (n - 1)


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
    blocks = None if material.blocks is None else material.blocks[rows]
    y, weight = material.y[rows], material.weight[rows]
    slice_ = Slice(
        where=dict(candidate.where),
        declared=declared,
        rows=int(rows.sum()),
        positives=float(np.average(y, weights=weight)),
        metric=measure.name,
        value=None,
        rest=_value(material, material.score, ~rows),
        p=candidate.p,
        q=q,
        baseline=_value(material, material.baseline, rows),
    )
    try:
        own = interval(measure, y, material.score[rows], weight, resamples=RESAMPLES, seed=material.seed, blocks=blocks)
    except MetricError:  # one class alone: the metric says nothing here
        return slice_
    slice_ = msgspec.structs.replace(slice_, value=own.value, low=_finite(own.low), high=_finite(own.high))
    if material.champion.score is None:
        return slice_
    champion = material.champion.score[rows]
    gain = difference(
        measure, y, material.score[rows], champion, weight, resamples=RESAMPLES, seed=material.seed, blocks=blocks
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
        return material.leading(material.y[rows], score[rows], material.weight[rows])
    except MetricError:
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
