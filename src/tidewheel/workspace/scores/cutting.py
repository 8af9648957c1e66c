"""Lists scored in batch, cut as a service cuts them: the same rules, limits and diversity, by the same functions.

What those read of a request and its items is computed before history is cut, and goes through the slices beside the
rows. A request's items are in one slice, so there each list is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import attributes_of, ir
from tidewheel.errors import InputError
from tidewheel.features.planning.view import plan_view
from tidewheel.features.replay.backfill import compute_view, read_view
from tidewheel.features.words import one_array
from tidewheel.kernel.words.vectors import unpack_vectors
from tidewheel.registry.pointers.pointers import find_deployment
from tidewheel.registry.services import load_service
from tidewheel.retrieval.vectors import VectorIndex
from tidewheel.serving.deciding.lists import places_of
from tidewheel.serving.deciding.shortlist import columns_of, shortlist
from tidewheel.workspace.naming import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidewheel.collect import History
    from tidewheel.runtime.stores import Stores

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

PREFIX = "_cut."
"""Begins what a row's columns are called that are read for the cut."""
RULE, VECTOR = f"{PREFIX}rule", f"{PREFIX}vector"


class Cutting(NamedTuple):
    """How a service cuts its lists.

    Attributes
    ----------
    graph : Graph
        What the service was frozen with.
    service : Service
    """

    graph: ir.Graph
    service: ir.Service

    @property
    def ranking(self) -> ir.Ranking:
        """What the service has of a list."""
        assert self.service.ranking is not None
        return self.service.ranking

    @property
    def names(self) -> list[str]:
        """The columns that `read` adds to rows."""
        items = (
            [f"{PREFIX}{column.name}" for column in self.service.item_view.columns] if self.service.item_view else []
        )
        rules = [RULE] if self.service.rule_view is not None else []
        return [*rules, *items, *([VECTOR] if self.ranking.top.vector else [])]

    def told(self) -> str:
        """Return what a run's name is made of besides the rows."""
        return msgspec.json.encode((self.ranking.top, self.service.rules)).decode()

    def read(self, history: History, rows: pa.Table) -> pa.Table:
        """Return rows of items with what the cut reads of them, as of their instants."""
        service = self.service
        added: dict[str, pa.Array | Ints] = {}
        if service.rule_view is not None:
            added[RULE] = self._rules(history, rows)
        if service.item_view is not None:
            words = compute_view(history, self.graph, plan_view(self.graph, service.item_view), rows).words
            for name, place in ((name, place) for name, (place, _) in self._places().items()):
                added[f"{PREFIX}{name}"] = np.ascontiguousarray(words[:, place]).view(np.int64)
        if self.ranking.top.vector:
            added[VECTOR] = self._vectors(history, rows)
        for name, column in added.items():
            # Slices keep what no event declares as text.
            rows = rows.append_column(name, pa.chunked_array([column]).cast(pa.string()))
        return rows

    def _places(self) -> dict[str, tuple[int, bool]]:
        view = self.service.item_view
        return places_of(None if view is None else plan_view(self.graph, view))

    def _rules(self, history: History, rows: pa.Table) -> Ints:
        """Return which of the service's rules decides each row's request, -1 for none."""
        view = self.service.rule_view
        assert view is not None
        plan = plan_view(self.graph, view)
        words = compute_view(history, self.graph, plan, rows).words
        fired = np.column_stack([words[:, plan.names.index(rule.column)] == 1.0 for rule in self.service.rules])
        return np.where(fired.any(axis=1), fired.argmax(axis=1), -1)

    def _vectors(self, history: History, rows: pa.Table) -> pa.Array:
        """Return the packed vectors of the items, as they were known then."""
        each = next(
            view.each for view in (self.service.item_view, self._model_view()) if view is not None and view.each
        )
        graph = msgspec.structs.replace(self.graph, groups=(attributes_of(self.graph, each.target),))
        column = ir.ViewColumn(VECTOR, ir.Col((each.key, self.ranking.top.vector)), text=True)
        view = msgspec.structs.replace(self._model_view(), lookups=(), columns=(column,))
        return one_array(read_view(history, graph, view, rows)[VECTOR])

    def _model_view(self) -> ir.View:
        model = find(self.graph.models, self.service.model, "model")
        found: ir.View = find(self.graph.views, model.view, "view")
        return found

    def decisions(self, rows: pa.Table) -> list[str | None]:
        """Return what the service's rules decide of each row's request; null where the list is the answer."""
        if RULE not in rows.column_names:
            return [None] * len(rows)
        rules = self.service.rules
        return [None if place < 0 else rules[place].then for place in _ints(rows[RULE]).tolist()]

    def ranks(self, requests: pa.ChunkedArray, items: pa.ChunkedArray, rows: pa.Table, scores: Floats) -> pa.Array:
        """Return the place of each item in its request's list, null for those that do not stand in it."""
        ids, found = items.to_pylist(), np.zeros(len(rows), np.int64)
        decided = np.array([decision is not None for decision in self.decisions(rows)], np.bool_)
        for places in _lists(requests, rows["_arrived"].to_numpy(), ids):
            if not decided[places[0]]:
                chosen = self._cut([ids[place] for place in places], rows.take(places), scores[places])
                found[places[chosen]] = np.arange(1, len(chosen) + 1)
        return pa.array(found, mask=found == 0)

    def _cut(self, ids: Sequence[str], rows: pa.Table, scores: Floats) -> list[int]:
        top, places = self.ranking.top, self._places()
        words = np.empty((len(ids), len(places)))
        for name, (place, _) in places.items():
            words[:, place] = _ints(rows[f"{PREFIX}{name}"]).view(np.float64)
        vectors = None
        if top.vector:
            target = find(self.graph.sources, self.ranking.target, "source")
            size = next(column.size for column in target.columns if column.name == top.vector)
            packed = np.array([*rows[VECTOR].to_pylist(), None], object)[:-1]
            vectors = VectorIndex(ids, unpack_vectors(packed, size)).rows(ids)
        return shortlist(top, ids, scores, columns_of(top, words, places), vectors).chosen


def cutting_of(stores: Stores, graph: ir.Graph, name: str, version: str, view: ir.View) -> Cutting | None:
    """Return how a service cuts the lists that a version orders, as it is deployed, else as it is declared.

    None where `name` is "", or the rows are no items.

    Raises
    ------
    InputError
        It answers with no list of such rows by this model alone.
    """
    if not name or view.each is None:
        return None
    deployed = find_deployment(stores.catalog, name)
    service: ir.Service = find(graph.services, name, "service")
    if deployed is not None and deployed.service_version:
        frozen = load_service(stores.catalog, deployed.service_version)
        graph, service = frozen.graph, frozen.service
    model = version.partition("@")[0]
    if service.ranking is None or service.combine is not None or service.model != model or service.on != view.on:
        raise InputError(
            f"{name} does not answer a {view.on} with lists that {model} alone orders",
            where="--service",
            remedy="leave out --service: `rank` is then the place by this score",
        )
    return Cutting(graph, service)


def _ints(column: pa.ChunkedArray) -> Ints:
    found: Ints = column.cast(pa.int64()).to_numpy()
    return found


def _lists(requests: pa.ChunkedArray, instants: Ints, ids: Sequence[str]) -> Iterator[Ints]:
    """Yield the rows of each list, an item once."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for place, (request, instant, id) in enumerate(zip(requests.to_pylist(), instants.tolist(), ids, strict=True)):
        found.setdefault((request, instant), {}).setdefault(id, place)
    for places in found.values():
        yield np.array(list(places.values()), np.int64)
