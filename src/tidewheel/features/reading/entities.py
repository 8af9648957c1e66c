"""The online read of some entities of one feature set: one round trip to the store, one call of the kernel.

What a feature server does. A decision reads all that its view needs of one event; this reads one set of features of as
many entities as are named, each as of now.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import FeatureError
from tidewheel.features.keys import key_text
from tidewheel.features.planning.group import vectors_of
from tidewheel.features.planning.programs import assemble, compute, learn_literals
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import MOST_STRINGS
from tidewheel.features.words import Texts, Words
from tidewheel.kernel import EMPTY_BLOB, Blobs, plan_reads, read, read_blobs
from tidewheel.kernel.layouts.layout import H_HORIZON, H_OFFSET

if TYPE_CHECKING:
    from tidewheel.storage.protocols import State

_OFFSET = struct.Struct("<q")
_OFFSET_AT = 8 * H_OFFSET
Ints = npt.NDArray[np.int64]
HASHED = b"\xff"
"""What a key begins with that stands for one too long to be stored."""


class Entities(NamedTuple):
    """Features of some entities, in the order asked for.

    Attributes
    ----------
    words : float64[n, features]
        Numbers, null as NaN; texts as the bits of their hashes.
    texts : dict of str to list
        The text features as strings, null as None.
    instants : int64[n]
        As of when each was read: the caller's instant, or one microsecond past the newest event folded.
    offsets : int64[n]
        The last offset of the log folded into each; 0 for an entity that nothing is known of.
    """

    words: Words
    texts: dict[str, list[str | None]]
    instants: Ints
    offsets: Ints


class EntityReader:
    """Reads one feature set. Not for two threads at once; each thread makes its own.

    Parameters
    ----------
    states : State
        The online store.
    graph : ir.Graph
        Declares the group's sources.
    group : ir.Group
        The feature set.
    """

    def __init__(self, states: State, graph: ir.Graph, group: ir.Group) -> None:
        plan = plan_group_alone(graph, group)
        self.names = plan.names
        self.vectors = vectors_of(graph, group)
        self.group = group
        self._store = states
        self._assembly = assemble([plan])
        self._state = plan.reads[0].plan
        self._one = plan_reads([self._state.layout])
        self._plain = self._is_plain()
        self._text_places = [
            (place, name) for place, (name, text) in enumerate(zip(plan.names, plan.texts, strict=True)) if text
        ]
        self._strings = Texts(states.text)
        learn_literals(self._assembly, self._strings)

    def read(self, keys: Sequence[str | None], now: int) -> Entities:
        """Read the features of entities by their keys (see ``features.keys.key_text``; None is nobody's).

        Raises
        ------
        CorruptError
            A state is not of this feature set's layout.
        StorageError
            The store can't be read.
        """
        entities = [(self._state.state_id, (key or "").encode()) for key in keys]
        with self._store.snapshot() as snapshot:
            found = snapshot.get_many(entities)
            blobs = [b"" if blob is None or key is None else blob for blob, key in zip(found, keys, strict=True)]
            return self.made_of(blobs, now)

    @property
    def state_id(self) -> str:
        """The state that holds what is read."""
        return self._state.state_id

    def read_all(self, now: int) -> tuple[list[str], Entities]:
        """Read the features of every entity of which something is known, by rising key.

        An entity whose key is longer than 503 bytes is left out: it is stored under a hash of its key.
        """
        known = sorted(pair for pair in self._store.scan(self._state.state_id) if not pair[0].startswith(HASHED))
        return [key.decode() for key, _ in known], self.made_of([blob for _, blob in known], now)

    def made_of(self, blobs: Sequence[bytes | memoryview], now: int) -> Entities:
        """Read the features of entities from their states as they are stored; b"" for one without."""
        states, instants, offsets = self._one_state(blobs[0], now) if len(blobs) == 1 else self._states(blobs, now)
        if len(self._strings) > MOST_STRINGS:
            self._strings.clear()
            learn_literals(self._assembly, self._strings)
        words = states if self._plain else compute(self._assembly, self._vector(states), self._strings)
        texts = {
            name: self._strings.strings(words[:, place].copy().view(np.int64)).tolist()
            for place, name in self._text_places
        }
        return Entities(words, texts, instants, offsets)

    def _vector(self, states: Words) -> Words:
        """Return rows as wide as the assembly's: with room for what it computes on the way."""
        if states.shape[1] == self._assembly.width:
            return states
        vector = np.empty((len(states), self._assembly.width))
        vector[:, : states.shape[1]] = states
        return vector

    def _one_state(self, blob: bytes | memoryview, now: int) -> tuple[Words, Ints, Ints]:
        out = np.empty((1, self._one.n_features))
        instant = read_blobs(self._one, [blob or EMPTY_BLOB], now, out[0])
        offset = _OFFSET.unpack_from(blob, _OFFSET_AT)[0] if blob else 0
        return out, np.array([instant]), np.array([offset])

    def _states(self, blobs: Sequence[bytes | memoryview], now: int) -> tuple[Words, Ints, Ints]:
        words = np.frombuffer(b"".join(blobs), np.int64)
        starts = np.fromiter(accumulate((len(blob) // 8 for blob in blobs), initial=0), np.int64, len(blobs) + 1)
        known = starts[1:] > starts[:-1]
        heads = starts[:-1][known]
        instants, offsets = np.full(len(blobs), now), np.zeros(len(blobs), np.int64)
        instants[known] = np.maximum(now, words[heads + H_HORIZON] + 1)
        offsets[known] = words[heads + H_OFFSET]
        return read(self._state.layout, Blobs(words, starts), instants)[0], instants, offsets

    def _is_plain(self) -> bool:
        """Whether the features are the state's outputs as they stand: then there is nothing to compute."""
        values = [feature.value for feature in self.group.features]
        return values == list(self._state.aggregates)


def named_keys(group: ir.Group, keys: Mapping[str, object]) -> dict[str, object]:
    """Match ``card="c42"`` to the group's key parts (``Card``, ``Sale.shop``), in their order.

    Raises
    ------
    FeatureError
        A part is missing, or a name is none.

    Examples
    --------
    >>> named_keys(ir.Group("Lately", ("Card", "Sale.shop"), ()), {"shop": 7, "card": "c42"})
    {'Card': 'c42', 'Sale.shop': 7}
    """
    given = {name.lower(): value for name, value in keys.items()}
    short = {part.rpartition(".")[2].lower(): part for part in group.by}
    unknown = sorted(set(given) - set(short))
    missing = sorted(set(short) - set(given))
    if unknown or missing:
        what = f"{unknown[0]!r} is no key" if unknown else f"no value for the key {missing[0]!r}"
        raise FeatureError(what, where=group.name, remedy=f"its keys: {', '.join(f'{name}=...' for name in short)}")
    return {part: given[name] for name, part in short.items()}


def key_texts(group: ir.Group, keys: Mapping[str, object]) -> list[str | None]:
    """Return the state keys of entities given by column, as ``{"card": ["c1", "c2"]}``; one value stands for a column.

    Raises
    ------
    FeatureError
        As :func:`named_keys`; or the columns are not of one length, or a part is no key.

    Examples
    --------
    >>> key_texts(ir.Group("Lately", ("Card",), ()), {"card": ["c1", None]})
    ['c1', None]
    """
    columns = [value if isinstance(value, list) else [value] for value in named_keys(group, keys).values()]
    if len({len(column) for column in columns}) != 1:
        raise FeatureError(
            "the keys' columns differ in length", where=group.name, remedy="give each part of each entity"
        )
    return [key_text(parts) for parts in zip(*columns, strict=True)]
