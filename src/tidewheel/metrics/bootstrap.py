"""Intervals by resampling rows, or blocks of rows, with replacement (Efron 1979), the percentile method.

Rows are sorted once. A replicate draws how often each row comes up (multinomial counts) and
makes one pass over the sorted rows with those counts as weights, so it never sorts or copies.
Replicate `r` of seed `s` always draws the same rows, whatever the number of threads.

Where rows share a cause (one card, one day), they are not independent, and intervals over rows are too narrow. Blocks
are then drawn whole: of an entity (Davison and Hinkley 1997, section 3.8) or of time (Carlstein 1986).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.cores import cores
from tidewheel.errors import MetricError
from tidewheel.metrics import compiled
from tidewheel.metrics.registry import Metric, metric
from tidewheel.metrics.state import State

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]
Blocks = npt.NDArray[np.int64]
_WORTH_A_THREAD = 4_000_000
_SEED_STEP = 0xD1342543DE82EF95


@dataclass(frozen=True)
class Interval:
    """A number with its uncertainty.

    Attributes
    ----------
    value : float
        Of the sample itself.
    low, high : float
        Ends of the percentile interval; NaN when too few resamples were defined.
    confidence : float
    resamples : int
        Resamples in which the metric was defined.
    undefined : int
        Resamples in which it was not (only one class was drawn).
    """

    value: float
    low: float
    high: float
    confidence: float
    resamples: int
    undefined: int = 0


@dataclass(frozen=True)
class Difference:
    """How much better one set of scores is than another on the same rows.

    Attributes
    ----------
    value : float
        Candidate minus reference, turned so that positive is better.
    low, high : float
        Ends of the percentile interval of `value`.
    better : float
        Share of the resamples in which the candidate was strictly better.
    confidence : float
    resamples : int
    within : float
        Share of the resamples in which it was not worse by more than the margin.
    """

    value: float
    low: float
    high: float
    better: float
    confidence: float
    resamples: int
    within: float = float("nan")


def interval(
    measure: Metric | str,
    y: npt.ArrayLike,
    score: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    resamples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
    blocks: npt.ArrayLike | None = None,
    group: npt.ArrayLike | None = None,
) -> Interval:
    """Return a metric with its bootstrap interval.

    Parameters
    ----------
    measure : Metric or str
    y, score : array, shape (n,)
    weight : array, shape (n,), optional
        Stays with its row when the row is drawn.
    resamples : int
    confidence : float
    seed : int
        Same seed and rows, same interval, to the bit.
    blocks : array of whole numbers, shape (n,), optional
        Rows of equal number are drawn together; without it each row is drawn alone.
    group : array, shape (n,), optional
        The list of each row, for a metric of lists: they are drawn whole, unless `blocks` says what is.

    Examples
    --------
    >>> ap = interval("average_precision", [0, 1] * 50, [i / 100 for i in range(100)])
    >>> ap.low < ap.value < ap.high
    True
    """
    measure = metric(measure) if isinstance(measure, str) else measure
    state = measure.prepare(y, score, weight, group)
    value = state.value(measure.function, measure.name)
    function, arguments = measure.function, state.arguments

    block = _drawn_by(measure, blocks, group, state.size)
    if block is not None and state.order is not None:
        block = block[state.order]

    def once(counts: Counts) -> float:
        return float(function(*arguments, counts))

    drawn = _replicates(once, state.size, resamples, seed, block)
    defined = drawn[~np.isnan(drawn)]
    low, high = _ends(defined, confidence)
    return Interval(value, low, high, confidence, defined.size, drawn.size - defined.size)


def difference(
    measure: Metric | str,
    y: npt.ArrayLike,
    candidate: npt.ArrayLike,
    reference: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    blocks: npt.ArrayLike | None = None,
    margin: float = 0.0,
    group: npt.ArrayLike | None = None,
) -> Difference:
    """Return how much better `candidate` scores than `reference`, by a paired bootstrap.

    Both are measured on the same drawn rows, so what they share cancels out. `blocks` and `group` as in `interval`;
    `margin` says how much worse still counts as `within`.

    Examples
    --------
    >>> y = [0, 1] * 50
    >>> gain = difference("roc_auc", y, y, [i % 7 for i in range(100)])
    >>> gain.value > 0.4 and gain.better == 1.0
    True
    """
    measure = metric(measure) if isinstance(measure, str) else measure
    states = [measure.prepare(y, score, weight, group) for score in (candidate, reference)]
    sign = 1.0 if measure.greater_is_better else -1.0
    one, two = (state.value(measure.function, measure.name) for state in states)

    def once(counts: Counts) -> float:
        ours, theirs = (_reweighted(measure, state, counts) for state in states)
        return sign * (ours - theirs)

    drawn = _replicates(once, states[0].size, resamples, seed, _drawn_by(measure, blocks, group, states[0].size))
    defined = drawn[~np.isnan(drawn)]
    low, high = _ends(defined, confidence)
    better, within = (
        float(np.mean(seen)) if defined.size else float("nan") for seen in (defined > 0.0, defined >= -margin)
    )
    return Difference(sign * (one - two), low, high, better, confidence, defined.size, within)


def _reweighted(measure: Metric, state: State, counts: Counts) -> float:
    placed = counts if state.order is None else counts[state.order]
    return float(measure.function(*state.arguments, placed))


def _drawn_by(measure: Metric, blocks: npt.ArrayLike | None, group: npt.ArrayLike | None, rows: int) -> Blocks | None:
    """Return the block of each row; the rows of a list are one where nothing else is said."""
    return numbered(group if blocks is None and measure.task == "ranking" else blocks, rows)


def numbered(blocks: npt.ArrayLike | None, rows: int) -> Blocks | None:
    """Return blocks numbered from 0 without gaps; None stays None.

    Raises
    ------
    MetricError
        There is not one number a row.

    Examples
    --------
    >>> numbered([7, 7, 3], 3).tolist()
    [1, 1, 0]
    """
    if blocks is None:
        return None
    _, block = np.unique(np.asarray(blocks), return_inverse=True)
    if block.shape != (rows,):
        raise MetricError(f"blocks of shape {block.shape} for {rows} rows: one number a row is expected")
    return block.astype(np.int64)


def _replicates(
    once: Callable[[Counts], float], n: int, resamples: int, seed: int, block: Blocks | None = None
) -> Floats:
    if resamples < 1:
        raise MetricError(f"{resamples} resamples: at least 1 is expected")
    threads = min(cores(), resamples) if n * resamples >= _WORTH_A_THREAD else 1
    if threads == 1:
        return _run(once, n, range(resamples), seed, block)
    with ThreadPoolExecutor(threads) as pool:
        shares = [range(k, resamples, threads) for k in range(threads)]
        parts = pool.map(lambda part: _run(once, n, part, seed, block), shares)
        values = np.empty(resamples)
        for k, part in enumerate(parts):
            values[k::threads] = part
    return values


def _run(once: Callable[[Counts], float], n: int, replicates: Sequence[int], seed: int, block: Blocks | None) -> Floats:
    counts = np.empty(n, dtype=np.uint16)
    drawn = counts if block is None else np.empty(int(block.max()) + 1, dtype=np.uint16)
    values = np.empty(len(replicates))
    for place, replicate in enumerate(replicates):
        compiled.draw(drawn.size, replicate_seed(seed, replicate), drawn)
        if block is not None:
            compiled.draw_blocks(block, drawn, counts)
        values[place] = once(counts)
    return values


def replicate_seed(seed: int, replicate: int) -> np.uint64:
    """Return the seed of one replicate: far from its neighbours', so that streams do not overlap."""
    mixed = (seed * 0x9E3779B97F4A7C15 + (replicate + 1) * _SEED_STEP) & 0xFFFFFFFFFFFFFFFF
    mixed ^= mixed >> 32
    return np.uint64(mixed * 0xD6E8FEB86659FD93 & 0xFFFFFFFFFFFFFFFF)


def _ends(values: Floats, confidence: float) -> tuple[float, float]:
    if not 0.0 <= confidence < 1.0:
        raise MetricError(f"confidence={confidence:g} is not between 0 and 1", remedy="write 0.95 for 95%")
    if values.size == 0:
        return float("nan"), float("nan")
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high)
