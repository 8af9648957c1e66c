"""A service's sources of candidates, ready to be asked: each gives ids, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tidewheel.definitions import attributes_of, ir
from tidewheel.definitions.ir.ranking import Candidates
from tidewheel.errors import FeatureError
from tidewheel.features.derived import load
from tidewheel.features.reading.entities import EntityReader
from tidewheel.kernel.words.vectors import unpack_vectors
from tidewheel.retrieval.best import best
from tidewheel.retrieval.fresh import Fresh
from tidewheel.retrieval.vectors import VectorIndex
from tidewheel.retrieval.words import WordIndex

if TYPE_CHECKING:
    from tidewheel.storage.protocols import State

Ask = Callable[[Sequence[Any]], list[str]]
"""From the values of a source's columns (a string, a number, None) to ids."""


@dataclass(frozen=True, eq=False)
class Source:
    """One source, ready.

    Attributes
    ----------
    name : str
        For the decision record.
    share : float
        Of the deadline: asked only before.
    columns : tuple of str
        Of the candidate view.
    ask : callable
    """

    name: str
    share: float
    columns: tuple[str, ...]
    ask: Ask


class Indexes:
    """The indexes over one entity's items, each made once for all sources and lists that use it.

    Parameters
    ----------
    states : State
    graph : Graph
    target : str
        The entity.
    now : callable
        The workspace's clock.
    """

    def __init__(self, states: State, graph: ir.Graph, target: str, now: Callable[[], int]) -> None:
        self._states, self._graph, self._now = states, graph, now
        self._entity = next(source for source in graph.sources if source.name == target)
        self._vectors: dict[str, Fresh[VectorIndex]] = {}

    def vectors(self, attribute: str, seconds: float) -> Fresh[VectorIndex]:
        """Return the index by a vector attribute."""
        size = next(column.size for column in self._entity.columns if column.name == attribute)

        def make() -> VectorIndex:
            ids, texts = self._texts(attribute)
            return VectorIndex(ids, unpack_vectors(np.array([*texts, None], object)[:-1], size))

        return self._vectors.setdefault(attribute, Fresh(make, seconds))

    def source(self, given: Candidates) -> Source:
        """Return a source, ready to be asked."""
        make = {
            "top_by": self._top_by, "nearest": self._nearest, "text": self._text,
            "listed": self._listed, "function": self._function,
        }[given.kind]  # fmt: skip
        return Source(given.name, given.share, given.columns, make(given))

    def _top_by(self, given: Candidates) -> Ask:
        group = next(group for group in self._graph.groups if group.name == given.group and not group.attributes)
        reader = EntityReader(self._states, self._graph, group)
        place = reader.names.index(given.feature)

        def make() -> list[str]:
            ids, found = reader.read_all(self._now())
            values = found.words[:, place] if ids else np.empty(0)
            return [ids[row] for row in best(-values if given.lowest else values, given.k).tolist()]

        index = Fresh(make, given.refresh / 1e6)
        index.renew()
        return lambda _: index.get()

    def _nearest(self, given: Candidates) -> Ask:
        index = self.vectors(given.feature, given.refresh / 1e6)
        index.renew()
        if given.of_item:
            return lambda values: index.get().near_item(values[0], given.k) if values[0] is not None else []
        return lambda values: index.get().nearest(np.array(values, np.float64), given.k)

    def _text(self, given: Candidates) -> Ask:
        index = Fresh(lambda: WordIndex(*self._texts(given.feature)), given.refresh / 1e6)
        index.renew()
        return lambda values: index.get().search(values[0], given.k)

    def _listed(self, given: Candidates) -> Ask:
        return listed

    def _function(self, given: Candidates) -> Ask:
        call = load(given.function, given.source)

        def ask(values: Sequence[Any]) -> list[str]:
            try:
                return [str(id) for id, _ in zip(call(*values), range(given.k), strict=False)]
            except Exception as error:
                raise FeatureError(f"{type(error).__name__}: {error}", where=given.name) from error

        return ask

    def _texts(self, attribute: str) -> tuple[list[str], list[str | None]]:
        reader = EntityReader(self._states, self._graph, attributes_of(self._graph, self._entity.name))
        ids, found = reader.read_all(self._now())
        return ids, found.texts[attribute] if ids else []


def listed(values: Iterable[str | None]) -> list[str]:
    """Return the ids that texts hold, in order; nulls hold none.

    Examples
    --------
    >>> listed(["m1 m2", None, "m3"])
    ['m1', 'm2', 'm3']
    """
    return [id for text in values if text is not None for id in text.split()]
