"""Features of entities by name, as a feature server gives them: ``POST /v1/features/{Features}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.errors import FeatureError, InputError
from tidewheel.features.reading.entities import EntityReader, key_texts
from tidewheel.kernel.words.vectors import unpack_vector
from tidewheel.serving.api.handler import unknown

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Graph, Group
    from tidewheel.storage.protocols import State

MOST_ENTITIES = 10_000
"""In one request."""


class Found(msgspec.Struct):
    """The answer: a column per feature, and as of when each entity was read.

    Attributes
    ----------
    features : dict
        Values by feature, in the order of the entities asked for; null where there is none.
    instants : list of int
        Microseconds: as of when each entity was read.
    offsets : list of int
        The last offset of the log folded into each; 0 for one that nothing is known of.
    """

    features: dict[str, list[Any]]
    instants: list[int]
    offsets: list[int]


class FeatureLookup:
    """Reads live feature sets in one process. For one thread.

    Parameters
    ----------
    states : callable
        Returns the online store.
    graph : callable
        Returns the live definitions, or None while there are none.
    """

    def __init__(self, states: Callable[[], State], graph: Callable[[], Graph | None]) -> None:
        self._states = states
        self._graph = graph
        self._readers: dict[Group, EntityReader] = {}

    def names(self) -> list[str]:
        """Return the feature sets that can be read."""
        graph = self._graph()
        return [] if graph is None else [group.name for group in graph.groups]

    def read(self, name: str, body: bytes, now: int) -> bytes:
        """Return the features of the entities in a JSON body such as ``{"card": ["c1", "c2"]}``, as JSON.

        Raises
        ------
        NotFoundError
            There is no such feature set.
        InputError
            The body does not name its keys, or too many entities.
        StorageError
            The store can't be read.
        """
        reader = self._reader(name)
        try:
            keys = msgspec.json.decode(body, type=dict[str, list[str | int | bool | None] | str | int | bool | None])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(
                f"not a JSON object of keys: {error}", where=name, remedy='send {"card": ["c1", "c2"]}'
            ) from error
        try:
            entities = key_texts(reader.group, keys)
        except FeatureError as error:
            raise InputError(error.message, where=error.where, remedy=error.remedy) from error
        if len(entities) > MOST_ENTITIES:
            raise InputError(f"{len(entities)} entities in one request; at most {MOST_ENTITIES}", where=name)
        found = reader.read(entities, now)
        columns: dict[str, list[Any]] = {
            name: found.texts[name] if name in found.texts else found.words[:, place].tolist()
            for place, name in enumerate(reader.names)
        }
        for name in reader.vectors:
            columns[name] = [None if text is None else unpack_vector(text).tolist() for text in found.texts[name]]
        # A null number is NaN, which JSON writes as null.
        return msgspec.json.encode(Found(columns, found.instants.tolist(), found.offsets.tolist()))

    def _reader(self, name: str) -> EntityReader:
        graph = self._graph()
        group = next((group for group in graph.groups if group.name == name), None) if graph is not None else None
        if graph is None or group is None:
            raise unknown("feature set", name, self.names())
        reader = self._readers.get(group)
        if reader is None:
            # Others of this name are of definitions that are no longer live.
            self._readers = {other: kept for other, kept in self._readers.items() if other.name != name}
            reader = self._readers[group] = EntityReader(self._states(), graph, group)
        return reader
