"""Counting a column into bins that a reference sample fixed once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def quantile_edges(values: npt.ArrayLike, bins: int = 10) -> Floats:
    """Return inner edges that cut the non-null `values` into about equally full bins.

    A bin holds ``edge[i - 1] < x <= edge[i]``; the first and the last are open. Values that
    repeat a lot give fewer, wider bins. Infinite values count; NaN is null.

    Examples
    --------
    >>> quantile_edges([1.0, 2.0, 3.0, 4.0], bins=2).tolist()
    [2.0]
    """
    column = np.asarray(values, dtype=np.float64)
    column = np.sort(column[~np.isnan(column)])
    if column.size == 0:
        return np.empty(0)
    places = np.ceil(np.arange(1, bins) * column.size / bins).astype(np.int64) - 1
    edges = np.unique(column[np.clip(places, 0, column.size - 1)])
    inner: Floats = edges[edges < column[-1]]
    return inner


def bin_counts(values: npt.ArrayLike, edges: npt.ArrayLike) -> Ints:
    """Return how many values fall into each bin of `edges`, and last, how many are null.

    Examples
    --------
    >>> bin_counts([1.0, 2.0, 9.0, float("nan")], [2.0]).tolist()
    [2, 1, 1]
    """
    column = np.asarray(values, dtype=np.float64)
    cuts = np.asarray(edges, dtype=np.float64)
    null = np.isnan(column)
    bins = np.searchsorted(cuts, column[~null], side="left")
    return np.append(np.bincount(bins, minlength=cuts.size + 1), np.count_nonzero(null)).astype(np.int64)
