"""The most frequent values in a sliding window (compiled): exact for few different ones, counters for many.

The track is a bag. A tile counts at most k different values: one more lowers every count of the tile by one
instead, and those that reach 0 go (Misra and Gries, 1982). So a count is too small by at most 1 / (k + 1) of the
tile's rows, a value more frequent than that is never missed, and a tile of at most k different values is exact.
Each tile is folded by itself in fold order, so it does not matter how events come in batches.
"""

from __future__ import annotations

from tidewheel.kernel._jit import Array, inner
from tidewheel.kernel.layouts.layout import HEADER, T_FLAGS, T_HOP, T_K, TEXT
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
from tidewheel.kernel.windows.tiles import is_dead, tile_of


@inner
def add_heavy(code: Array, track: int, w: Array, rooms: Array, k: int, key: int, at: int, oldest: int) -> None:
    """Add one value seen at one instant."""
    start = w[HEADER + 2 * k]
    n = w[HEADER + 2 * k + 1]
    hop = code[track + T_HOP]
    tile = tile_of(at, hop)
    if is_dead(tile, hop, oldest):
        return
    i = place_in_bag(w, start, n, key, tile)
    if is_in_bag(w, start, n, i, key, tile):
        w[start + ROW * i + 2] += 1
        return
    if needs_pruning(rooms, k, n):
        n = drop_dead(w, start, n, hop, oldest)
        has_pruned(rooms, k, n)
        i = place_in_bag(w, start, n, key, tile)
    if n >= code[track + T_K] and rows_in_tile(w, start, n, tile) >= code[track + T_K]:
        w[HEADER + 2 * k + 1] = lower_counts(w, start, n, tile)
        return
    insert_in_bag(w, start, n, i, key, tile)
    w[HEADER + 2 * k + 1] = n + 1


@inner
def rows_in_tile(w: Array, start: int, n: int, tile: int) -> int:
    """Count a tile's different values."""
    found = 0
    for i in range(n):
        if w[start + ROW * i + 1] == tile:
            found += 1
    return found


@inner
def lower_counts(w: Array, start: int, n: int, tile: int) -> int:
    """Lower every count of a tile by one and drop those at 0; return how many rows are left."""
    kept = 0
    for i in range(n):
        row = start + ROW * i
        if w[row + 1] == tile:
            w[row + 2] -= 1
        if w[row + 2] > 0:
            copy_row(w, row, start + ROW * kept)
            kept += 1
    return kept


@inner
def read_heavy(
    code: Array, track: int, w: Array, start: int, rows: int, first: int, end: int, most: int, cells: Array, to: int
) -> None:
    """Write how many values were found, at most `most`; these, most frequent first; and their counts.

    Equal counts stand by rising key.
    """
    text = code[track + T_FLAGS] & TEXT
    found = 0
    i = 0
    while i < rows:
        key = w[start + ROW * i]
        count = 0
        while i < rows and w[start + ROW * i] == key:
            if first <= w[start + ROW * i + 1] < end:
                count += w[start + ROW * i + 2]
            i += 1
        if count == 0 or (found == most and count <= cells[to + most + found]):
            continue
        found = min(found + 1, most)
        place = found
        while place > 1 and cells[to + most + place - 1] < count:
            cells[to + place] = cells[to + place - 1]
            cells[to + most + place] = cells[to + most + place - 1]
            place -= 1
        cells[to + place] = word_of(key, text != 0)
        cells[to + most + place] = count
    cells[to] = found
