"""Group rows by entity, ordered within each: the step before a replay or a fold.

Rows are dealt out to their groups in one pass, each with its sort key; a group is then sorted by
itself, in cache. Groups of small size by insertion and merging, large ones by radix.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tidewheel.cores import cores
from tidewheel.errors import StorageError
from tidewheel.kernel._jit import Array, entry, keep, pointer, prefetch
from tidewheel.kernel.states.events import fixed
from tidewheel.kernel.threads import SMALL, cut, in_chunks, pieces
from tidewheel.kernel.words.sorting import DIGITS_WORDS, sort_by_merging, sort_by_radix

Words = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)

_RADIX_FROM = 1024
_AHEAD = 32
"""Rows by which a scattered place is fetched before its turn: by then memory has answered."""


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
    permutation, starts, _ = _group(codes, order, n_groups)
    return permutation, starts


def group_sorted(codes: Words, order: Words, n_groups: int | None = None) -> tuple[Words, Words, Words]:
    """Do as `group_rows` does, and return ``order[permutation]`` too: it comes for nothing.

    Examples
    --------
    >>> group_sorted(np.array([1, 0, 1]), np.array([9, 5, 2]))[2].tolist()
    [5, 2, 9]
    """
    permutation, starts, ordered = _group(codes, order, n_groups)
    return permutation, starts, take(order, permutation) if ordered is None else ordered


def _group(codes: Words, order: Words | None, n_groups: int | None) -> tuple[Words, Words, Words | None]:
    codes = fixed(codes, np.int64)
    n = len(codes)
    if n_groups is None:
        n_groups = int(codes.max()) + 1 if n else 0
    rows = [n * part // _parts(n, n_groups) for part in range(_parts(n, n_groups) + 1)]
    places = _count_rows(codes, rows, n_groups)
    starts = np.zeros(n_groups + 1, np.int64)
    _places(places, starts)
    permutation = np.empty(n, np.int64)
    if order is None or n == 0 or _rises(order := fixed(order, np.int64)):
        in_chunks(_all(rows), lambda i, _: _deal(codes, rows[i], rows[i + 1], places[i], permutation))
        return permutation, starts, None
    pairs = np.empty((n, 2), np.int64)
    in_chunks(_all(rows), lambda i, _: _deal_pairs(codes, order, rows[i], rows[i + 1], places[i], pairs))
    bounds = cut(fixed(starts, np.int64), 1 if n < SMALL else 8 * cores())
    ordered = np.empty(n, np.int64)
    in_chunks(bounds, lambda first, end: _sort_groups(pairs, starts, permutation, ordered, first, end))
    return permutation, starts, ordered


def _parts(n: int, n_groups: int) -> int:
    return 1 if n < SMALL or n_groups * 4 > n else cores()


def _all(rows: list[int]) -> list[int]:
    return list(range(len(rows)))


def _count_rows(codes: Words, rows: list[int], n_groups: int) -> Words:
    """Return how many rows of each group every part has, int64[parts, n_groups]."""
    counts = np.zeros((len(rows) - 1, n_groups), np.int64)
    faults = np.zeros(len(rows) - 1, np.int64)

    def count(part: int, _: int) -> None:
        faults[part] = _count(codes, rows[part], rows[part + 1], counts[part])

    in_chunks(_all(rows), count)
    if faults.any():
        raise StorageError(f"group codes must lie in 0 .. {n_groups - 1}")
    return counts


def take(column: NDArray[T], permutation: Words) -> NDArray[T]:
    """Return ``column[permutation]``, on all cores.

    Parameters
    ----------
    column : array of 8-byte numbers, 1-D or 2-D
        Rows to take.
    permutation : int64[n]
        Row numbers.

    Raises
    ------
    StorageError
        For a row number that doesn't exist.

    Examples
    --------
    >>> take(np.array([1.5, 2.5]), np.array([1, 1, 0])).tolist()
    [2.5, 2.5, 1.5]
    """
    permutation = fixed(permutation, np.int64)
    if column.dtype.itemsize != 8 or column.ndim > 2:
        return column[permutation]
    source = fixed(column, column.dtype.type).view(np.int64)
    out = np.empty((len(permutation), *column.shape[1:]), column.dtype)
    target = out.view(np.int64).reshape(-1)
    width = column.shape[1] if column.ndim == 2 else 1
    n = len(permutation)
    if n and (len(column) == 0 or not _within(permutation, len(column))):
        raise StorageError(f"row numbers must lie in 0 .. {len(column) - 1}")
    flat = source.reshape(-1)
    in_chunks(pieces(n), lambda first, end: _take(flat, width, permutation, first, end, target))
    return out


def count_visible(starts: Words, positions: Words, codes: Words, bounds: Words, *, inclusive: bool = False) -> Words:
    """Return how many of its group's rows each read sees: those with a position below its bound.

    Parameters
    ----------
    starts : int64[n_groups + 1]
    positions : int64[n]
        Arrivals or offsets, not decreasing within a group.
    codes, bounds : int64[m]
        Each read's group, and its instant or recorded offset.
    inclusive : bool
        A position equal to the bound is seen too.

    Returns
    -------
    int64[m]

    Raises
    ------
    StorageError
        For a group that doesn't exist.

    Examples
    --------
    >>> count_visible(np.array([0, 2]), np.array([5, 7]), np.array([0, 0]), np.array([7, 8])).tolist()
    [1, 2]
    """
    codes = fixed(codes, np.int64)
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < len(starts) - 1:
        raise StorageError(f"group codes must lie in 0 .. {len(starts) - 2}")
    out = np.empty(len(codes), np.int64)
    starts, positions, bounds = (fixed(a, np.int64) for a in (starts, positions, bounds))
    in_chunks(
        pieces(len(out)),
        lambda first, end: _count_visible(starts, positions, codes, bounds, inclusive, first, end, out),
    )
    return out


@entry
def _rises(order: Array) -> bool:
    i = 1
    while i < len(order) and order[i] >= order[i - 1]:
        i += 1
    return i >= len(order)


@entry
def _count(codes: Array, first: int, end: int, counts: Array) -> int:
    n_groups = len(counts)
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
def _deal(codes: Array, first: int, end: int, places: Array, permutation: Array) -> None:
    groups, place_of, target = pointer(codes), pointer(places), pointer(permutation)
    for i in range(first, end):
        if i + _AHEAD < end:
            prefetch(target, place_of[groups[i + _AHEAD]])
        place = place_of[groups[i]]
        place_of[groups[i]] = place + 1
        target[place] = i


@entry
def _deal_pairs(codes: Array, order: Array, first: int, end: int, places: Array, pairs: Array) -> None:
    groups, keys, place_of, target = pointer(codes), pointer(order), pointer(places), pointer(pairs)
    for i in range(first, end):
        if i + _AHEAD < end:
            prefetch(target, 2 * place_of[groups[i + _AHEAD]])
        place = place_of[groups[i]]
        place_of[groups[i]] = place + 1
        target[2 * place] = keys[i]
        target[2 * place + 1] = i


@entry
def _within(rows: Array, n: int) -> bool:
    least, greatest = 0, 0
    for row in rows:
        least = min(least, row)
        greatest = max(greatest, row)
    return least >= 0 and greatest < max(n, 1)


@entry
def _take(source: Array, width: int, permutation: Array, first: int, end: int, out: Array) -> None:
    values, rows, target = pointer(source), pointer(permutation), pointer(out)
    if width == 1:
        for i in range(first, end):
            if i + _AHEAD < end:
                prefetch(values, rows[i + _AHEAD])
            target[i] = values[rows[i]]
        return
    for i in range(first, end):
        if i + _AHEAD < end:
            prefetch(values, rows[i + _AHEAD] * width)
        row = rows[i] * width
        for j in range(width):
            target[i * width + j] = values[row + j]


@entry
def _count_visible(
    starts: Array, positions: Array, codes: Array, bounds: Array, inclusive: bool, first: int, end: int, out: Array
) -> None:
    low = 0
    for i in range(first, end):
        start, stop = starts[codes[i]], starts[codes[i] + 1]
        # Reads mostly come group by group, by rising bounds: go on from the one before, in growing strides.
        if i == first or codes[i] != codes[i - 1] or bounds[i] < bounds[i - 1]:
            low = start
        stride, high = 1, low
        while high < stop and (positions[high] < bounds[i] or (inclusive and positions[high] == bounds[i])):
            low = high + 1
            high = min(high + stride, stop)
            stride *= 2
        while low < high:
            middle = (low + high) >> 1
            if positions[middle] < bounds[i] or (inclusive and positions[middle] == bounds[i]):
                low = middle + 1
            else:
                high = middle
        out[i] = low - start


@entry
def _sort_groups(pairs: Array, starts: Array, permutation: Array, ordered: Array, first: int, end: int) -> None:
    most = 0
    for group in range(first, end):
        most = max(most, starts[group + 1] - starts[group])
    spare = np.empty((most, 2), np.int64)
    counts = np.empty(DIGITS_WORDS, np.int64)
    for group in range(first, end):
        n = starts[group + 1] - starts[group]
        own = pointer(pairs[starts[group] :])
        if n >= _RADIX_FROM:
            own = sort_by_radix(own, pointer(spare), pointer(counts), n)
        elif n > 1:
            own = sort_by_merging(own, pointer(spare), n)
        for i in range(n):
            permutation[starts[group] + i] = own[2 * i + 1]
            ordered[starts[group] + i] = own[2 * i]
    keep(spare)
    keep(counts)
