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
from tidewheel.features.plan_group import AT
from tidewheel.features.plan_view import ViewPlan
from tidewheel.features.programs import assemble, compute, learn_literals
from tidewheel.features.words import Texts, Words
from tidewheel.kernel import EMPTY_BLOB, hash_text, plan_reads, read_blobs
from tidewheel.kernel.layout import H_OFFSET

if TYPE_CHECKING:
    from tidewheel.storage.state import StateStore

Event = object
MOST_STRINGS = 100_000
_OFFSET = struct.Struct("<q")
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
    states : StateStore
    views : sequence of ViewPlan
        Plans of views on one event type.
    """

    def __init__(self, states: StateStore, views: Sequence[ViewPlan]) -> None:
        self._store = states
        self._assembly = assemble(views)
        names = dict.fromkeys(name for view in views for name in view.columns if name != AT)
        self._columns = (AT, *names)
        # Two names at least, so that the getter gives a tuple.
        self._get = attrgetter(*(*names, "__class__", "__class__"))
        self._place = {name: position for position, name in enumerate(self._columns)}
        self._inputs = tuple((self._place[path[0]], text) for path, text in self._assembly.inputs.items())
        self._pack = struct.Struct("<" + "".join("q" if text else "d" for _, text in self._inputs)).pack_into
        self._reads = tuple((read.plan.state_id, self._keys(read.keys)) for read in self._assembly.reads)
        self._plan = plan_reads([read.plan.layout for read in self._assembly.reads])
        self._first = len(self._inputs)
        self._end = self._first + self._plan.n_features
        self._spoken = tuple(
            tuple(
                (name, position)
                for position, (name, text) in enumerate(zip(view.names, view.texts, strict=True))
                if text
            )
            for view in views
        )
        self._strings = Texts(states.text)
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

    def read(self, event: Event, now: int, at: int | None = None) -> Row:
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

        Raises
        ------
        FeatureError
            When a derived function fails.
        CorruptError
            When a state is not what its plan says.
        """
        if len(self._strings) > MOST_STRINGS:
            self._strings.clear()
            learn_literals(self._assembly, self._strings)
        values = self._values(event, now if at is None else at)
        vector = np.empty((1, self._assembly.width))
        self._pack(vector.data.cast("B"), 0, *self._words(values))
        instant, states = self._read_states(values, now, vector[0, self._first : self._end])
        out = compute(self._assembly, vector, self._strings)[0]
        words = tuple(out[columns] for columns in self._assembly.slices)
        texts = tuple(self._speak(row, spoken) for row, spoken in zip(words, self._spoken, strict=True))
        return Row(words, texts, instant, states)

    def _values(self, event: Event, at: int) -> Sequence[object]:
        if isinstance(event, Mapping):
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

    def _read_states(self, values: Sequence[object], now: int, out: Words) -> tuple[int, list[tuple[str, str, int]]]:
        if not self._reads:
            return now, []
        blobs: list[bytes | memoryview] = []
        states = []
        with self._store.snapshot() as snapshot:
            for state_id, key_of in self._reads:
                key = key_of(values)
                if key is None:
                    blobs.append(EMPTY_BLOB)
                    continue
                blob = snapshot.get(state_id, key.encode()) or EMPTY_BLOB
                blobs.append(blob)
                states.append((state_id, key, _OFFSET.unpack_from(blob, _OFFSET_AT)[0]))
            return read_blobs(self._plan, blobs, now, out), states

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
