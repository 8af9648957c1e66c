"""Hashes of definitions, what one reaches, and what changed between two projects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.requests import kept_for
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.labels import tellers_of
from tidewheel.definitions.views.each import row_source
from tidewheel.errors import NotFoundError

Node: TypeAlias = ir.Source | ir.Group | ir.View | ir.Model | ir.Service
_FOR_PEOPLE = frozenset({"doc", "file", "line", "owner"})
_ANY_ORDER: dict[str, tuple[str, ...]] = {
    "Source": ("columns", "expects"),
    "Group": ("features",),
    "View": ("lookups",),  # columns keep theirs: a decision's row of words stands in it
    "Model": ("gates",),
    "Service": ("prevents",),
    "Graph": ("sources", "groups", "views", "models", "services"),
}


def canonical(node: msgspec.Struct) -> str:
    """Return a node as JSON without what is for people (docs, file, line, owner), in an order of its own."""
    return _json(_canonical(msgspec.to_builtins(node)))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _canonical(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _canonical(item) for key, item in value.items() if key not in _FOR_PEOPLE}
    for key in _ANY_ORDER.get(value.get("type", ""), ()):
        if key in kept:
            kept[key] = sorted(kept[key], key=_json)
    return kept


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest(node: msgspec.Struct) -> str:
    """Return the content hash of a declaration: 16 hex digits that docs, place and order do not change.

    Examples
    --------
    >>> one = ir.Source("Card", (ir.Column("id", "id"),), entity=True, doc="A card.")
    >>> digest(one) == digest(msgspec.structs.replace(one, doc="", line=7))
    True
    """
    return _hash(canonical(node))


def canonical_aggregates(group: ir.Group) -> tuple[ir.Aggregate, ...]:
    """Return the different aggregates of past rows that a group keeps, in an order that names do not change."""
    declared = [feature.value for feature in group.features if isinstance(feature.value, ir.Aggregate)]
    different = {kept for aggregate in declared for kept in kept_for(aggregate)}
    return tuple(sorted(different, key=msgspec.json.encode))


def state_id(group: ir.Group) -> str:
    """Return the name of a group's state: a hash of its aggregates and the number of its key parts.

    Names and order do not count, so renaming a feature or a group keeps its state; so do expressions,
    which are computed at a read.
    """
    aggregates = [msgspec.json.encode(aggregate).decode() for aggregate in canonical_aggregates(group)]
    return _hash(_json([len(group.by), aggregates]))


class Change(msgspec.Struct, frozen=True):
    """One difference between two projects."""

    kind: Literal["added", "removed", "changed"]
    name: str
    what: str
    """``event``, ``entity``, ``features``, ``view``, ``model``, ``service`` or ``tick``."""


def nodes_of(graph: ir.Graph) -> Iterator[tuple[str, Node]]:
    """Yield each declaration of a graph with what it is, in the order in which data flows."""
    for source in graph.sources:
        yield "entity" if source.entity else "event", source
    for group in graph.groups:
        yield "attributes" if group.attributes else "features", group
    for what, nodes in (("view", graph.views), ("model", graph.models), ("service", graph.services)):
        for node in nodes:
            yield what, node


def views_of(service: ir.Service) -> tuple[ir.View, ...]:
    """Return a service's own views: of its rules, its score, its candidates, and what it cuts lists by."""
    views = (service.rule_view, service.score_view, service.candidate_view, service.item_view)
    return tuple(view for view in views if view is not None)


def views_beside(model: ir.Model) -> tuple[ir.View, ...]:
    """Return the views that a model reads of its rows beside its own: whether they count, and what they weigh."""
    return tuple(view for view in (model.where, model.weights) if isinstance(view, ir.View))


def diff(old: ir.Graph, new: ir.Graph) -> list[Change]:
    """Return what was added, removed or changed, in the order in which data flows.

    Examples
    --------
    >>> card = ir.Source("Card", (ir.Column("id", "id"),), entity=True)
    >>> diff(ir.Graph(), ir.Graph(sources=(card,)))
    [Change(kind='added', name='Card', what='entity')]
    """
    before = {(what, node.name): digest(node) for what, node in nodes_of(old)}
    after = {(what, node.name): digest(node) for what, node in nodes_of(new)}
    changes = []
    for what, name in dict.fromkeys([*before, *after]):
        was, now = before.get((what, name)), after.get((what, name))
        if was != now:
            kind: Literal["added", "removed", "changed"] = "changed" if was and now else "added" if now else "removed"
            changes.append(Change(kind, name, what))
    return [*changes, *_ticks_changed(old, new)]


def _ticks_changed(old: ir.Graph, new: ir.Graph) -> Iterator[Change]:
    """Yield the ticks that are made at other times, or for others; their events are told of already."""
    before = {tick.name: digest(tick) for tick in old.ticks}
    for tick in new.ticks:
        if before.get(tick.name, digest(tick)) != digest(tick):
            yield Change("changed", tick.name, "tick")


def reachable(graph: ir.Graph, names: Iterable[str], views: Iterable[ir.View] = ()) -> ir.Graph:
    """Return the part of a graph that some services, models, views or groups need: what a bundle carries.

    `views` are more of them, which the graph need not hold itself. Ticks are none of it: they only make events.

    Raises
    ------
    NotFoundError
        When the graph has nothing of such a name.
    """
    reach = _Reach(graph)
    for name in names:
        reach.name(name)
    for view in views:
        reach.view(view)
    return ir.Graph(
        sources=tuple(node for node in graph.sources if node.name in reach.sources),
        groups=tuple(node for node in graph.groups if (node.name, node.attributes) in reach.groups),
        views=tuple(node for node in graph.views if node.name in reach.views),
        models=tuple(node for node in graph.models if node.name in reach.models),
        services=tuple(node for node in graph.services if node.name in reach.services),
    )


class _Reach:
    def __init__(self, graph: ir.Graph) -> None:
        self._sources = {node.name: node for node in graph.sources}
        self._groups = {(node.name, node.attributes): node for node in graph.groups}
        self._views = {node.name: node for node in graph.views}
        self._models = {node.name: node for node in graph.models}
        self._services = {node.name: node for node in graph.services}
        self.sources: set[str] = set()
        self.groups: set[tuple[str, bool]] = set()
        self.views: set[str] = set()
        self.models: set[str] = set()
        self.services: set[str] = set()

    def name(self, name: str) -> None:
        if name in self._services:
            self._service(self._services[name])
        if name in self._models:
            self._model(name)
        if name in self._views:
            self.views.add(name)
            self.view(self._views[name])
        if (name, False) in self._groups:
            self._group((name, False))
        known = {*self._services, *self._models, *self._views, *(group for group, _ in self._groups)}
        if name not in known:
            raise NotFoundError(f"the project declares no '{name}'", remedy=likely(name, known))

    def _service(self, service: ir.Service) -> None:
        self.services.add(service.name)
        self._source(service.on)
        for name in (*service.members, *(link.model for link in service.fallback if link.kind == "model")):
            self._model(name)
        for view in views_of(service):
            self.view(view)
        if service.ranking is not None:
            if (service.ranking.target, True) in self._groups:
                self._group((service.ranking.target, True))
            for candidates in (live for one in service.ranking.candidates for live in one.sources()):
                if candidates.group:
                    self._group((candidates.group, False))

    def _model(self, name: str) -> None:
        model = self._models[name]
        self.models.add(name)
        for source in tellers_of(model):
            self._source(source)
        self.views.add(model.view)
        self.view(self._views[model.view])
        for view in views_beside(model):
            self.view(view)

    def view(self, view: ir.View) -> None:
        self._source(view.on)
        if view.each is not None:
            self._source(view.each.source)
        on = row_source(self._sources, view)
        for lookup in view.lookups:
            self._group((lookup.group, False))
        for column in view.columns:
            if isinstance(column.value, ir.Score):
                self._model(column.value.model)
            for path in paths_in(column.value):
                named = on.column(path[0])
                if len(path) > 1 and named is not None and (named.target, True) in self._groups:
                    self._group((str(named.target), True))

    def _group(self, key: tuple[str, bool]) -> None:
        self.groups.add(key)
        for aggregate in canonical_aggregates(self._groups[key]):
            self._source(aggregate.source)

    def _source(self, name: str) -> None:
        """Add a source and what its references point at."""
        if name in self._sources and name not in self.sources:
            self.sources.add(name)
            for column in self._sources[name].columns:
                if column.target is not None:
                    self._source(column.target)


def paths_in(value: ir.Expr | ir.Derived) -> Iterator[ir.Path]:
    """Yield the paths of the row's own columns that an expression reads."""
    if isinstance(value, ir.Col):
        yield value.path
    elif isinstance(value, ir.Call | ir.Derived):
        for arg in value.args:
            yield from paths_in(arg)
