"""How alike two sets of scores of the same rows are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def ranks(values: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Floats:
    """Return the rank of each value from 1; equal values share their mean rank.

    A row of weight 2 ranks as two rows would.

    Examples
    --------
    >>> ranks([0.3, 0.1, 0.3]).tolist()
    [2.5, 1.0, 2.5]
    """
    array = np.asarray(values, dtype=np.float64)
    _, place = np.unique(array, return_inverse=True)
    counts = np.bincount(place, weight)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[place], dtype=np.float64)


def rank_correlation(one: npt.ArrayLike, two: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Return Spearman's rank correlation; NaN when one of them is constant. A row of weight 2 counts as two rows.

    Examples
    --------
    >>> rank_correlation([1, 2, 3], [10, 30, 20])
    0.5
    """
    a, b = ranks(one, weight), ranks(two, weight)
    mass = np.ones(a.size) if weight is None else np.asarray(weight, dtype=np.float64)
    a, b = a - np.average(a, weights=mass), b - np.average(b, weights=mass)
    spread = float(np.sqrt((mass @ (a * a)) * (mass @ (b * b))))
    return float(mass @ (a * b)) / spread if spread > 0.0 else float("nan")
