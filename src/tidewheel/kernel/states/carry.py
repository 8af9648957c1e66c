"""Replay history in pieces: the states at the end of one piece are where the next begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import CorruptError
from tidewheel.kernel._jit import Array, entry, inner, keep, pointer
from tidewheel.kernel.layouts.layout import C_CELLS, C_FEATURES, C_TRACKS, NEVER, Layout
from tidewheel.kernel.states._read import OK, check_blob
from tidewheel.kernel.states.blobs import Blobs
from tidewheel.kernel.states.events import NOTHING, Events, columns_of, fixed
from tidewheel.kernel.states.fold import lay_rooms, unpack
from tidewheel.kernel.states.replay import check_reads
from tidewheel.kernel.states.requests import Requests, read_asked, request_columns, with_one_more
from tidewheel.kernel.states.state import apply_event, begin, pack
from tidewheel.kernel.windows.sets import ROOM_WORDS

Words = NDArray[np.int64]
Floats = NDArray[np.float64]


def carry(
    layout: Layout,
    blobs: Blobs,
    events: Events,
    read_starts: Words,
    cuts: Words,
    instants: Words,
    *,
    requests: Requests | None = None,
) -> tuple[Floats, Words, Blobs]:
    """Do what `replay` does to one piece of history, from given states, and return the states after it.

    However history is cut into pieces, the answers and the last states are the same, to the bit. An event can be taken
    back (`undoes`) only by one of the same piece.

    Parameters
    ----------
    layout : Layout
    blobs : Blobs
        One state per entity of `events`, as the piece before left it.
    events : Events
        The piece, in fold order within each entity.
    read_starts : int64[n_entities + 1]
        Where each entity's reads begin.
    cuts : int64[m]
        How many of the entity's events of this piece each read sees; not decreasing within an entity.
    instants : int64[m]
    requests : Requests, optional
        As for `replay`.

    Returns
    -------
    features : float64[m, n_features]
    status : int64[m]
        As `replay` gives it.
    blobs : Blobs
        The states after.

    Raises
    ------
    CorruptError
        When a blob is not a state of this layout.
    StorageError
        When arrays don't fit each other, or cuts decrease.

    Examples
    --------
    >>> from tidewheel.kernel import AggregateSpec, build_layout, empty
    >>> layout = build_layout([AggregateSpec("sum", 0, 0)])
    >>> at = np.array([10])
    >>> piece = Events(np.array([0, 1]), np.zeros(1, np.int8), at, at, at, np.array([[1.5]]))
    >>> one, last = np.array([0, 1]), np.array([1])
    >>> _, _, states = carry(layout, empty(1), piece, one, last, np.array([20]))
    >>> carry(layout, states, piece, one, last, np.array([20]))[0]
    array([[3.]])
    """
    columns = columns_of(layout, events)
    undoes = fixed(np.zeros(0) if events.undoes is None else events.undoes, np.int64)
    read_starts, cuts, instants = (fixed(a, np.int64) for a in (read_starts, cuts, instants))
    check_reads(columns[0], read_starts, cuts, instants)
    out = np.empty((len(cuts), layout.n_features))
    status = np.empty(len(cuts), np.int64)
    words, starts, bad = _carry(
        layout.code,
        fixed(blobs.words, np.int64),
        fixed(blobs.starts, np.int64),
        *columns,
        undoes,
        read_starts,
        cuts,
        instants,
        *request_columns(layout, requests, len(cuts)),
        out.view(np.int64).reshape(-1),
        status,
    )
    if bad >= 0:
        raise CorruptError(
            "a carried state does not fit its layout",
            where=f"state {bad}",
            remedy="it was written by another build or is damaged; start the backfill again",
        )
    return out, status, Blobs(words, starts)


@inner
def _begin_from(program: Array, places: Array, old: Array, start: int, exists: bool, events: int, state: Array) -> None:
    """Make a working state of a blob, with room for some events."""
    lay_rooms(program, places, old, start, exists, events)
    begin(program, state, places)
    if exists:
        unpack(program, old, start, state)


@entry
def _carry(
    code: Array,
    words: Array,
    starts: Array,
    event_starts: Array,
    source: Array,
    at: Array,
    arrived: Array,
    offset: Array,
    slots: Array,
    undoes: Array,
    read_starts: Array,
    cuts: Array,
    instants: Array,
    asked: Array,
    asked_slots: Array,
    answers: Array,
    status: Array,
) -> tuple[Array, Array, int]:
    n = len(event_starts) - 1
    program, old, values, width = pointer(code), pointer(words), pointer(slots), slots.shape[1]
    rooms = np.zeros((2, ROOM_WORDS * code[C_TRACKS] + 1), np.int64)
    places, places2, requests, wide = pointer(rooms[0]), pointer(rooms[1]), pointer(asked_slots), asked_slots.shape[1]
    new_starts, most, total = np.zeros(n + 1, np.int64), 0, 0
    for e in range(n):
        length = starts[e + 1] - starts[e]
        if check_blob(program, old, starts[e], length) != OK:
            return np.zeros(0, np.int64), new_starts, e
        need = lay_rooms(program, places, old, starts[e], length > 0, event_starts[e + 1] - event_starts[e])
        most, total = max(most, need), total + need
    w, cells = np.empty(most + with_one_more(program, most), np.int64), np.empty(code[C_CELLS] + 1, np.int64)
    state, copy, scratch, target = pointer(w), pointer(w[most:]), pointer(cells), pointer(answers)
    out, gone, undone, position = np.empty(total, np.int64), np.zeros(len(undoes), np.bool_), len(undoes) > 0, 0
    for e in range(n):
        exists, first, size = starts[e + 1] > starts[e], event_starts[e], event_starts[e + 1] - event_starts[e]
        _begin_from(program, places, old, starts[e], exists, size, state)
        i, stale = first, False
        for r in range(read_starts[e], read_starts[e + 1] + 1):
            last = r == read_starts[e + 1]
            until = first + (size if last else cuts[r])
            while i < until:
                kept = NOTHING if undone and gone[i] else source[i]
                apply_event(program, state, places, kept, at[i], arrived[i], offset[i], values, i * width, NEVER)
                if undone and undoes[i] >= 0 and not gone[undoes[i]]:
                    gone[undoes[i]] = stale = True
                i += 1
                if stale and i == until:
                    # What is taken back can't be subtracted: what remains of the piece is folded again.
                    _begin_from(program, places, old, starts[e], exists, size, state)
                    i, stale = first, False
            if not last:
                who, t, slot, to = asked[r], instants[r], r * wide, r * code[C_FEATURES]
                status[r] = read_asked(program, state, places2, copy, who, t, requests, slot, scratch, target, to)
        if exists or size > 0:
            position = pack(program, state, places, pointer(out), position)
        new_starts[e + 1] = position
    keep(w)
    keep(rooms)
    keep(cells)
    return out[:position].copy(), new_starts, -1
