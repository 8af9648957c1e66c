"""The loops of this room, compiled: one pass over rows sorted once, reweighted by counts.

Every function takes `counts`, how often each row was drawn (all ones for the sample itself),
and gives NaN where the metric is undefined for that draw. Rows of the ranking functions are
sorted by falling score; `last` marks the last row of each run of equal scores, where a
threshold can stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint16]
F = TypeVar("F", bound=Callable[..., object])

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_11 = np.uint64(11)
_SHIFT_27 = np.uint64(27)
_SHIFT_30 = np.uint64(30)
_SHIFT_31 = np.uint64(31)


def _compiled(function: F) -> F:
    return cast(F, numba.njit(cache=True, nogil=True)(function))


@_compiled
def draw(n: int, seed: np.uint64, counts: Counts) -> None:
    """Fill `counts` with how often each of `n` rows comes up in `n` draws with replacement (SplitMix64)."""
    for i in range(n):
        counts[i] = 0
    state = seed
    for _ in range(n):
        state += _GAMMA
        z = state
        z = (z ^ (z >> _SHIFT_30)) * _MIX_1
        z = (z ^ (z >> _SHIFT_27)) * _MIX_2
        z = z ^ (z >> _SHIFT_31)
        counts[np.int64(np.float64(z >> _SHIFT_11) * 1.1102230246251565e-16 * n)] += 1


@_compiled
def draw_blocks(block: npt.NDArray[np.int64], drawn: Counts, counts: Counts) -> None:
    """Fill `counts` with how often the block of each row was drawn."""
    for i in range(block.size):
        counts[i] = drawn[block[i]]


@_compiled
def average_precision(y: Floats, w: Floats, last: Flags, counts: Counts) -> float:
    """Sum over thresholds of (recall gained) x precision."""
    found, found_before, total, area = 0.0, 0.0, 0.0, 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        total += c
        found += c * y[i]
        if last[i] and found > found_before:
            area += (found - found_before) * found / total
            found_before = found
    return area / found if found > 0.0 else np.nan


@_compiled
def roc_auc(y: Floats, w: Floats, last: Flags, counts: Counts) -> float:
    """Chance that a positive scores above a negative, ties counting half."""
    positives, negatives, area = 0.0, 0.0, 0.0
    group_positives, group_negatives = 0.0, 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        group_positives += c * y[i]
        group_negatives += c * (1.0 - y[i])
        if last[i]:
            area += group_negatives * (positives + 0.5 * group_positives)
            positives += group_positives
            negatives += group_negatives
            group_positives, group_negatives = 0.0, 0.0
    return area / (positives * negatives) if positives > 0.0 and negatives > 0.0 else np.nan


@_compiled
def precision_at(y: Floats, w: Floats, last: Flags, recall: float, counts: Counts) -> float:
    """Best precision of the thresholds whose recall is at least `recall`."""
    positives = 0.0
    for i in range(y.size):
        positives += w[i] * counts[i] * y[i]
    if positives == 0.0:
        return np.nan
    found, total, best = 0.0, 0.0, 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        total += c
        found += c * y[i]
        if last[i] and total > 0.0 and found / positives >= recall:
            best = max(best, found / total)
    return best


@_compiled
def recall_at(y: Floats, w: Floats, last: Flags, precision: float, counts: Counts) -> float:
    """Best recall of the thresholds whose precision is at least `precision`; 0 when there is none."""
    found, total, best = 0.0, 0.0, 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        total += c
        found += c * y[i]
        if last[i] and total > 0.0 and found / total >= precision:
            best = found
    return best / found if found > 0.0 else np.nan


@_compiled
def weighted_mean(loss: Floats, w: Floats, counts: Counts) -> float:
    """Weighted mean of one number a row."""
    total, weight = 0.0, 0.0
    for i in range(loss.size):
        c = w[i] * counts[i]
        total += c * loss[i]
        weight += c
    return total / weight if weight > 0.0 else np.nan


@_compiled
def distance_to(hit: Floats, w: Floats, share: float, counts: Counts) -> float:
    """How far the weighted share of hits is from another share."""
    return abs(weighted_mean(hit, w, counts) - share)


@_compiled
def r2(y: Floats, residual: Floats, w: Floats, counts: Counts) -> float:
    """One minus residual over total sum of squares."""
    weight, mean, spread, error = 0.0, 0.0, 0.0, 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        if c > 0.0:
            weight += c
            step = y[i] - mean
            mean += step * (c / weight)  # a first row's is its own value, to the bit
            spread += c * step * (y[i] - mean)
            error += c * residual[i] * residual[i]
    return 1.0 - error / spread if spread > 0.0 else np.nan


@_compiled
def calibration_error(y: Floats, p: Floats, w: Floats, bin_of: npt.NDArray[np.int64], counts: Counts) -> float:
    """Weighted mean over bins of the distance between mean score and share of positives."""
    n_bins = bin_of.max() + 1
    gap = np.zeros(n_bins)
    total = 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        gap[bin_of[i]] += c * (y[i] - p[i])
        total += c
    distance = 0.0
    for b in range(n_bins):
        distance += abs(gap[b])
    return distance / total if total > 0.0 else np.nan


@_compiled
def f1(y: Floats, taken: Floats, w: Floats, counts: Counts) -> float:
    """Twice the rows taken rightly over the rows taken and the positive ones."""
    right, both = 0.0, 0.0
    for i in range(y.size):
        c = w[i] * counts[i]
        right += c * y[i] * taken[i]
        both += c * (y[i] + taken[i])
    return 2.0 * right / both if both > 0.0 else np.nan
