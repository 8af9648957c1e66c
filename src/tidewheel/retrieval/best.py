"""The best of many numbers, ties by place: the order of every index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Places = npt.NDArray[np.intp]


def best(values: Floats, k: int) -> Places:
    """Return the places of the `k` highest values, highest first, equal ones by place; NaN never.

    Examples
    --------
    >>> best(np.array([1.0, 3.0, np.nan, 3.0, 2.0]), 3).tolist()
    [1, 3, 4]
    """
    known = np.flatnonzero(~np.isnan(values))
    if known.size > k:
        # All that equal the last value taken stand for it, so that the ties below are those of the whole.
        edge = np.partition(values[known], known.size - k)[known.size - k]
        known = known[values[known] >= edge]
    order = np.lexsort((known, -values[known]))
    return known[order[:k]]
