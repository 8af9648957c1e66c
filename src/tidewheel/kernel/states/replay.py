"""Answer past reads by folding history again: backfill, and the check that training equals serving."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidewheel.cores import cores
from tidewheel.errors import StorageError
from tidewheel.kernel._jit import Array, entry, inner, keep, pointer, prefetch
from tidewheel.kernel.layouts.layout import C_CELLS, C_FEATURES, C_TRACKS, FOREVER, Layout
from tidewheel.kernel.states.events import NOTHING, Events, columns_of, fixed
from tidewheel.kernel.states.fold import lay_rooms
from tidewheel.kernel.states.requests import Requests, read_asked, request_columns, with_one_more
from tidewheel.kernel.states.state import apply_event, begin
from tidewheel.kernel.threads import cut, in_chunks
from tidewheel.kernel.windows.sets import ROOM_WORDS

Words = NDArray[np.int64]
Floats = NDArray[np.float64]

_SMALL = 20_000
LINE = 8
"""Words that the processor's caches hold together."""


def replay(
    layout: Layout,
    events: Events,
    read_starts: Words,
    cuts: Words,
    instants: Words,
    out: Floats | None = None,
    *,
    places: Words | None = None,
    requests: Requests | None = None,
) -> tuple[Floats, Words]:
    """Read each entity's state as it was, for many reads per entity.

    The same compiled functions as `fold` and `read`, run over history from its beginning.

    Parameters
    ----------
    layout : Layout
    events : Events
        Whole history of each entity, in fold order.
    read_starts : int64[n_entities + 1]
        Where each entity's reads begin.
    cuts : int64[m]
        How many of the entity's events each read sees; not decreasing within an entity.
    instants : int64[m]
    out : float64[m, n_features], optional
        Filled when given (contiguous).
    places : int64[m], optional
        Which row of the result each read goes to: the permutation that grouped the reads puts the
        answers back in order. Every row once.
    requests : Requests, optional
        A row for each read, which is folded into a copy of what the read sees.

    Returns
    -------
    features : float64[m, n_features]
        `out`.
    status : int64[m]
        `OK`, or `BELOW_HORIZON` for an instant before an arrival that the read sees (nulls).

    Raises
    ------
    StorageError
        When arrays don't fit each other, or cuts decrease.
    """
    columns = columns_of(layout, events)
    undoes = fixed(np.zeros(0) if events.undoes is None else events.undoes, np.int64)
    if out is None:
        out = np.empty((len(cuts), layout.n_features))
    read_starts, cuts, instants = (fixed(a, np.int64) for a in (read_starts, cuts, instants))
    check_reads(columns[0], read_starts, cuts, instants)
    places = fixed(np.arange(len(cuts)) if places is None else places, np.int64)
    if len(places) != len(cuts) or not (np.bincount(places, minlength=len(cuts)) == 1).all():
        raise StorageError("places must hold each row of the result once")
    status = np.empty(len(cuts), np.int64)
    asked = request_columns(layout, requests, len(cuts))
    target = out.view(np.int64).reshape(-1)

    def run(first: int, end: int) -> None:
        reads = (read_starts, cuts, instants, places)
        _replay(layout.code, *columns, undoes, *reads, *asked, first, end, target, status)

    weights = columns[0] + read_starts
    parts = 1 if weights[-1] < _SMALL else 8 * cores()
    in_chunks(cut(weights, parts), run)
    return out, status


def check_reads(starts: Words, read_starts: Words, cuts: Words, instants: Words) -> None:
    """Refuse reads that do not fit their events."""
    if len(read_starts) != len(starts) or read_starts[-1] != len(cuts) or len(cuts) != len(instants):
        raise StorageError(
            f"reads don't fit: {len(read_starts)} starts for {len(starts)} of events, "
            f"{len(cuts)} cuts, {len(instants)} instants"
        )
    if len(cuts) == 0:
        return
    per_read = np.repeat(np.diff(starts), np.diff(read_starts))
    falls = np.diff(cuts) < 0
    inside = np.ones(len(cuts), bool)
    firsts = read_starts[:-1]
    inside[firsts[firsts < len(cuts)]] = False
    if (falls & inside[1:]).any() or (cuts < 0).any() or (cuts > per_read).any():
        raise StorageError("cuts must not decrease within an entity, nor exceed its events")


@entry
def _replay(
    code: Array,
    starts: Array,
    source: Array,
    at: Array,
    arrived: Array,
    offset: Array,
    slots: Array,
    undoes: Array,
    read_starts: Array,
    cuts: Array,
    instants: Array,
    places: Array,
    asked: Array,
    asked_slots: Array,
    first: int,
    end: int,
    out: Array,
    status: Array,
) -> None:
    rooms = np.zeros((2, ROOM_WORDS * code[C_TRACKS] + 1), np.int64)
    program, regions, values, width = pointer(code), pointer(rooms[0]), pointer(slots), slots.shape[1]
    gone, undone = np.zeros(len(undoes), np.bool_), len(undoes) > 0
    most, most_reads = 0, 0
    for e in range(first, end):
        most = max(most, starts[e + 1] - starts[e])
        most_reads = max(most_reads, read_starts[e + 1] - read_starts[e])
    soonest = np.empty(most_reads, np.int64)
    need = lay_rooms(program, regions, program, 0, False, most)
    w, cells = np.empty(need + with_one_more(program, need), np.int64), np.empty(code[C_CELLS] + 1, np.int64)
    state, copy, scratch, target = pointer(w), pointer(w[need:]), pointer(cells), pointer(out)
    regions2, requests, wide = pointer(rooms[1]), pointer(asked_slots), asked_slots.shape[1]
    for e in range(first, end):
        if read_starts[e + 1] == read_starts[e]:
            continue
        lay_rooms(program, regions, program, 0, False, starts[e + 1] - starts[e])
        begin(program, state, regions)
        soonest_reads(instants, read_starts[e], read_starts[e + 1], soonest)
        i, stale = starts[e], False
        for r in range(read_starts[e], read_starts[e + 1]):
            until, earliest = starts[e] + cuts[r], soonest[r - read_starts[e]]
            while i < until:
                kept = NOTHING if undone and gone[i] else source[i]
                apply_event(program, state, regions, kept, at[i], arrived[i], offset[i], values, i * width, earliest)
                if undone and undoes[i] >= 0 and not gone[undoes[i]]:
                    gone[undoes[i]] = stale = True
                i += 1
                if stale and i == until:
                    # What is taken back can't be subtracted: what remains is folded again, from the first.
                    lay_rooms(program, regions, program, 0, False, starts[e + 1] - starts[e])
                    begin(program, state, regions)
                    i, stale = starts[e], False
            to = places[r] * code[C_FEATURES]
            if r + 1 < len(places):
                fetch_answer(target, places[r + 1] * code[C_FEATURES], code[C_FEATURES])
            who, t, slot = asked[r], instants[r], r * wide
            status[places[r]] = read_asked(program, state, regions2, copy, who, t, requests, slot, scratch, target, to)
    keep(w)
    keep(cells)
    keep(rooms)


@inner
def fetch_answer(target: Array, to: int, width: int) -> None:
    """Have the lines fetched that the next answer is written to: rows of one entity lie anywhere among all."""
    for i in range(0, width + LINE, LINE):
        prefetch(target, to + i)


@inner
def soonest_reads(instants: Array, first: int, end: int, soonest: Array) -> None:
    """Write, for each of an entity's reads, the earliest instant of it and those after it."""
    earliest = FOREVER
    for r in range(end - 1, first - 1, -1):
        earliest = min(earliest, instants[r])
        soonest[r - first] = earliest
