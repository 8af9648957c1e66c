"""Fold events into states: what the stream does with each micro-batch."""

from __future__ import annotations

import numpy as np

from tidewheel.errors import CorruptError
from tidewheel.kernel._jit import Array, Word, entry, inner, keep, pointer
from tidewheel.kernel.layouts.layout import C_BLOB_HEAD, C_TRACK_AT, C_TRACKS, HEADER, NEVER, T_WIDTH, T_WORDS, Layout
from tidewheel.kernel.states._read import OK, check_blob
from tidewheel.kernel.states.blobs import Blobs
from tidewheel.kernel.states.events import Events, columns_of, fixed, settled
from tidewheel.kernel.states.state import (
    apply_event,
    begin,
    most_rows,
    pack,
)
from tidewheel.kernel.windows.sets import ROOM_ROWS, ROOM_START, ROOM_WORDS


def fold(layout: Layout, blobs: Blobs, events: Events) -> Blobs:
    """Fold each entity's events into its state, one by one, in the order given.

    Folding a batch gives the same bytes as folding it in any number of parts. Events whose tile
    no read can see any more are dropped. Where events take others back, those must be in the same
    batch: start from empty states.

    Parameters
    ----------
    layout : Layout
    blobs : Blobs
        One state per entity of `events`.
    events : Events

    Returns
    -------
    Blobs
        The states after.

    Raises
    ------
    CorruptError
        When a blob is not a state of this layout.

    Examples
    --------
    >>> from tidewheel.kernel import AggregateSpec, build_layout, empty, read
    >>> layout = build_layout([AggregateSpec("sum", 0, 0)])
    >>> at = np.array([10, 20])
    >>> events = Events(np.array([0, 2]), np.zeros(2, np.int8), at, at, at, np.array([[1.5], [2.5]]))
    >>> read(layout, fold(layout, empty(1), events), np.array([30]))[0]
    array([[4.]])
    """
    columns = columns_of(layout, settled(events))
    words, starts, bad = _fold(layout.code, fixed(blobs.words, np.int64), fixed(blobs.starts, np.int64), *columns)
    if bad >= 0:
        raise CorruptError(
            "a state blob does not fit its layout",
            where=f"state {bad}",
            remedy="it was written by another build or is damaged; rebuild it from the log",
        )
    return Blobs(words, starts)


@inner
def lay_rooms(code: Array, rooms: Array, words: Array, base: int, exists: bool, events: int) -> Word:
    """Give each track a region that takes in `events` more; return the words needed."""
    track = code[C_TRACK_AT]
    end = code[C_BLOB_HEAD]
    for k in range(code[C_TRACKS]):
        rows = words[base + HEADER + 2 * k + 1] if exists else 0
        most = most_rows(code, track, rows, events)
        rooms[ROOM_WORDS * k + ROOM_START] = end
        rooms[ROOM_WORDS * k + ROOM_ROWS] = most
        end += most * code[track + T_WIDTH]
        track += T_WORDS
    return end


@inner
def unpack(code: Array, words: Array, base: int, w: Array) -> None:
    """Copy a blob into the regions of a working state."""
    for i in range(HEADER):
        w[i] = words[base + i]
    track = code[C_TRACK_AT]
    for k in range(code[C_TRACKS]):
        start = base + words[base + HEADER + 2 * k]
        rows = words[base + HEADER + 2 * k + 1]
        to = w[HEADER + 2 * k]
        for j in range(rows * code[track + T_WIDTH]):
            w[to + j] = words[start + j]
        w[HEADER + 2 * k + 1] = rows
        track += T_WORDS


@entry
def _fold(
    code: Array,
    words: Array,
    starts: Array,
    event_starts: Array,
    source: Array,
    at: Array,
    arrived: Array,
    offset: Array,
    slots: Array,
) -> tuple[Array, Array, int]:
    n = len(event_starts) - 1
    program, old = pointer(code), pointer(words)
    rooms = np.zeros(ROOM_WORDS * code[C_TRACKS] + 1, np.int64)
    new_starts = np.zeros(n + 1, np.int64)
    most, total = 0, 0
    for e in range(n):
        length = starts[e + 1] - starts[e]
        if check_blob(program, old, starts[e], length) != OK:
            return np.zeros(0, np.int64), new_starts, e
        need = lay_rooms(program, pointer(rooms), old, starts[e], length > 0, event_starts[e + 1] - event_starts[e])
        most = max(most, need)
        total += need
    w = np.empty(most, np.int64)
    out = np.empty(total, np.int64)
    state, places, values, width = pointer(w), pointer(rooms), pointer(slots), slots.shape[1]
    position = 0
    for e in range(n):
        exists = starts[e + 1] > starts[e]
        if exists or event_starts[e + 1] > event_starts[e]:
            lay_rooms(program, places, old, starts[e], exists, event_starts[e + 1] - event_starts[e])
            begin(program, state, places)
            if exists:
                unpack(program, old, starts[e], state)
            for i in range(event_starts[e], event_starts[e + 1]):
                apply_event(program, state, places, source[i], at[i], arrived[i], offset[i], values, i * width, NEVER)
            position = pack(program, state, places, pointer(out), position)
        new_starts[e + 1] = position
    keep(w)
    keep(rooms)
    return out[:position], new_starts, -1
