"""The online read: one event in, every view's row out. The hot path of a decision.

One snapshot of the state store, one get per entity, one kernel call for all groups, one program
for all views. What was read is told by state id, key and last folded offset, so that the same
row can be made again from history.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidewheel.definitions import ir
from tidewheel.errors import NotReadyError
from tidewheel.features.keys import key_text
from tidewheel.features.planning.group import AT, PAST
from tidewheel.features.planning.programs import assemble, compute, learn_literals
from tidewheel.features.planning.view import StateRead, ViewPlan
from tidewheel.features.replay.asked import request_slots, with_requests
from tidewheel.features.words import Texts, Words
from tidewheel.kernel import EMPTY_BLOB, gather, hash_text, plan_reads, read, read_blobs, read_row, read_rows
from tidewheel.kernel.layouts.layout import H_OFFSET

if TYPE_CHECKING:
    from tidewheel.storage.protocols import State, StateSnapshot

Event = object
MOST_STRINGS = 100_000
MOST_VECTORS = 2_000
"""Strings that are kept where some of them are vectors, which are longer."""
_offset_of = struct.Struct("<q").unpack_from
_OFFSET_AT = 8 * H_OFFSET


class Row(NamedTuple):
    """What one event's views read.

    Attributes
    ----------
    words : tuple of float64[n_columns]
        One array per view, in the order the reader was given.
    texts : tuple of dict
        Per view: its text columns as strings, nulls left out.
    instant : int
        The instant of the read: the caller's, or one microsecond past the newest event folded.
    states : list of (state id, key, last folded offset)
        The entity states read; offset 0 for one that does not exist yet.
    """

    words: tuple[Words, ...]
    texts: tuple[dict[str, str], ...]
    instant: int
    states: list[tuple[str, str, int]]


class OnlineReader:
    """Reads the rows of several views of one event type: a service's rules, champion, challenger.

    Not for two threads at once; each thread makes its own.

    Parameters
    ----------
    states : State
    views : sequence of ViewPlan
        Plans of views on one event type.
    """

    def __init__(self, states: State, views: Sequence[ViewPlan]) -> None:
        self._store = states
        self.asking = getattr(states, "asking", None)
        """Takes the deadline of a read, where the store is across a network."""
        self._assembly = assemble(views)
        names = dict.fromkeys(name for view in views for name in view.columns if name != AT)
        self._columns = (AT, *names)
        # Two names at least, so that the getter gives a tuple.
        self._get = attrgetter(*(*names, "__class__", "__class__"))
        self._place = {name: position for position, name in enumerate(self._columns)}
        self._inputs = tuple((self._place[path[0]], text) for path, text in self._assembly.inputs.items())
        self._pack = struct.Struct("<" + "".join("q" if text else "d" for _, text in self._inputs)).pack_into
        past = [read for read in self._assembly.reads if read.request == PAST]
        self._reads = tuple((read.plan.state_id, self._keys(read.keys)) for read in past)
        self._plan = plan_reads([read.plan.layout for read in past])
        of = {(read.plan.state_id, read.keys): number for number, read in enumerate(past)}
        self._asking = tuple(
            (read, of[read.plan.state_id, read.keys], start)
            for read, start in zip(self._assembly.reads, self._assembly.state_at, strict=True)
            if read.request != PAST
        )
        self._vector = np.empty((1, self._assembly.width))
        """To work in; filled anew by each read."""
        self._inputs_at = self._vector.data
        self._first = len(self._inputs)
        self._end = self._first + self._plan.n_features
        self._at_once = not self._assembly.stages and not self._asking
        """Nothing stands between what is read and what the views show of it."""
        self._spoken = tuple(
            tuple(
                (name, position)
                for position, (name, text) in enumerate(zip(view.names, view.texts, strict=True))
                if text
            )
            for view in views
        )
        self._speaks = any(self._spoken)
        self._strings = Texts(states.text)
        vectors = any(step.call.size for stage in self._assembly.stages for step in stage.steps)
        self._most_strings = MOST_VECTORS if vectors else MOST_STRINGS
        learn_literals(self._assembly, self._strings)

    @property
    def state_ids(self) -> tuple[str, ...]:
        """The states that the views read."""
        return tuple(dict.fromkeys(state_id for state_id, _ in self._reads))

    def check_ready(self, head: int, slack: int = 0) -> None:
        """See that every state that the views read has been folded up to the log's head.

        Parameters
        ----------
        head : int
            The offset that the next event will get.
        slack : int
            So many events may be missing.

        Raises
        ------
        NotReadyError
            Naming the group that is furthest behind, and by how much.
        """
        folded = {read.plan.state_id: read.plan.group.name for read in self._assembly.reads}
        offset, name = min(((self._store.offset(state), name) for state, name in folded.items()), default=(head, ""))
        if offset < head - 1 - slack:
            raise NotReadyError(
                f"{name} has been folded up to offset {offset}; the log is at {head - 1}",
                remedy="wait until the stream has caught up; `tidewheel log status` shows the lag",
            )

    def read(self, event: Event, now: int, at: int | None = None, without: frozenset[str] = frozenset()) -> Row:
        """Read every view's row for one event.

        Parameters
        ----------
        event : mapping, or object with attributes
            The event's columns: a struct, an instance of the declared class, or a mapping, in which
            one that is missing is null.
        now : int
            Microseconds.
        at : int, optional
            When the event happened; `now` when not given.
        without : frozenset of str
            States that are read as if no event had been folded into them.

        Raises
        ------
        FeatureError
            When a derived function fails.
        CorruptError
            When a state is not what its plan says.
        """
        if len(self._strings) > self._most_strings:
            self._strings.clear()
            learn_literals(self._assembly, self._strings)
        values = self._values(event, now if at is None else at)
        self._pack(self._inputs_at, 0, *self._words(values))
        instant, states, out = self._read(values, now, self._vector, without)
        return self._row(out, instant, states)

    def read_many(self, events: Sequence[Event], now: int, ats: Sequence[int]) -> list[Row]:
        """Read every view's row for some events, each as :meth:`read` does, in one snapshot and one call.

        Parameters
        ----------
        events : sequence
            Each as `read` takes one.
        now : int
            Microseconds.
        ats : sequence of int
            When each happened.

        Raises
        ------
        FeatureError, CorruptError
            As `read`, for any of them.
        """
        if not self._at_once or not self._reads or len(events) < 2:
            return [self.read(event, now, at) for event, at in zip(events, ats, strict=True)]
        if len(self._strings) > self._most_strings:
            self._strings.clear()
            learn_literals(self._assembly, self._strings)
        each = [self._values(event, at) for event, at in zip(events, ats, strict=True)]
        vectors = np.empty((len(each), self._assembly.width))
        for row, values in enumerate(each):
            self._pack(vectors.data, row * vectors.strides[0], *self._words(values))
        wanted = [(state_id, key_of(values)) for values in each for state_id, key_of in self._reads]
        with self._store.snapshot() as snapshot:
            blobs = _blobs(snapshot, wanted)
            offsets = [_offset_of(blob, _OFFSET_AT)[0] for blob in blobs]
            used, out = read_rows(self._plan, self._assembly.program, blobs, now, vectors, self._first)
        told, n = list(zip(wanted, offsets, strict=True)), len(self._reads)
        return [
            self._row(
                out[row], used[row], [(id, key, at) for (id, key), at in told[row * n : row * n + n] if key is not None]
            )
            for row in range(len(each))
        ]

    def _row(self, out: Words, instant: int, states: list[tuple[str, str, int]]) -> Row:
        words = tuple([out[columns] for columns in self._assembly.slices])
        if not self._speaks:
            return Row(words, ({},) * len(words), instant, states)
        texts = tuple(self._speak(row, spoken) for row, spoken in zip(words, self._spoken, strict=True))
        return Row(words, texts, instant, states)

    def _values(self, event: Event, at: int) -> Sequence[object]:
        if type(event) is dict or isinstance(event, Mapping):
            get = event.get
            return [at, *[get(name) for name in self._columns[1:]]]
        return (at, *self._get(event))

    def _words(self, values: Sequence[object]) -> list[object]:
        words: list[object] = []
        for place, text in self._inputs:
            value = values[place]
            if not text:
                words.append(math.nan if value is None else value)
            elif value is None:
                words.append(0)
            else:
                string = str(value)
                word = hash_text(string)
                self._strings.add_one(word, string)
                words.append(word)
        return words

    def _read(
        self, values: Sequence[object], now: int, vector: Words, without: frozenset[str]
    ) -> tuple[int, list[tuple[str, str, int]], Words]:
        """Fill a row vector with what its entities' states say; return the instant, the states, the views' columns."""
        if not self._reads:
            return now, [], compute(self._assembly, vector, self._strings)[0]
        wanted = [(state_id, key_of(values)) for state_id, key_of in self._reads]
        with self._store.snapshot() as snapshot:
            blobs = _blobs(snapshot, wanted)
            if without:
                blobs = [EMPTY_BLOB if id in without else blob for (id, _), blob in zip(wanted, blobs, strict=True)]
            states = [
                (state_id, key, _offset_of(blob, _OFFSET_AT)[0])
                for (state_id, key), blob in zip(wanted, blobs, strict=False)
                if key is not None
            ]
            if self._at_once:
                instant, out = read_row(self._plan, self._assembly.program, blobs, now, vector, self._first)
                return instant, states, out[0]
            instant = read_blobs(self._plan, blobs, now, vector[0, self._first : self._end])
            for asking, number, start in self._asking:
                state = None if blobs[number] is EMPTY_BLOB else bytes(blobs[number])
                counts = wanted[number][1] is not None
                self._read_asked(asking, state, instant, vector, start, counts)
        return instant, states, compute(self._assembly, vector, self._strings)[0]

    def _read_asked(
        self, asking: StateRead, state: bytes | None, instant: int, vector: Words, start: int, counts: bool
    ) -> None:
        """Read a state with the row asked for folded into it."""
        instants, slots = np.array([instant]), request_slots(self._assembly, asking, vector)
        blobs = with_requests(asking.plan, asking.request, gather([state]), instants, slots, np.array([counts]))
        found, _ = read(asking.plan.layout, blobs, instants)
        vector[0, start : start + found.shape[1]] = found[0]

    def _keys(self, paths: tuple[ir.Path, ...]) -> Callable[[Sequence[object]], str | None]:
        places = [self._place[path[0]] for path in paths]
        if len(places) > 1:
            return lambda values: key_text([values[place] for place in places])
        only = places[0]

        def key(values: Sequence[object]) -> str | None:
            value = values[only]
            return value if type(value) is str or value is None else key_text([value])

        return key

    def _speak(self, row: Words, spoken: tuple[tuple[str, int], ...]) -> dict[str, str]:
        if not spoken:
            return {}
        hashes = row.view(np.int64)
        found = ((name, self._strings.string(int(hashes[position]))) for name, position in spoken)
        return {name: text for name, text in found if text is not None}


def _blobs(snapshot: StateSnapshot, wanted: list[tuple[str, str | None]]) -> list[bytes | memoryview]:
    """Return the state of each entity; an empty one where there is none, or no key to look for."""
    keyed = [(state_id, key.encode()) for state_id, key in wanted if key is not None]
    found = snapshot.get_many(keyed)
    if len(found) == len(wanted):
        return [blob or EMPTY_BLOB for blob in found]
    each = iter(found)
    return [EMPTY_BLOB if key is None else next(each) or EMPTY_BLOB for _, key in wanted]
