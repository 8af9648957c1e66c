"""Bags: how often each value occurred in each tile (compiled).

Rows are ``[key, tile, count]``, sorted by key, then tile: a window's values come out in order in one pass,
without a sort. The key of a text is its hash; that of a number is its magnitude's bits, negative for
a negative number, so that keys are ordered as the numbers are and both zeros are one.
"""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, inner
from tidewheel.kernel.layouts.layout import FOREVER, NEVER
from tidewheel.kernel.windows.sets import ROOM_PRUNE, ROOM_ROWS, ROOM_WORDS
from tidewheel.kernel.windows.tiles import is_dead

ROW = 3


@inner
def key_of(word: int, text: bool) -> Word:
    """Return the key of a value that is not null."""
    if text:
        return word
    return -(word & FOREVER) if word < 0 else word


@inner
def word_of(key: int, text: bool) -> Word:
    """Return the word of a key."""
    return -key | NEVER if key < 0 and not text else key


@inner
def place_in_bag(w: Array, start: int, n: int, key: int, tile: int) -> int:
    """Return the index of the first row that is not before (key, tile)."""
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        other = w[start + ROW * middle]
        if other < key or (other == key and w[start + ROW * middle + 1] < tile):
            low = middle + 1
        else:
            high = middle
    return low


@inner
def is_in_bag(w: Array, start: int, n: int, i: int, key: int, tile: int) -> bool:
    """Tell whether row `i` is that of (key, tile)."""
    return i < n and w[start + ROW * i] == key and w[start + ROW * i + 1] == tile


@inner
def insert_in_bag(w: Array, start: int, n: int, i: int, key: int, tile: int) -> None:
    """Make a row for a first occurrence at index `i`."""
    for j in range(start + ROW * n - 1, start + ROW * i - 1, -1):
        w[j + ROW] = w[j]
    w[start + ROW * i] = key
    w[start + ROW * i + 1] = tile
    w[start + ROW * i + 2] = 1


@inner
def copy_row(w: Array, source: int, to: int) -> None:
    """Copy one row."""
    for j in range(ROW):
        w[to + j] = w[source + j]


@inner
def drop_dead(w: Array, start: int, n: int, hop: int, oldest: int) -> int:
    """Drop the rows of tiles that no read can see; return how many rows are left."""
    kept = 0
    for i in range(n):
        if not is_dead(w[start + ROW * i + 1], hop, oldest):
            copy_row(w, start + ROW * i, start + ROW * kept)
            kept += 1
    return kept


@inner
def needs_pruning(rooms: Array, k: int, n: int) -> Word:
    """Tell whether a bag is to be pruned before one more row comes in."""
    return n >= rooms[ROOM_WORDS * k + ROOM_PRUNE] or n >= rooms[ROOM_WORDS * k + ROOM_ROWS]


@inner
def has_pruned(rooms: Array, k: int, n: int) -> None:
    """Note when a bag that was pruned to `n` rows is to be pruned again."""
    rooms[ROOM_WORDS * k + ROOM_PRUNE] = max(64, 2 * n)
    if n >= rooms[ROOM_WORDS * k + ROOM_ROWS]:
        raise MemoryError("a bag outgrew its region")
