"""The working form of a state, and how an event is applied to it (compiled).

A working state is a blob with room to grow: the same header, directory and rows, so that the
functions that read a blob read it too, but each track has a region of its own. ``rooms`` holds,
per track, where its region starts, how many rows fit, when a set is next pruned, which of its tiles was
found full, and where in it some hashes were last seen.

Rows of a track are sorted by tile (sets: by hash). Rows below the horizon less the longest window
are dead: no read that is allowed sees them, so it never matters when they are dropped.
"""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, as_float, as_word, inlined, inner
from tidewheel.kernel.layouts.layout import (
    B_COLUMN,
    B_MASK,
    B_SLOT,
    B_TEXT,
    B_WORDS,
    C_BLOB_HEAD,
    C_STATE,
    C_TRACK_AT,
    C_TRACKS,
    COUNT,
    DECAYS,
    EXACT,
    FIRST,
    H_HORIZON,
    H_KERNEL,
    H_LAYOUT,
    H_LENGTH,
    H_OFFSET,
    H_STATE,
    HEADER,
    KERNEL_VERSION,
    LAST,
    LAYOUT_VERSION,
    LOST,
    MAX,
    MIN,
    MOMENTS,
    NEVER,
    NEWEST,
    OLDEST,
    PAIRS,
    QUANTILES,
    RECENT,
    SUM,
    T_BUNDLE_AT,
    T_BUNDLES,
    T_HOP,
    T_K,
    T_KEEP,
    T_KIND,
    T_SLOT,
    T_SOURCE,
    T_WIDTH,
    T_WORDS,
    TILES,
)
from tidewheel.kernel.windows.decay import decay
from tidewheel.kernel.windows.rows import row_for, row_of_instant
from tidewheel.kernel.windows.sets import ROOM_FULL, ROOM_PRUNE, ROOM_START, ROOM_WORDS, add_to_set, prune_set
from tidewheel.kernel.windows.sketches import add_to_sketch, most_in_sketch, prune_sketch
from tidewheel.kernel.windows.tiles import is_dead, oldest_instant


@inner
def most_rows(code: Array, track: int, rows: int, events: int) -> int:
    """Return how many rows a track's region needs to take in `events` more.

    Twice what can be alive, so that dead rows are dropped only now and then.
    """
    alive = 2
    if code[track + T_HOP] > 0:
        alive += code[track + T_KEEP] // code[track + T_HOP]
    if code[track + T_KIND] == EXACT:
        alive = min(alive, code[track + T_K])
    elif code[track + T_KIND] >= QUANTILES:
        alive = most_in_sketch(code, track, alive) + 64
    elif code[track + T_KIND] in (RECENT, PAIRS):
        alive = alive * (code[track + T_K] + 1) + 64
    return min(rows + events, max(2 * alive, rows))


@inner
def begin(code: Array, w: Array, rooms: Array) -> None:
    """Make the working state that nothing was folded into; regions are already laid out."""
    w[H_LAYOUT] = LAYOUT_VERSION
    w[H_KERNEL] = KERNEL_VERSION
    w[H_STATE] = code[C_STATE]
    w[H_LENGTH] = code[C_BLOB_HEAD]
    w[H_HORIZON] = NEVER
    w[H_OFFSET] = 0
    for i in range(code[C_TRACKS]):
        w[HEADER + 2 * i] = rooms[ROOM_WORDS * i + ROOM_START]
        w[HEADER + 2 * i + 1] = 0
        rooms[ROOM_WORDS * i + ROOM_PRUNE] = 64
        rooms[ROOM_WORDS * i + ROOM_FULL] = NEVER


@inlined
def apply_event(
    code: Array,
    w: Array,
    rooms: Array,
    source: int,
    at: int,
    arrived: int,
    offset: int,
    slots: Array,
    first: int,
    soonest: int,
) -> None:
    """Fold one event: into the tile of its `at`, in every track of its source.

    No read to come is before `soonest` (`NEVER`: who knows), so the tiles that none of them sees may be left out.
    """
    horizon = max(w[H_HORIZON], max(arrived, at))
    w[H_HORIZON] = horizon
    needed = max(horizon, soonest)
    w[H_OFFSET] = offset
    track = code[C_TRACK_AT]
    for k in range(code[C_TRACKS]):
        if code[track + T_SOURCE] == source:
            if code[track + T_KIND] == TILES:
                row = row_for(code, track, w, rooms, k, at, needed)
                if row >= 0:
                    accumulate(code, track, w, row, at, offset, slots, first)
            else:
                apply_to_other(code, track, w, rooms, k, at, offset, horizon, needed, slots, first)
        track += T_WORDS


@inner
def apply_to_other(
    code: Array,
    track: int,
    w: Array,
    rooms: Array,
    k: int,
    at: int,
    offset: int,
    horizon: int,
    needed: int,
    slots: Array,
    first: int,
) -> None:
    """Fold one event into a track that is not one of plain tiles."""
    kind = code[track + T_KIND]
    slot = code[track + T_SLOT]
    if kind == DECAYS:
        row = row_for(code, track, w, rooms, k, at, needed)
        if row >= 0:
            decay(code, track, w, row, at, slots, first)
    elif kind == EXACT:
        if is_present(slots, first, slot, code[code[track + T_BUNDLE_AT] + B_TEXT]):
            row = row_of_instant(code, track, w, rooms, k, at, horizon)
            if row >= 0:
                accumulate(code, track, w, row, at, offset, slots, first)
    elif kind != LOST:
        value = slots[first + slot]
        if kind >= QUANTILES:
            add_to_sketch(code, track, w, rooms, k, value, at, offset, oldest_instant(code, track, horizon))
        elif value != 0:
            add_to_set(code, track, w, rooms, k, value, at, oldest_instant(code, track, needed))


@inner
def is_present(slots: Array, first: int, slot: int, text: int) -> bool:
    """Tell whether a slot holds a value; no slot holds a row, which is always there."""
    if slot < 0:
        return True
    word = slots[first + slot]
    number = as_float(word)
    present: bool = word != 0 if text else number == number
    return present


@inlined
def accumulate(code: Array, track: int, w: Array, row: int, at: int, offset: int, slots: Array, first: int) -> None:
    """Fold one event's slots into a row."""
    bundle = code[track + T_BUNDLE_AT]
    for _ in range(code[track + T_BUNDLES]):
        slot = code[bundle + B_SLOT]
        word = slots[first + slot] if slot >= 0 else 1
        number = as_float(word)
        present = word != 0 if code[bundle + B_TEXT] else number == number
        if slot < 0 or present:
            update(code[bundle + B_MASK], w, row + code[bundle + B_COLUMN], word, at, offset)
        bundle += B_WORDS


@inlined
def update(mask: int, w: Array, column: int, word: int, at: int, offset: int) -> None:
    """Fold one value into the accumulators of its slot."""
    number = as_float(word)
    if mask & 1 << COUNT:
        w[column] += 1
        column += 1
    if mask & 1 << SUM:
        w[column] = as_word(as_float(w[column]) + number)
        column += 1
    if mask & 1 << MIN:
        if not (as_float(w[column]) <= number):
            w[column] = word
        column += 1
    if mask & 1 << MAX:
        if not (as_float(w[column]) >= number):
            w[column] = word
        column += 1
    if mask >> MOMENTS:
        update_rarer(mask, w, column, word, at, offset)


@inner
def update_rarer(mask: int, w: Array, column: int, word: int, at: int, offset: int) -> None:
    """Fold one value into the wider accumulators of its slot."""
    if mask & 1 << MOMENTS:
        update_moments(w, column, as_float(word))
        column += 3
    if mask & 1 << FIRST:
        if at < w[column] or (at == w[column] and offset < w[column + 1]):
            w[column] = at
            w[column + 1] = offset
            w[column + 2] = word
        column += 3
    if mask & 1 << LAST:
        if at > w[column] or (at == w[column] and offset >= w[column + 1]):
            w[column] = at
            w[column + 1] = offset
            w[column + 2] = word
        column += 3
    if mask & 1 << NEWEST:
        w[column] = max(w[column], at)
        column += 1
    if mask & 1 << OLDEST:
        w[column] = min(w[column], at)


@inner
def update_moments(w: Array, column: int, value: float) -> None:
    """Welford's step on (n, mean, sum of squared deviations)."""
    n = w[column] + 1
    mean = as_float(w[column + 1])
    delta = value - mean
    mean += delta / n
    w[column] = n
    w[column + 1] = as_word(mean)
    w[column + 2] = as_word(as_float(w[column + 2]) + delta * (value - mean))


@inner
def pack(code: Array, w: Array, rooms: Array, out: Array, position: int) -> Word:
    """Write the blob of a working state at `position`; return where it ends.

    Dead rows are left out, so the bytes depend on the events only, not on how they came in batches.
    """
    n_tracks = code[C_TRACKS]
    for i in range(HEADER):
        out[position + i] = w[i]
    write = code[C_BLOB_HEAD]
    track = code[C_TRACK_AT]
    for k in range(n_tracks):
        oldest = oldest_instant(code, track, w[H_HORIZON])
        start = w[HEADER + 2 * k]
        rows = w[HEADER + 2 * k + 1]
        width = code[track + T_WIDTH]
        if code[track + T_KIND] >= QUANTILES:
            rows = prune_sketch(code, track, w, rooms, k, start, rows, oldest)
        elif code[track + T_KIND] in (RECENT, PAIRS):
            rows = prune_set(code, track, w, start, rows, oldest)
        else:
            while rows > 0 and is_dead(w[start], code[track + T_HOP], oldest):
                start += width
                rows -= 1
        out[position + HEADER + 2 * k] = write
        out[position + HEADER + 2 * k + 1] = rows
        for j in range(rows * width):
            out[position + write + j] = w[start + j]
        write += rows * width
        track += T_WORDS
    out[position + H_LENGTH] = write
    return position + write
