"""The newest values in a sliding window (compiled), by time, then offset.

Rows are ``[tile, at, offset, word]``, oldest first. While no window has an upper edge, the n newest of all
hold the n newest of any window; with ``delay`` each tile keeps its own n.
"""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, inner
from tidewheel.kernel.layouts.layout import DELAYED, HEADER, T_FLAGS, T_HOP, T_K
from tidewheel.kernel.windows.sets import ROOM_ROWS, ROOM_WORDS
from tidewheel.kernel.windows.tiles import is_dead, tile_of

ROW = 4


@inner
def add_newest(
    code: Array, track: int, w: Array, rooms: Array, k: int, word: int, at: int, offset: int, oldest: int
) -> None:
    """Add one value seen at one instant."""
    start = w[HEADER + 2 * k]
    n = w[HEADER + 2 * k + 1]
    hop = code[track + T_HOP]
    tile = tile_of(at, hop)
    if is_dead(tile, hop, oldest):
        return
    if n >= rooms[ROOM_WORDS * k + ROOM_ROWS]:
        n = drop_old(w, start, n, hop, oldest)
    place = n
    while place > 0 and is_after(w, start + ROW * (place - 1), at, offset):
        place -= 1
    rivals = n
    first = 0
    if code[track + T_FLAGS] & DELAYED:
        first = first_of_tile(w, start, n, tile)
        rivals = rows_of_tile(w, start, n, first, tile)
    if rivals >= code[track + T_K]:
        if place > first:
            replace_oldest(w, start, first, place - 1, tile, at, offset, word)
    else:
        if n >= rooms[ROOM_WORDS * k + ROOM_ROWS]:
            raise MemoryError("a track outgrew its region")
        for j in range(start + ROW * n - 1, start + ROW * place - 1, -1):
            w[j + ROW] = w[j]
        write_row(w, start + ROW * place, tile, at, offset, word)
        n += 1
    w[HEADER + 2 * k + 1] = n


@inner
def is_after(w: Array, row: int, at: int, offset: int) -> Word:
    """Tell whether a row's event is newer than (at, offset); of two at one place the one folded later is."""
    return w[row + 1] > at or (w[row + 1] == at and w[row + 2] > offset)


@inner
def first_of_tile(w: Array, start: int, n: int, tile: int) -> int:
    """Return the index of the first row whose tile is at least `tile`."""
    i = n
    while i > 0 and w[start + ROW * (i - 1)] >= tile:
        i -= 1
    return i


@inner
def rows_of_tile(w: Array, start: int, n: int, first: int, tile: int) -> int:
    """Count a tile's rows, which begin at index `first`."""
    i = first
    while i < n and w[start + ROW * i] == tile:
        i += 1
    return i - first


@inner
def replace_oldest(w: Array, start: int, first: int, place: int, tile: int, at: int, offset: int, word: int) -> None:
    """Drop row `first` and write a new one, which then is at index `place`."""
    for j in range(start + ROW * first, start + ROW * place):
        w[j] = w[j + ROW]
    write_row(w, start + ROW * place, tile, at, offset, word)


@inner
def write_row(w: Array, row: int, tile: int, at: int, offset: int, word: int) -> None:
    """Write one row."""
    w[row] = tile
    w[row + 1] = at
    w[row + 2] = offset
    w[row + 3] = word


@inner
def drop_old(w: Array, start: int, n: int, hop: int, oldest: int) -> int:
    """Drop the rows of tiles that no read can see; return how many rows are left."""
    dead = 0
    while dead < n and is_dead(w[start + ROW * dead], hop, oldest):
        dead += 1
    if dead > 0:
        for j in range(start, start + ROW * (n - dead)):
            w[j] = w[j + ROW * dead]
    return n - dead


@inner
def read_newest(w: Array, start: int, rows: int, first: int, end: int, most: int, cells: Array, to: int) -> None:
    """Write how many values the tiles in [first, end) have, at most `most`, and these, newest first."""
    found = 0
    i = rows - 1
    while i >= 0 and found < most and w[start + ROW * i] >= first:
        if w[start + ROW * i] < end:
            found += 1
            cells[to + found] = w[start + ROW * i + 3]
        i -= 1
    cells[to] = found
