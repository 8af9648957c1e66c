"""Group rows by entity, ordered within each: the step before a replay or a fold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import StorageError
from tidewheel.kernel._jit import Array, entry, inner
from tidewheel.kernel.events import fixed
from tidewheel.kernel.threads import cores, cut, in_chunks

Words = NDArray[np.int64]

_SMALL = 100_000


def group_rows(codes: Words, order: Words | None = None, n_groups: int | None = None) -> tuple[Words, Words]:
    """Sort rows by (code, order), ties in the order given.

    Parameters
    ----------
    codes : int64[n]
        Group of each row: 0 .. n_groups - 1 (dictionary-encode first).
    order : int64[n], optional
        Order within a group, such as the offset; None keeps the order given.
    n_groups : int, optional
        One more than the largest code when not given.

    Returns
    -------
    permutation : int64[n]
        Row numbers, group by group.
    starts : int64[n_groups + 1]
        Where each group begins in `permutation`.

    Raises
    ------
    StorageError
        For a code outside 0 .. n_groups - 1.

    Examples
    --------
    >>> permutation, starts = group_rows(np.array([1, 0, 1]), np.array([9, 5, 2]))
    >>> permutation.tolist(), starts.tolist()
    ([1, 2, 0], [0, 1, 3])
    """
    codes = fixed(codes, np.int64)
    n = len(codes)
    if n_groups is None:
        n_groups = int(codes.max()) + 1 if n else 0
    parts = 1 if n < _SMALL or n_groups * 4 > n else cores()
    rows = [n * part // parts for part in range(parts + 1)]
    counts = np.zeros((parts, n_groups + 1), np.int64)
    faults = np.zeros(parts, np.int64)

    def count(first: int, end: int) -> None:
        for part in range(first, end):
            faults[part] = _count(codes, rows[part], rows[part + 1], counts[part])

    in_chunks(list(range(parts + 1)), count)
    if faults.any():
        raise StorageError(f"group codes must lie in 0 .. {n_groups - 1}")
    starts = np.zeros(n_groups + 1, np.int64)
    _places(counts, starts)
    permutation = np.empty(n, np.int64)

    def scatter(first: int, end: int) -> None:
        for part in range(first, end):
            _scatter(codes, rows[part], rows[part + 1], counts[part], permutation)

    in_chunks(list(range(parts + 1)), scatter)
    if order is not None and n:
        _order_groups(fixed(order, np.int64), starts, permutation)
    return permutation, starts


def _order_groups(order: Words, starts: Words, permutation: Words) -> None:
    if _rises(order):
        return
    bounds = cut(fixed(starts, np.int64), 1 if len(order) < _SMALL else 8 * cores())
    in_chunks(bounds, lambda first, end: _sort_groups(order, starts, permutation, first, end))


@entry
def _rises(order: Array) -> bool:
    i = 1
    while i < len(order) and order[i] >= order[i - 1]:
        i += 1
    return i >= len(order)


@entry
def _count(codes: Array, first: int, end: int, counts: Array) -> int:
    n_groups = len(counts) - 1
    for i in range(first, end):
        code = codes[i]
        if code < 0 or code >= n_groups:
            return 1
        counts[code] += 1
    return 0


@entry
def _places(counts: Array, starts: Array) -> None:
    """Turn counts per part and group into the place of each part's first row of the group."""
    place = 0
    for group in range(len(starts) - 1):
        starts[group] = place
        for part in range(len(counts)):
            n = counts[part, group]
            counts[part, group] = place
            place += n
    starts[len(starts) - 1] = place


@entry
def _scatter(codes: Array, first: int, end: int, places: Array, permutation: Array) -> None:
    for i in range(first, end):
        place = places[codes[i]]
        places[codes[i]] = place + 1
        permutation[place] = i


@entry
def _sort_groups(order: Array, starts: Array, permutation: Array, first: int, end: int) -> None:
    most = 0
    for group in range(first, end):
        most = max(most, starts[group + 1] - starts[group])
    keys = np.empty(most, np.int64)
    rows = np.empty(most, np.int64)
    more_keys = np.empty(most, np.int64)
    more_rows = np.empty(most, np.int64)
    for group in range(first, end):
        start = starts[group]
        n = starts[group + 1] - start
        rising = True
        for i in range(n):
            rows[i] = permutation[start + i]
            keys[i] = order[rows[i]]
            rising = rising and (i == 0 or keys[i] >= keys[i - 1])
        if not rising:
            _merge_sort(keys, rows, more_keys, more_rows, n)
            for i in range(n):
                permutation[start + i] = rows[i]


@inner
def _merge_sort(keys: Array, rows: Array, more_keys: Array, more_rows: Array, n: int) -> None:
    """Sort rows by key, stably: runs of 16 by insertion, then merges."""
    for low in range(0, n, 16):
        for i in range(low + 1, min(low + 16, n)):
            key, row = keys[i], rows[i]
            j = i
            while j > low and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                rows[j] = rows[j - 1]
                j -= 1
            keys[j] = key
            rows[j] = row
    width = 16
    while width < n:
        for low in range(0, n, 2 * width):
            _merge(keys, rows, more_keys, more_rows, low, min(low + width, n), min(low + 2 * width, n))
        for i in range(n):
            keys[i] = more_keys[i]
            rows[i] = more_rows[i]
        width *= 2


@inner
def _merge(keys: Array, rows: Array, to_keys: Array, to_rows: Array, low: int, middle: int, high: int) -> None:
    i, j = low, middle
    for k in range(low, high):
        if i < middle and (j >= high or keys[i] <= keys[j]):
            to_keys[k] = keys[i]
            to_rows[k] = rows[i]
            i += 1
        else:
            to_keys[k] = keys[j]
            to_rows[k] = rows[j]
            j += 1
