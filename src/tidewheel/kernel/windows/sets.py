"""Distinct values in a sliding window (compiled): exact for few, bottom-k for many.

Of each hash only its latest tile matters while no window has an upper edge (kind RECENT);
with ``delay`` all its tiles do (kind PAIRS). Entries are ``[hash, tile]`` sorted by hash, then tile.

A window's estimate comes from the k smallest hashes in it. An entry that has k + 1 smaller hashes
in its own tile or later (PAIRS: in its own tile) can't be among the k + 1 smallest of any window
that holds it, now or later, so it is pruned. What is left is a pure function of the set of
(hash, tile), and a window's count is exact as long as it is at most k.

The estimate is (k - 1) / u, where u in (0, 1] is the k-th smallest hash as a share of all: Bar-Yossef
et al. 2002, with the unbiased k - 1 of Beyer et al. 2007; relative standard error 1 / sqrt(k - 2).
"""

from __future__ import annotations

import numpy as np

from tidewheel.kernel._jit import Array, Word, inner, keep, pointer
from tidewheel.kernel.layouts.layout import HEADER, PAIRS, RECENT, T_HOP, T_K, T_KIND
from tidewheel.kernel.windows.tiles import is_dead, tile_of

ROOM_START, ROOM_ROWS, ROOM_PRUNE, ROOM_TILE, ROOM_FULL, ROOM_HINTS = range(6)
HINTS = 64
ROOM_WORDS = ROOM_HINTS + HINTS
"""What working memory knows of a track besides its rows, see `state`."""


@inner
def add_to_set(code: Array, track: int, w: Array, rooms: Array, k: int, value: int, at: int, oldest: int) -> None:
    """Add one hash seen at one instant."""
    start = w[HEADER + 2 * k]
    n = w[HEADER + 2 * k + 1]
    recent = code[track + T_KIND] == RECENT
    hop = code[track + T_HOP]
    if hop > 0 and at + hop <= oldest:  # dead for sure, told without a division
        return
    tile = rooms[ROOM_WORDS * k + ROOM_TILE]
    if at < tile * hop or at - tile * hop >= hop:
        tile = tile_of(at, hop)
        rooms[ROOM_WORDS * k + ROOM_TILE] = tile
    if is_dead(tile, hop, oldest):
        return
    hint = ROOM_WORDS * k + ROOM_HINTS + (value & (HINTS - 1))
    guess = rooms[hint]
    if recent and guess < n and w[start + 2 * guess] == value:
        w[start + 2 * guess + 1] = max(w[start + 2 * guess + 1], tile)
        return
    i = place_in_set(w, start, n, value, tile, recent)
    if i < n and w[start + 2 * i] == value and (recent or w[start + 2 * i + 1] == tile):
        w[start + 2 * i + 1] = max(w[start + 2 * i + 1], tile)
        rooms[hint] = i
        return
    if n >= rooms[ROOM_WORDS * k + ROOM_PRUNE] or n >= rooms[ROOM_WORDS * k + ROOM_ROWS]:
        n = prune_set(code, track, w, start, n, oldest)
        rooms[ROOM_WORDS * k + ROOM_PRUNE] = max(64, 2 * n)
        i = place_in_set(w, start, n, value, tile, recent)
        if n >= rooms[ROOM_WORDS * k + ROOM_ROWS]:
            raise MemoryError("a set outgrew its region")
    for j in range(start + 2 * n - 1, start + 2 * i - 1, -1):
        w[j + 2] = w[j]
    w[start + 2 * i] = value
    w[start + 2 * i + 1] = tile
    w[HEADER + 2 * k + 1] = n + 1


@inner
def place_in_set(w: Array, start: int, n: int, value: int, tile: int, recent: bool) -> int:
    """Return the index of the first entry that is not before (value, tile)."""
    low, left = 0, n
    while left > 0:
        half = (left + 1) >> 1
        entry = start + 2 * (low + half - 1)
        before = (w[entry] < value) | ((w[entry] == value) & (not recent) & (w[entry + 1] < tile))
        low += half * before
        left -= half
    return low


@inner
def prune_set(code: Array, track: int, w: Array, start: int, n: int, oldest: int) -> Word:
    """Drop entries that are dead or can't matter any more; return how many are left."""
    kept = 0
    for i in range(n):
        if not is_dead(w[start + 2 * i + 1], code[track + T_HOP], oldest):
            w[start + 2 * kept] = w[start + 2 * i]
            w[start + 2 * kept + 1] = w[start + 2 * i + 1]
            kept += 1
    if kept <= code[track + T_K] + 1:
        return kept
    tiles = np.empty(kept, np.int64)
    counts = np.empty(kept, np.int64)
    left = drop_outdone(code, track, w, start, kept, pointer(tiles), pointer(counts))
    keep(tiles)
    keep(counts)
    return left


@inner
def drop_outdone(code: Array, track: int, w: Array, start: int, n: int, tiles: Array, counts: Array) -> int:
    """Drop entries that have more than k rivals among those before them, which have smaller hashes.

    `tiles` and `counts` tally the tiles of the entries that stay.
    """
    k = code[track + T_K]
    n_tiles, kept = 0, 0
    for i in range(n):
        tile = w[start + 2 * i + 1]
        place = place_of_tile(tiles, n_tiles, tile)
        if count_rivals(tiles, counts, n_tiles, place, tile, k, code[track + T_KIND]) > k:
            continue
        n_tiles = count_in_tile(tiles, counts, n_tiles, place, tile, 1)
        w[start + 2 * kept] = w[start + 2 * i]
        w[start + 2 * kept + 1] = tile
        kept += 1
    return kept


@inner
def place_of_tile(tiles: Array, n: int, tile: int) -> int:
    """Return the index of the first of `n` sorted tiles that is at least `tile`."""
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        if tiles[middle] < tile:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def count_in_tile(tiles: Array, counts: Array, n: int, place: int, tile: int, more: int) -> int:
    """Count `more` for a tile whose place among `n` is `place_of_tile`'s; return how many tiles there are then."""
    if place == n or tiles[place] != tile:
        for j in range(n, place, -1):
            tiles[j] = tiles[j - 1]
            counts[j] = counts[j - 1]
        tiles[place] = tile
        counts[place] = 0
        n += 1
    counts[place] += more
    return n


@inner
def count_rivals(tiles: Array, counts: Array, n: int, place: int, tile: int, k: int, kind: int) -> Word:
    """Count the tallied entries of this tile (RECENT: or a later one), as far as it matters."""
    if kind == PAIRS:
        return counts[place] if place < n and tiles[place] == tile else 0
    rivals = 0
    for j in range(n - 1, place - 1, -1):
        rivals += counts[j]
        if rivals > k:
            break
    return rivals


@inner
def count_set(w: Array, start: int, n: int, first: int, end: int, k: int) -> float:
    """Return the number of distinct hashes with a tile in [first, end): exact up to `k`, then estimated."""
    count = 0
    previous = 0
    kth = 0
    if n <= k:  # no estimate: what is seen is counted without a branch
        for i in range(n):
            tile, value = w[start + 2 * i + 1], w[start + 2 * i]
            fresh = (first <= tile) & (tile < end) & ((count == 0) | (value != previous))
            count += fresh
            previous = value if fresh else previous
        return float(count)
    for i in range(n):
        tile = w[start + 2 * i + 1]
        value = w[start + 2 * i]
        if first <= tile < end and (count == 0 or value != previous):
            count += 1
            previous = value
            if count == k:
                kth = value
            elif count > k:
                share = (float(kth) + 9223372036854775808.0 + 1.0) / 18446744073709551616.0
                return (k - 1) / share
    return float(count)
