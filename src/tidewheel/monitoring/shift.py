"""Whether outcomes lately differ from those of the weeks before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.outcomes import Joined

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAY = 86_400_000_000
FEWEST_ROWS = 200
FEWEST_DAYS = 3


@dataclass(frozen=True)
class OutcomeShift:
    """Mean label of a window against the time before it.

    Attributes
    ----------
    before, now : float
        Mean labels; for classes, shares of positives.
    effect : float
        Cohen's h for classes (difference of ``2 asin sqrt(share)``), Cohen's d for numbers (difference
        of means in standard deviations of the time before): 0.2 is small, 0.5 medium, 0.8 large
        (Cohen 1988).
    p_value : float
        Chance of such a difference when nothing changed, from day to day variation.
    rows, rows_before : int
    """

    before: float
    now: float
    effect: float
    p_value: float
    rows: int
    rows_before: int


def outcome_shift(joined: Joined, end: int, window: int, before: int) -> OutcomeShift | None:
    """Compare the known labels of ``[end - window, end)`` with those of the time `before` it.

    Days are what is independent, not rows: what makes one flight late makes its neighbours late too.
    So shares are compared by their variation from day to day (a ratio estimate with days as clusters,
    Cochran 1977), with Welch's t.

    Parameters
    ----------
    joined : Joined
    end, window, before : int
        Microseconds: an instant up to which labels have matured, and two lengths.

    Returns
    -------
    OutcomeShift or None
        None where either side has fewer than 200 rows or 3 days.
    """
    at = joined.decisions["at"].to_numpy()
    known = joined.matured & (at < end)
    lately = known & (at >= end - window)
    earlier = known & (at >= end - window - before) & (at < end - window)
    sides = [_Side.of(at[rows], joined.label[rows], joined.weight[rows], end) for rows in (earlier, lately)]
    if any(side.rows < FEWEST_ROWS or side.days < FEWEST_DAYS for side in sides):
        return None
    then, now = sides
    classes = bool(np.isin(joined.label[lately | earlier], (0.0, 1.0)).all())
    effect = _cohen_h(then.mean, now.mean) if classes else (now.mean - then.mean) / max(then.deviation, 1e-300)
    return OutcomeShift(then.mean, now.mean, effect, _welch(then, now), now.rows, then.rows)


@dataclass(frozen=True)
class _Side:
    rows: int
    days: int
    mean: float
    deviation: float
    variance: float
    """Of the mean, days being drawn."""

    @classmethod
    def of(cls, at: Ints, label: Floats, weight: Floats, end: int) -> _Side:
        _, day = np.unique((at - end) // DAY, return_inverse=True)
        total = np.bincount(day, weight) if at.size else np.zeros(0)
        days = total.size
        if days < FEWEST_DAYS:
            return cls(at.size, days, math.nan, math.nan, math.nan)
        mean = float(np.average(label, weights=weight))
        deviation = math.sqrt(float(np.average((label - mean) ** 2, weights=weight)))
        residual = np.bincount(day, weight * (label - mean))
        variance = float(np.sum(residual**2)) / float(total.sum()) ** 2 * days / (days - 1)
        return cls(at.size, days, mean, deviation, variance)


def _cohen_h(then: float, now: float) -> float:
    return 2.0 * math.asin(math.sqrt(now)) - 2.0 * math.asin(math.sqrt(then))


def _welch(one: _Side, two: _Side) -> float:
    """Return the two-sided p-value of equal means."""
    from scipy.special import stdtr

    spread = one.variance + two.variance
    if spread <= 0.0:
        return 1.0 if one.mean == two.mean else 0.0
    freedom = spread**2 / (one.variance**2 / (one.days - 1) + two.variance**2 / (two.days - 1))
    return float(2.0 * stdtr(freedom, -abs(one.mean - two.mean) / math.sqrt(spread)))
