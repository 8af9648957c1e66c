"""The rows of a track in a working state: found, made, dropped (compiled)."""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, inlined, inner
from tidewheel.kernel.layouts.layout import HEADER, NEVER, T_CLEAR_AT, T_HOP, T_K, T_LOST, T_WIDTH
from tidewheel.kernel.windows.sets import ROOM_ROWS, ROOM_START, ROOM_WORDS
from tidewheel.kernel.windows.tiles import is_dead, oldest_instant, tile_of


@inlined
def row_for(code: Array, track: int, w: Array, rooms: Array, k: int, at: int, horizon: int) -> Word:
    """Return where the row of the tile of `at` is, made if need be; -1 when it is dead already."""
    hop = code[track + T_HOP]
    width = code[track + T_WIDTH]
    start = w[HEADER + 2 * k]
    rows = w[HEADER + 2 * k + 1]
    newest = start + (rows - 1) * width
    if rows > 0:
        tile = w[newest]
        if hop == 0 or (tile * hop <= at and at - tile * hop < hop):
            return newest
    oldest = oldest_instant(code, track, horizon)
    if hop > 0 and at + hop <= oldest:  # dead for sure, told without a division
        return -1
    tile = tile_of(at, hop)
    if is_dead(tile, hop, oldest):
        return -1
    if rows > 0 and tile < w[newest]:
        return late_row(code, track, w, rooms, k, tile, oldest)
    make_room(code, track, w, rooms, k, oldest)
    row = w[HEADER + 2 * k] + w[HEADER + 2 * k + 1] * width
    w[HEADER + 2 * k + 1] += 1
    clear_row(code, track, w, row, tile)
    return row


@inner
def late_row(code: Array, track: int, w: Array, rooms: Array, k: int, tile: int, oldest: int) -> Word:
    """Return the row of a tile that is not the newest; put in its place when it is not there."""
    width = code[track + T_WIDTH]
    i = first_row(w, w[HEADER + 2 * k], w[HEADER + 2 * k + 1], width, tile)
    if w[w[HEADER + 2 * k] + i * width] == tile:
        return w[HEADER + 2 * k] + i * width
    make_room(code, track, w, rooms, k, oldest)
    return insert_row(code, track, w, k, tile)


@inner
def insert_row(code: Array, track: int, w: Array, k: int, tile: int) -> Word:
    """Return a new row in its place; there is room for it."""
    width = code[track + T_WIDTH]
    start = w[HEADER + 2 * k]
    rows = w[HEADER + 2 * k + 1]
    i = first_row(w, start, rows, width, tile)
    row = start + i * width
    for j in range(start + rows * width - 1, row - 1, -1):
        w[j + width] = w[j]
    w[HEADER + 2 * k + 1] = rows + 1
    clear_row(code, track, w, row, tile)
    return row


@inner
def first_row(w: Array, start: int, rows: int, width: int, tile: int) -> int:
    """Return the index of the first row whose tile is at least `tile`.

    A step of the search adds nothing or half of what is left: a branch here would be guessed wrong every other time.
    """
    low, left = 0, rows
    while left > 0:
        half = (left + 1) >> 1
        low += half * (w[start + (low + half - 1) * width] < tile)
        left -= half
    return low


@inner
def make_room(code: Array, track: int, w: Array, rooms: Array, k: int, oldest: int) -> None:
    """See to it that one more row fits at the end of a track's region: drop the dead, move down."""
    width = code[track + T_WIDTH]
    region = rooms[ROOM_WORDS * k + ROOM_START]
    end = region + rooms[ROOM_WORDS * k + ROOM_ROWS] * width
    start = w[HEADER + 2 * k]
    rows = w[HEADER + 2 * k + 1]
    while rows > 0 and is_dead(w[start], code[track + T_HOP], oldest):
        start += width
        rows -= 1
    if start + (rows + 1) * width > end:
        for j in range(rows * width):
            w[region + j] = w[start + j]
        start = region
        if start + (rows + 1) * width > end:
            raise MemoryError("a track outgrew its region")
    w[HEADER + 2 * k] = start
    w[HEADER + 2 * k + 1] = rows


@inner
def clear_row(code: Array, track: int, w: Array, row: int, tile: int) -> None:
    """Write an empty row: what each accumulator holds before its first value."""
    clear = code[track + T_CLEAR_AT]
    for i in range(1, code[track + T_WIDTH]):
        w[row + i] = code[clear + i]
    w[row] = tile


@inner
def row_of_instant(code: Array, track: int, w: Array, rooms: Array, k: int, at: int, horizon: int) -> Word:
    """Return the row of an instant in an exact track, made if need be; -1 when it is dead, or past the cap.

    What is alive depends on the events alone, so what the cap costs does not depend on how they came in batches.
    """
    oldest = oldest_instant(code, track, horizon)
    if is_dead(at, 1, oldest):
        return -1
    width = code[track + T_WIDTH]
    i = first_row(w, w[HEADER + 2 * k], w[HEADER + 2 * k + 1], width, at)
    if i < w[HEADER + 2 * k + 1] and w[w[HEADER + 2 * k] + i * width] == at:
        return w[HEADER + 2 * k] + i * width
    make_room(code, track, w, rooms, k, oldest)
    if w[HEADER + 2 * k + 1] >= code[track + T_K]:
        eldest = w[w[HEADER + 2 * k]]
        lose(w, code[track + T_LOST], min(at, eldest))
        if at < eldest:
            return -1
        w[HEADER + 2 * k] += width
        w[HEADER + 2 * k + 1] -= 1
    return insert_row(code, track, w, k, at)


@inner
def lose(w: Array, lost: int, at: int) -> None:
    """Note that the row of an instant is lost."""
    row = w[HEADER + 2 * lost]
    if w[HEADER + 2 * lost + 1] == 0:
        w[HEADER + 2 * lost + 1] = 1
        w[row], w[row + 1], w[row + 2] = 0, NEVER, 0
    w[row + 1] = max(w[row + 1], at)
    w[row + 2] += 1
