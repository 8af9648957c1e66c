"""Which compiled code adds to, prunes and reads the tracks of `quantile`, `top_k` and `last_n`."""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, as_float, inner
from tidewheel.kernel.layouts.layout import HEAVY, QUANTILES, T_FLAGS, T_HOP, T_K, T_KIND, TEXT
from tidewheel.kernel.windows.bags import drop_dead, key_of
from tidewheel.kernel.windows.heavy import add_heavy, read_heavy
from tidewheel.kernel.windows.newest import add_newest, drop_old, read_newest
from tidewheel.kernel.windows.quantiles import MOST_BINS, add_quantile, prune_quantiles, read_quantile


@inner
def add_to_sketch(
    code: Array, track: int, w: Array, rooms: Array, k: int, word: int, at: int, offset: int, oldest: int
) -> None:
    """Add one value seen at one instant, unless it is null."""
    text = code[track + T_FLAGS] & TEXT != 0
    number = as_float(word)
    if word == 0 if text else number != number:
        return
    if code[track + T_KIND] == QUANTILES:
        add_quantile(code, track, w, rooms, k, key_of(word, text), at, oldest)
    elif code[track + T_KIND] == HEAVY:
        add_heavy(code, track, w, rooms, k, key_of(word, text), at, oldest)
    else:
        add_newest(code, track, w, rooms, k, word, at, offset, oldest)


@inner
def most_in_sketch(code: Array, track: int, tiles: int) -> Word:
    """Return the most rows that can be alive in `tiles` tiles."""
    if code[track + T_KIND] == QUANTILES:
        return code[track + T_K] + tiles * MOST_BINS
    return tiles * code[track + T_K]


@inner
def prune_sketch(code: Array, track: int, w: Array, rooms: Array, k: int, start: int, n: int, oldest: int) -> Word:
    """Drop rows that are dead or can't matter any more; return how many are left."""
    if code[track + T_KIND] == QUANTILES:
        return prune_quantiles(code, track, w, rooms, k, start, n, oldest)
    if code[track + T_KIND] == HEAVY:
        return drop_dead(w, start, n, code[track + T_HOP], oldest)
    return drop_old(w, start, n, code[track + T_HOP], oldest)


@inner
def read_sketch(
    code: Array, track: int, w: Array, start: int, rows: int, first: int, end: int, asked: int, cells: Array, to: int
) -> None:
    """Answer one cell of a window: ``cells[to]`` is how many values follow it."""
    if code[track + T_KIND] == QUANTILES:
        read_quantile(code, track, w, start, rows, first, end, asked, cells, to)
    elif code[track + T_KIND] == HEAVY:
        read_heavy(code, track, w, start, rows, first, end, asked, cells, to)
    else:
        read_newest(w, start, rows, first, end, asked, cells, to)
