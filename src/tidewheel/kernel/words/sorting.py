"""Sort (key, row) pairs by key, stably (compiled). Both ways need room for as many pairs again."""

from __future__ import annotations

import numpy as np

from tidewheel.kernel._jit import Array, Word, inner

_BITS = 11
_DIGITS = 6
DIGITS_WORDS = _DIGITS << _BITS
"""Words of scratch that `sort_by_radix` counts in."""


@inner
def copy_pair(source: Array, i: int, to: Array, j: int) -> None:
    """Copy one pair."""
    to[2 * j] = source[2 * i]
    to[2 * j + 1] = source[2 * i + 1]


@inner
def sort_by_radix(pairs: Array, spare: Array, counts: Array, n: int) -> Word:
    """Sort by digits of 11 bits, the least significant first; return where the result is."""
    least, greatest = pairs[0], pairs[0]
    for i in range(n):
        least = min(least, pairs[2 * i])
        greatest = max(greatest, pairs[2 * i])
    digits = 0
    while digits < _DIGITS and np.uint64(greatest - least) >> np.uint64(_BITS * digits) != 0:
        digits += 1
    count_digits(pairs, counts, n, least, digits)
    for digit in range(digits):
        base = digit << _BITS
        for i in range(n):
            place = base + digit_of(pairs[2 * i], least, digit)
            copy_pair(pairs, i, spare, counts[place])
            counts[place] += 1
        pairs, spare = spare, pairs
    return pairs


@inner
def count_digits(pairs: Array, counts: Array, n: int, least: int, digits: int) -> None:
    """Write, for each digit's value, where the first pair that has it goes."""
    for i in range(digits << _BITS):
        counts[i] = 0
    for i in range(n):
        for digit in range(digits):
            counts[(digit << _BITS) + digit_of(pairs[2 * i], least, digit)] += 1
    for digit in range(digits):
        place = 0
        for i in range(digit << _BITS, (digit + 1) << _BITS):
            place += counts[i]
            counts[i] = place - counts[i]


@inner
def digit_of(key: int, least: int, digit: int) -> Word:
    """Return a digit of a key, counted from the least key (modulo 2**64)."""
    return np.int64((np.uint64(key - least) >> np.uint64(_BITS * digit)) & np.uint64((1 << _BITS) - 1))


@inner
def sort_by_merging(pairs: Array, spare: Array, n: int) -> Word:
    """Sort runs of 16 by insertion, then merge them; return where the result is."""
    for low in range(0, n, 16):
        for i in range(low + 1, min(low + 16, n)):
            key, row = pairs[2 * i], pairs[2 * i + 1]
            j = i
            while j > low and pairs[2 * j - 2] > key:
                copy_pair(pairs, j - 1, pairs, j)
                j -= 1
            pairs[2 * j] = key
            pairs[2 * j + 1] = row
    width = 16
    while width < n:
        for low in range(0, n, 2 * width):
            merge(pairs, spare, low, min(low + width, n), min(low + 2 * width, n))
        pairs, spare = spare, pairs
        width *= 2
    return pairs


@inner
def merge(pairs: Array, to: Array, low: int, middle: int, high: int) -> None:
    """Merge two sorted runs that lie side by side."""
    i, j, k = low, middle, low
    while i < middle and j < high:
        second = pairs[2 * j] < pairs[2 * i]
        copy_pair(pairs, j if second else i, to, k)
        i += 0 if second else 1
        j += 1 if second else 0
        k += 1
    while i < middle:
        copy_pair(pairs, i, to, k)
        i += 1
        k += 1
    while j < high:
        copy_pair(pairs, j, to, k)
        j += 1
        k += 1
