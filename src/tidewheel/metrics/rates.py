"""Shares of groups, compared with their uncertainty: whether one keeps within a bound of the other.

A share's interval is Wilson's (1927), over as many independent rows as its variance says it is worth. Two shares are
compared by the ends of their own intervals (method of variance estimates recovery: Newcombe 1998; Zou and Donner
2008), which holds for shares of 0 and 1 too, where a resample has no spread.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.metrics.probability import wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_NOTHING = 1e-24
"""Variances of a share below it are what rounding leaves."""


class Share(NamedTuple):
    """A mean of numbers from 0 to 1.

    Attributes
    ----------
    value : float
    rows : float
        Independent rows that it is worth: fewer than there are where rows of a block are alike.
    """

    value: float
    rows: float

    def ends(self, confidence: float) -> tuple[float, float]:
        """Return the ends that it lies above, and below, with this confidence each."""
        return wilson(self.value * self.rows, self.rows, NormalDist().inv_cdf(confidence))


def share_of(values: Floats, blocks: Ints | None = None, weight: Floats | None = None) -> Share:
    """Return the mean of numbers from 0 to 1, with the independent rows that it is worth.

    Parameters
    ----------
    values : float64 array, shape (n,)
    blocks : int64 array, shape (n,), optional
        Rows of one number are alike: the variance is that of the blocks' sums (Cochran 1977, section 9A.2).
    weight : float64 array, shape (n,), optional
        How many rows each one stands for; the mean is a ratio of sums, and its variance by linearisation (6.3 there).

    Examples
    --------
    >>> alone = share_of(np.array([0.0, 1.0] * 50))
    >>> alone.value, round(alone.rows)
    (0.5, 99)
    >>> round(share_of(np.array([0.0, 1.0] * 50), np.array([0, 1] * 50)).rows)
    1
    """
    mass = np.ones(values.size) if weight is None else weight
    mean = float(np.average(values, weights=weight))
    sums = mass * (values - mean)
    if blocks is not None:
        block = np.unique(blocks, return_inverse=True)[1]
        sums, mass = (np.bincount(block, part).astype(np.float64) for part in (sums, mass))
    variance = float(sums @ sums) * sums.size / max(1, sums.size - 1) / float(mass.sum()) ** 2
    if variance < _NOTHING:  # each block counts as one row, if all weigh the same (Kish 1965)
        return Share(mean, float(mass.sum()) ** 2 / float(mass @ mass))
    return Share(mean, mean * (1.0 - mean) / variance)


def gap(one: Share, two: Share, times: float, confidence: float) -> tuple[float, float]:
    """Return the ends of ``one - times * two``, each with this confidence.

    With `times` 1 it is the difference; where the lower end is above 0, ``one / two`` is above `times`.

    Examples
    --------
    >>> low, high = gap(Share(0.5, 400.0), Share(0.5, 400.0), 0.8, 0.95)
    >>> low > 0.0  # a ratio of 0.8 at least
    True
    """
    (one_low, one_high), (two_low, two_high) = one.ends(confidence), two.ends(confidence)
    between = one.value - times * two.value
    down = np.hypot(one.value - one_low, times * (two_high - two.value))
    up = np.hypot(one_high - one.value, times * (two.value - two_low))
    return float(between - down), float(between + up)
