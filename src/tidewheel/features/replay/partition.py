"""One partition of entities through one piece of history: the unit of all batch work, Arrow in, Arrow out.

A piece holds events and reads of a group in one table:

===========  =====================  ================================================================
column       of an event            of a read
===========  =====================  ================================================================
``source``   the feed's number      -1; -2 - n with the row asked for, an event of feed n, folded in
``key``      the entity             the entity
``at``       when it happened       the instant of the read
``arrived``  when it took effect    the bound: events that took effect before it are seen
``offset``   its place in the log   the read's place, given back with its answer
``slots``    the aggregates' input  nulls; of the row asked for
``gone``     arrival of what takes  never; the column is there where events may be corrected
             it back, or never
===========  =====================  ================================================================

Pieces of one partition come in order of time: events of a later piece took effect after all events of an
earlier one, and after the bounds of its reads or at them. Events of one feed that took effect together
keep the order in which they stand.

An event that is taken back can't be subtracted from a state. So an entity's state goes no further than to the first of
its events that a later piece takes back; that one and those after it are held as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.errors import HorizonError
from tidewheel.features.folding.corrections import moved
from tidewheel.features.planning.group import GroupPlan
from tidewheel.features.replay.held import Held, held_back, line_of
from tidewheel.features.rows import Ints
from tidewheel.features.words import Words
from tidewheel.kernel import Blobs, Events, Requests, carry, count_visible, fold, group_rows, take

READ = -1
"""The ``source`` of a read of the past alone."""
ANSWER_PLACE, ANSWER_WORDS = "place", "words"


def read_source(request: int) -> int:
    """Return the ``source`` of a read with a row folded in that is an event of a feed; `READ` for none."""
    return READ - 1 - request


def feed_of(source: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Return the feeds whose events are folded into what is read, `NOTHING` for none."""
    return READ - 1 - source


def piece_schema(plan: GroupPlan) -> pa.Schema:
    """Return the columns of a group's pieces."""
    width = max(1, plan.layout.n_slots)
    return pa.schema(
        [
            ("source", pa.int8()),
            ("key", pa.string()),
            ("at", pa.int64()),
            ("arrived", pa.int64()),
            ("offset", pa.int64()),
            ("slots", pa.list_(pa.float64(), width)),
            *([("gone", pa.int64())] if plan.corrected else []),
        ]
    )


class States(NamedTuple):
    """The states of a partition's entities between two pieces, and the events that they have not folded yet."""

    keys: pa.StringArray
    blobs: pa.LargeBinaryArray
    held: pa.Table | None = None

    @classmethod
    def none(cls) -> States:
        """Return what a partition begins with."""
        return cls(pa.array([], pa.string()), pa.array([], pa.large_binary()))

    def of(self, places: pa.Array) -> Blobs:
        """Return some states side by side for the kernel; a null place is an entity without state."""
        chosen = self.blobs.take(places).fill_null(b"")
        _, offsets, data = chosen.buffers()
        edges = np.frombuffer(offsets, np.int64)[: len(chosen) + 1] // 8
        words = np.zeros(0, np.int64) if data is None else np.frombuffer(data, np.int64, edges[-1])
        return Blobs(words, edges)

    def with_blobs(self, keys: pa.Array, places: pa.Array, blobs: Blobs) -> States:
        """Return the states with those of some entities (at `places`) replaced or added."""
        stay = np.ones(len(self.keys), bool)
        stay[places.drop_null().to_numpy()] = False
        made = _binary(blobs)
        exists = pa.array(np.diff(blobs.starts) > 0)
        return States(
            pa.concat_arrays([self.keys.filter(pa.array(stay)), keys.filter(exists)]),
            pa.concat_arrays([self.blobs.filter(pa.array(stay)), made.filter(exists)]),
        )


def advance(plan: GroupPlan, piece: pa.Table, states: States) -> tuple[pa.Table, States]:
    """Fold a piece's events into the states, and answer its reads on the way.

    Returns
    -------
    answers : Table
        ``place`` and ``words`` (the group's aggregates), by place.
    states : States
        After the piece.

    Raises
    ------
    HorizonError
        A read's instant lies before the arrival of an event that it is to see.
    """
    if states.held is not None:
        piece = pa.concat_tables([states.held, piece])
    encoded = piece["key"].combine_chunks().dictionary_encode()
    keys, codes = encoded.dictionary, encoded.indices.to_numpy().astype(np.int64)
    places = pc.index_in(keys, value_set=states.keys)
    source, at, arrived, offset = (piece[name].to_numpy() for name in ("source", "at", "arrived", "offset"))
    slots, line = matrix(piece["slots"]), line_of(piece)
    order, starts = group_rows(codes[line.rows], line.arrived, len(keys))
    rows, took = line.rows[order], line.arrived[order]
    undoes = moved(line.undoes, order)
    events = Events(starts, line.source[order], at[rows], took, offset[rows], take(slots, rows), undoes)
    reads = np.flatnonzero(source < 0)
    cuts = count_visible(starts, took, codes[reads], arrived[reads])
    turn, read_starts = group_rows(codes[reads], cuts, len(keys))
    asking = reads[turn]
    requests = Requests(feed_of(source[asking]), take(slots, asking))
    words, status, after = carry(
        plan.layout, states.of(places), events, read_starts, cuts[turn], at[asking], requests=requests
    )
    if status.any():
        raise HorizonError(
            f"an instant of {plan.group.name} lies before the arrival of an event that it is to see",
            remedy="read at a later instant",
        )
    held = held_back(events, rows, line.waits[order])
    done = states.with_blobs(keys, places, after)._replace(held=None)
    return _answers(offset[asking], words), done if held is None else _stopped(plan, piece, keys, states, done, held)


def _stopped(plan: GroupPlan, piece: pa.Table, keys: pa.Array, states: States, done: States, held: Held) -> States:
    """Return states of which some go no further than to what is held."""
    mine = keys.take(pa.array(held.entities))
    folded = fold(plan.layout, states.of(pc.index_in(mine, value_set=states.keys)), held.before)
    stopped = done.with_blobs(mine, pc.index_in(mine, value_set=done.keys), folded)
    return stopped._replace(held=piece.take(pa.array(held.rows)))


def fixed_lists(words: Words) -> pa.FixedSizeListArray:
    """Return a matrix as one list a row."""
    return pa.FixedSizeListArray.from_arrays(pa.array(words.reshape(-1)), words.shape[1])


def matrix(column: pa.ChunkedArray) -> Words:
    """Return what `fixed_lists` made as a matrix again."""
    lists = column.combine_chunks()
    words: Words = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), lists.type.list_size)
    return words


def _answers(places: Ints, words: Words) -> pa.Table:
    order = np.argsort(places, kind="stable")
    width = max(1, words.shape[1])
    matrix = take(words, order) if words.shape[1] else np.zeros((len(words), width))
    return pa.table({ANSWER_PLACE: places[order], ANSWER_WORDS: fixed_lists(matrix)})


def _binary(blobs: Blobs) -> pa.LargeBinaryArray:
    offsets = pa.py_buffer(np.ascontiguousarray(blobs.starts * 8))
    data = pa.py_buffer(np.ascontiguousarray(blobs.words))
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(blobs.starts) - 1, [None, offsets, data])
