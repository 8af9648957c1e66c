"""The online read of many items for one event: a service's candidates, as one batch.

One snapshot of the state store. What is kept of the event's own entities is read once; of each item one get, one call
of the kernel for each set of features, one program for all rows. A row is to the bit what `OnlineReader` reads for an
event that holds the item's columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import attributes_of, ir
from tidewheel.errors import DefinitionError
from tidewheel.features.keys import key_text
from tidewheel.features.planning.group import AT, PAST
from tidewheel.features.planning.programs import assemble, compute, learn_literals
from tidewheel.features.planning.view import StateRead, ViewPlan
from tidewheel.features.reading.entities import EntityReader
from tidewheel.features.reading.online import MOST_STRINGS
from tidewheel.features.words import Texts, Words, number
from tidewheel.kernel import Blobs, hash_text, read
from tidewheel.kernel.layouts.layout import H_HORIZON, H_OFFSET

if TYPE_CHECKING:
    from tidewheel.storage.protocols import State, StateSnapshot

Ints = npt.NDArray[np.int64]
Seen = tuple[str, str, int]
_PLAIN: dict[ir.Kind, type] = {"int": int, "time": int, "bool": bool}
"""What a column's values are where they are neither text nor floats."""


@dataclass(frozen=True, eq=False)
class _Read:
    """A state's read: the row's columns that name the entity, and whether they are the event's alone."""

    state: StateRead
    columns: tuple[str, ...]
    shared: bool
    start: int


@dataclass(frozen=True, eq=False)
class _Found:
    """What a read found: blobs of distinct entities, and which of them each row reads."""

    read: _Read
    keys: list[str | None]
    of_row: Ints | None
    blobs: Blobs
    offsets: Ints
    horizon: int


@dataclass(frozen=True, eq=False)
class ItemRows:
    """The rows of some items.

    Attributes
    ----------
    words : tuple of float64[n, columns]
        One array per view, in the order the reader was given.
    instant : int
        The instant of the read.
    own : dict
        The items' own columns as they were read: ``Shown.movie`` and those served in the place of others.
    """

    words: tuple[Words, ...]
    instant: int
    own: Mapping[str, Sequence[object]]
    _found: list[_Found]

    def inputs(self, row: int) -> dict[str, object]:
        """Return an item's own columns."""
        return {name: values[row] for name, values in self.own.items()}

    def states(self, rows: Sequence[int]) -> list[Seen]:
        """Return the states that some rows read: (state id, key, last folded offset), each once."""
        states: dict[Seen, None] = {}
        for found in self._found:
            state_id = found.read.state.plan.state_id
            places = [0] if found.of_row is None else found.of_row[list(rows)].tolist()
            for place in places:
                key = found.keys[place]
                if key is not None:
                    states[state_id, key, int(found.offsets[place])] = None
        return list(states)


class ItemReader:
    """Reads views with a row for each item. Not for two threads at once; each thread makes its own.

    Parameters
    ----------
    states : State
    graph : Graph
        Declares the items.
    views : sequence of ViewPlan
        Plans of views with rows of the same items.

    Raises
    ------
    DefinitionError
        A feature counts the event that is being decided, which the batch does not.
    """

    def __init__(self, states: State, graph: ir.Graph, views: Sequence[ViewPlan]) -> None:
        each = views[0].view.each
        assert each is not None
        self._store = states
        self._assembly = assemble(views)
        if any(read.request != PAST for read in self._assembly.reads):
            raise DefinitionError(
                "a row of an item can't count the event itself",
                where=views[0].view.name,
                remedy="remove include_request",
            )
        self._each = each
        served = {served for view in views if view.view.each is not None for served in view.view.each.served}
        self._constants = {each.named(one.column): one.value for one in served if not one.attribute}
        target = next(source for source in graph.sources if source.name == each.target)
        kinds = {column.name: column.kind for column in target.columns}
        self._taken = {each.named(one.column): (one.attribute, kinds[one.attribute]) for one in served if one.attribute}
        kept = attributes_of(graph, each.target)
        self._attributes = EntityReader(states, graph, kept) if self._taken else None
        self._attribute_state = self._attributes.state_id if self._attributes is not None else ""
        self._reads = [self._read_of(*pair) for pair in zip(self._assembly.reads, self._assembly.state_at, strict=True)]
        self._strings = Texts(states.text)
        learn_literals(self._assembly, self._strings)

    @property
    def state_ids(self) -> tuple[str, ...]:
        """The states that the views read."""
        return tuple(dict.fromkeys(read.state.plan.state_id for read in self._reads))

    def read(
        self,
        event: Mapping[str, object],
        items: Sequence[str],
        now: int,
        at: int | None = None,
        without: frozenset[str] = frozenset(),
    ) -> ItemRows:
        """Read every view's rows for some items of one event.

        Parameters
        ----------
        event : mapping
            The event's columns; one that is missing is null.
        items : sequence of str
            Ids; at least one.
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
        if len(self._strings) > MOST_STRINGS:
            self._strings.clear()
            learn_literals(self._assembly, self._strings)
        with self._store.snapshot() as snapshot:
            fetched: dict[str, list[bytes | memoryview]] = {}
            own = self._own(snapshot, items, now, fetched)
            asked = {AT: now if at is None else at, **event}
            found = [self._find(snapshot, one, asked, own, len(items), without, fetched) for one in self._reads]
        instant = max([now, *(one.horizon for one in found)])
        vector = np.empty((len(items), self._assembly.width))
        self._fill(vector, asked, own)
        for one in found:
            self._fold(one, instant, vector)
        out = compute(self._assembly, vector, self._strings)
        words = tuple(np.ascontiguousarray(out[:, columns]) for columns in self._assembly.slices)
        return ItemRows(words, instant, own, found)

    def _own(
        self,
        snapshot: StateSnapshot,
        items: Sequence[str],
        now: int,
        fetched: dict[str, list[bytes | memoryview]],
    ) -> dict[str, Sequence[object]]:
        """Return the items' own columns; what was fetched of the store for them goes to `fetched`."""
        own: dict[str, Sequence[object]] = {self._each.key: items}
        own |= {name: [value] * len(items) for name, value in self._constants.items()}
        if self._attributes is not None:
            blobs = fetched[self._attribute_state] = _blobs(snapshot, self._attribute_state, items)
            known = self._attributes.made_of(blobs, now)
            for name, (attribute, kind) in self._taken.items():
                own[name] = _values(known.texts.get(attribute), known.words, self._attributes.names, attribute, kind)
        return own

    def _read_of(self, state: StateRead, start: int) -> _Read:
        columns = tuple(path[0] for path in state.keys)
        return _Read(state, columns, not any("." in name for name in columns), start)

    def _find(
        self,
        snapshot: StateSnapshot,
        one: _Read,
        event: Mapping[str, object],
        own: Mapping[str, Sequence[object]],
        n: int,
        without: frozenset[str],
        fetched: Mapping[str, list[bytes | memoryview]],
    ) -> _Found:
        keys, of_row = self._keys(one, event, own, n)
        state_id = one.state.plan.state_id
        if state_id in without:
            blobs: list[bytes | memoryview] = [b""] * len(keys)
        elif state_id in fetched and one.columns == (self._each.key,):
            blobs = fetched[state_id]
        else:
            blobs = _blobs(snapshot, state_id, keys)
        words = np.frombuffer(b"".join(blobs), np.int64)
        starts = np.fromiter(accumulate((len(blob) // 8 for blob in blobs), initial=0), np.int64, len(blobs) + 1)
        offsets = np.zeros(len(keys), np.int64)
        heads = starts[:-1][known] if (known := starts[1:] > starts[:-1]).any() else starts[:0]
        offsets[known] = words[heads + H_OFFSET]
        horizon = int(words[heads + H_HORIZON].max()) + 1 if heads.size else 0
        return _Found(one, keys, of_row, Blobs(words, starts), offsets, horizon)

    def _keys(
        self, one: _Read, event: Mapping[str, object], own: Mapping[str, Sequence[object]], n: int
    ) -> tuple[list[str | None], Ints | None]:
        """Return the distinct entities of a read, and which one each row reads; None where all read the first."""
        if one.shared:
            return [key_text([event.get(name) for name in one.columns])], None
        if one.columns == (self._each.key,):
            return [str(item) for item in own[self._each.key]], np.arange(n)
        parts = [own[name] if name in own else [event.get(name)] * n for name in one.columns]
        place: dict[tuple[object, ...], int] = {}
        of_row = np.array([place.setdefault(values, len(place)) for values in zip(*parts, strict=True)], np.int64)
        return [key_text(values) for values in place], of_row

    def _fill(self, vector: Words, event: Mapping[str, object], own: Mapping[str, Sequence[object]]) -> None:
        """Write the event's columns and the items' into the rows."""
        for position, (path, text) in enumerate(self._assembly.inputs.items()):
            name = path[0]
            one = [event.get(name)] if name not in own else own[name][:1] if name in self._constants else own[name]
            if text:
                vector.view(np.int64)[:, position] = [self._hash(value) for value in one]
            else:
                vector[:, position] = np.array([number(value) for value in one])

    def _hash(self, value: object) -> int:
        if value is None:
            return 0
        string = str(value)
        hash = hash_text(string)
        self._strings.add_one(hash, string)
        return hash

    def _fold(self, one: _Found, instant: int, vector: Words) -> None:
        """Write what a read found into the rows."""
        instants = np.full(len(one.keys), instant)
        features, _ = read(one.read.state.plan.layout, one.blobs, instants)
        start = one.read.start
        rows = features[0] if one.of_row is None else features[one.of_row]
        vector[:, start : start + features.shape[1]] = rows


def _blobs(snapshot: StateSnapshot, state_id: str, keys: Sequence[str | None]) -> list[bytes | memoryview]:
    """Return the states of entities, b"" where there is none."""
    found = snapshot.get_many([(state_id, (key or "").encode()) for key in keys])
    return [b"" if blob is None or key is None else blob for blob, key in zip(found, keys, strict=True)]


def _values(
    texts: Sequence[object] | None, words: Words, names: Sequence[str], name: str, kind: ir.Kind
) -> Sequence[object]:
    """Return an attribute of items as plain values of its kind, as an event would bring them."""
    if texts is not None:
        return texts
    made = _PLAIN.get(kind, float)
    return [None if value != value else made(value) for value in words[:, names.index(name)].tolist()]
