"""Quantiles in a sliding window (compiled): exact for few values, a histogram for many.

The track is a bag of numbers. A window of at most k values is answered from the values; a larger one from
bins, each value taken for the middle of its bin. A bin is what numbers share when their lowest 46 bits are
cut: sign, exponent and 6 bits of the mantissa, that is 64 bins to a doubling, all of one width within it. A
value is at most half a bin from the middle, so the error is at most 1/128 of its magnitude. The bins need no
logarithm, merge by adding, and depend on the values alone.

A tile's values are replaced by their bins once no window that holds the tile can have k values or fewer:
when those of the tile and all later ones are more (with ``delay``, which can end a window at any tile: of
the tile itself). That depends on the events only, not on when it is done.
"""

from __future__ import annotations

import math

import numpy as np

from tidewheel.kernel._jit import Array, Word, as_float, as_word, inner, keep, pointer
from tidewheel.kernel.layouts.layout import DELAYED, HEADER, NEVER, NULL_BITS, T_FLAGS, T_HOP, T_K
from tidewheel.kernel.windows.bags import (
    ROW,
    copy_row,
    drop_dead,
    has_pruned,
    insert_in_bag,
    is_in_bag,
    needs_pruning,
    place_in_bag,
    word_of,
)
from tidewheel.kernel.windows.sets import ROOM_FULL, ROOM_WORDS, count_in_tile, place_of_tile
from tidewheel.kernel.windows.tiles import is_dead, tile_of

CUT_BITS = 46
"""Bits of a number that its bin forgets; 52 - 46 = 6 bits of the mantissa are left."""
LEAST = 1 << 52
"""Bits of the least normal number; magnitudes below it share the bin of zero."""
INFINITE = 0x7FF0000000000000
MOST_BINS = 2 * (0x7FF << 6)
"""How many bins there are: what a tile's rows are bounded by, though no real data comes near."""


@inner
def bin_of(key: int) -> Word:
    """Return the key of a bin, its end nearest to zero; that of a bin's key is itself."""
    if -LEAST < key < LEAST:
        return 0
    return -(-key >> CUT_BITS << CUT_BITS) if key < 0 else key >> CUT_BITS << CUT_BITS


@inner
def middle_of(key: int) -> Word:
    """Return the number in the middle of a bin."""
    magnitude = abs(key)
    if 0 < magnitude < INFINITE:
        magnitude += 1 << (CUT_BITS - 1)
    return -as_float(magnitude) if key < 0 else as_float(magnitude)


@inner
def add_quantile(code: Array, track: int, w: Array, rooms: Array, k: int, key: int, at: int, oldest: int) -> None:
    """Add one number seen at one instant."""
    start = w[HEADER + 2 * k]
    n = w[HEADER + 2 * k + 1]
    hop = code[track + T_HOP]
    tile = tile_of(at, hop)
    if is_dead(tile, hop, oldest):
        return
    key = as_kept(code, track, rooms, k, key, tile)
    i = place_in_bag(w, start, n, key, tile)
    if not is_in_bag(w, start, n, i, key, tile) and needs_pruning(rooms, k, n):
        n = prune_quantiles(code, track, w, rooms, k, start, n, oldest)
        has_pruned(rooms, k, n)
        key = as_kept(code, track, rooms, k, key, tile)
        i = place_in_bag(w, start, n, key, tile)
        w[HEADER + 2 * k + 1] = n
    if is_in_bag(w, start, n, i, key, tile):
        w[start + ROW * i + 2] += 1
        return
    insert_in_bag(w, start, n, i, key, tile)
    w[HEADER + 2 * k + 1] = n + 1


@inner
def as_kept(code: Array, track: int, rooms: Array, k: int, key: int, tile: int) -> Word:
    """Return a number's key, or its bin's where its tile is known to be kept in bins."""
    full = rooms[ROOM_WORDS * k + ROOM_FULL]
    if tile == full or (tile < full and not code[track + T_FLAGS] & DELAYED):
        return bin_of(key)
    return key


@inner
def prune_quantiles(code: Array, track: int, w: Array, rooms: Array, k: int, start: int, n: int, oldest: int) -> Word:
    """Drop dead rows and put in bins what no window needs exactly; return how many rows are left."""
    n = drop_dead(w, start, n, code[track + T_HOP], oldest)
    total = 0
    for i in range(n):
        total += w[start + ROW * i + 2]
    if total <= code[track + T_K]:
        return n
    tiles = np.empty(n, np.int64)
    counts = np.empty(n, np.int64)
    n_tiles = tally(w, start, n, pointer(tiles), pointer(counts))
    rooms[ROOM_WORDS * k + ROOM_FULL] = mark_full(code, track, pointer(tiles), pointer(counts), n_tiles)
    kept = put_in_bins(w, start, n, pointer(tiles), pointer(counts), n_tiles)
    keep(tiles)
    keep(counts)
    return kept


@inner
def tally(w: Array, start: int, n: int, tiles: Array, counts: Array) -> int:
    """Count the values of each tile, tiles rising; return how many tiles there are."""
    n_tiles = 0
    for i in range(n):
        tile = w[start + ROW * i + 1]
        place = place_of_tile(tiles, n_tiles, tile)
        n_tiles = count_in_tile(tiles, counts, n_tiles, place, tile, w[start + ROW * i + 2])
    return n_tiles


@inner
def mark_full(code: Array, track: int, tiles: Array, counts: Array, n_tiles: int) -> Word:
    """Set to -1 the counts of tiles whose values are needed in bins only; return the newest of them."""
    delayed = code[track + T_FLAGS] & DELAYED
    newest = NEVER
    values = 0
    for j in range(n_tiles - 1, -1, -1):
        values = counts[j] if delayed else values + counts[j]
        if values > code[track + T_K]:
            counts[j] = -1
            newest = max(newest, tiles[j])
    return newest


@inner
def put_in_bins(w: Array, start: int, n: int, tiles: Array, counts: Array, n_tiles: int) -> int:
    """Replace the keys of marked tiles by their bins', and join rows that became one; return how many are left."""
    moved = False
    for i in range(n):
        row = start + ROW * i
        if counts[place_of_tile(tiles, n_tiles, w[row + 1])] < 0:
            key = bin_of(w[row])
            moved = moved or key != w[row]
            w[row] = key
    if not moved:
        return n
    sort_bag(w, start, n)
    kept = 0
    for i in range(n):
        row = start + ROW * i
        last = start + ROW * (kept - 1)
        if kept > 0 and w[last] == w[row] and w[last + 1] == w[row + 1]:
            w[last + 2] += w[row + 2]
        else:
            copy_row(w, row, start + ROW * kept)
            kept += 1
    return kept


@inner
def sort_bag(w: Array, start: int, n: int) -> None:
    """Sort rows by key, then tile, in place (Shell 1959): they are nearly sorted, and nothing is allocated."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            row = start + ROW * i
            key, tile, count = w[row], w[row + 1], w[row + 2]
            j = row - ROW * gap
            while j >= start and (w[j] > key or (w[j] == key and w[j + 1] > tile)):
                copy_row(w, j, j + ROW * gap)
                j -= ROW * gap
            j += ROW * gap
            w[j], w[j + 1], w[j + 2] = key, tile, count
        gap //= 3


@inner
def read_quantile(
    code: Array, track: int, w: Array, start: int, rows: int, first: int, end: int, q_bits: int, cells: Array, to: int
) -> None:
    """Write whether the tiles in [first, end) hold a value, and their quantile, to ``cells[to:]``."""
    n = 0
    for i in range(rows):
        if first <= w[start + ROW * i + 1] < end:
            n += w[start + ROW * i + 2]
    cells[to] = min(n, 1)
    if n == 0:
        return
    position = (n - 1) * as_float(q_bits)
    low = math.floor(position)
    exact = n <= code[track + T_K]
    a, b = 0.0, 0.0
    seen = 0
    for i in range(rows):
        row = start + ROW * i
        if first <= w[row + 1] < end:
            value = as_float(word_of(w[row], False)) if exact else middle_of(bin_of(w[row]))
            if seen <= low:
                a = value
            b = value
            seen += w[row + 2]
            if seen > min(low + 1, n - 1):
                break
    value = between(a, b, position - low)
    cells[to + 1] = as_word(value) if value == value else NULL_BITS


@inner
def between(a: float, b: float, share: float) -> float:
    """Interpolate as NumPy does: from the nearer end, so that the result is exact at both."""
    if a == b or share == 0:
        return a
    if share < 0.5:
        return a + (b - a) * share
    return b - (b - a) * (1 - share)
