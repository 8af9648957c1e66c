"""Lineage: from each raw column to the deployed models that use it, and back. Read off the graph, never filled in.

A node is a column (``Transaction.amount``), a feature (``CardHistory.spent_1d``), a view's column, a model, a
version (``Fraud@3``) or a service; an edge leads from what is read to what is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tidewheel.definitions import ir, views_beside, views_of
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.labels import labels_of, told_by
from tidewheel.definitions.views.each import origin
from tidewheel.errors import NotFoundError


class Tree(msgspec.Struct, frozen=True):
    """A node, with what follows from it or what it is made of; what stood further up already has no children."""

    name: str
    kind: str
    children: list[Tree] = []
    repeated: bool = False


class Lineage(msgspec.Struct, frozen=True):
    """What one thing is made of (`upstream`), and what is made of it (`downstream`)."""

    name: str
    kind: str
    upstream: list[Tree]
    downstream: list[Tree]


class LineageGraph:
    """All edges of a project's declarations, of its versions and of what is deployed.

    Parameters
    ----------
    graph : Graph
    versions : mapping, optional
        Model of each version, by the version's name.
    deployed : mapping, optional
        Versions that each service serves.
    parents : mapping, optional
        Versions that each version learned from.

    Examples
    --------
    >>> card = ir.Source("Card", (ir.Column("id", "id"),), entity=True)
    >>> sale = ir.Source("Sale", (ir.Column("card", "ref", "Card"), ir.Column("amount", "float")))
    >>> spent = ir.Aggregate("sum", "Sale", (("card",),), ir.Col(("amount",)), window=86_400_000_000)
    >>> group = ir.Group("Lately", ("Card",), (ir.FeatureColumn("spent", spent),))
    >>> lineage = LineageGraph(ir.Graph((card, sale), (group,)))
    >>> [tree.name for tree in lineage.of("Sale.amount").downstream]
    ['Lately.spent']
    >>> [tree.name for tree in lineage.of("Lately").upstream]
    ['Sale.amount', 'Sale.card']
    """

    def __init__(
        self,
        graph: ir.Graph,
        versions: Mapping[str, str] | None = None,
        deployed: Mapping[str, Iterable[str]] | None = None,
        parents: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._sources = {source.name: source for source in graph.sources}
        self.kinds: dict[str, str] = {}
        self._down: dict[str, set[str]] = {}
        self._up: dict[str, set[str]] = {}
        self._members: dict[str, list[str]] = {}
        for source in graph.sources:
            self._container(source.name, "entity" if source.entity else "event", [c.name for c in source.columns])
        for group in graph.groups:
            if not group.attributes:
                self._group(group)
        views = {view.name: view for view in graph.views}
        for view in views.values():
            self._view(view)
        for model in graph.models:
            self._model(model)
        for service in graph.services:
            self._service(service)
        for version, model_name in (versions or {}).items():
            self._edge(model_name, version, "version")
        for version, learned_from in (parents or {}).items():
            for parent in learned_from:
                self.kinds.setdefault(parent, "version")
                self._edge(parent, version, "version")
        for service_name, served in (deployed or {}).items():
            for version in served:
                self._edge(version, service_name, "service")

    def of(self, name: str) -> Lineage:
        """Return the lineage of a class, or of one of its columns.

        Raises
        ------
        NotFoundError
            The project has nothing of this name.
        """
        if name not in self.kinds:
            raise NotFoundError(f"the project has no '{name}'", remedy=likely(name, self.kinds))
        return Lineage(name, self.kinds[name], self._trees(name, self._up), self._trees(name, self._down))

    def sources_of(self, name: str) -> set[str]:
        """Return the raw columns that a node is made of."""
        found, queue = set(), [name, *self._members.get(name, ())]
        seen = set(queue)
        while queue:
            above = self._up.get(queue.pop(), set()) - seen
            seen |= above
            queue += above
            found |= {node for node in above if self.kinds[node] == "column"}
        return found

    def users_of(self, name: str) -> list[str]:
        """Return the classes and versions that use a class or a column of it, sorted."""
        queue = [name, *self._members.get(name, ())]
        seen = set(queue)
        while queue:
            below = self._down.get(queue.pop(), set()) - seen
            seen |= below
            queue += below
        owners = {node.partition(".")[0] if self.kinds[node] in ("feature", "view column") else node for node in seen}
        return sorted(owners - {name, *self._members.get(name, ())})

    def _trees(self, name: str, edges: dict[str, set[str]]) -> list[Tree]:
        members = self._members.get(name, [])
        shown = {name, *members}
        first = {node for start in (name, *members) for node in edges.get(start, ())} - shown
        return [self._tree(node, edges, shown) for node in sorted(first)]

    def _tree(self, name: str, edges: dict[str, set[str]], shown: set[str]) -> Tree:
        if name in shown:
            return Tree(name, self.kinds[name], repeated=bool(edges.get(name)))
        shown.add(name)
        return Tree(name, self.kinds[name], [self._tree(node, edges, shown) for node in sorted(edges.get(name, ()))])

    def _container(self, name: str, kind: str, columns: Iterable[str], of: str = "column") -> None:
        self.kinds[name] = kind
        self._members[name] = [f"{name}.{column}" for column in columns]
        for member in self._members[name]:
            self.kinds[member] = of

    def _edge(self, above: str, below: str, kind: str) -> None:
        self.kinds.setdefault(below, kind)
        if above in self.kinds and above != below:
            self._down.setdefault(above, set()).add(below)
            self._up.setdefault(below, set()).add(above)

    def _group(self, group: ir.Group) -> None:
        self._container(group.name, "features", [feature.name for feature in group.features], "feature")
        for feature in group.features:
            here = f"{group.name}.{feature.name}"
            root = feature.value.source if isinstance(feature.value, ir.Aggregate) else ""
            for leaf in leaves(feature.value):
                if isinstance(leaf, ir.Feature):
                    self._edge(f"{group.name}.{leaf.name}", here, "feature")
                elif isinstance(leaf, ir.Col):
                    self._edges_along(root, leaf.path, here)
            if isinstance(feature.value, ir.Aggregate):
                for path in feature.value.keys:
                    self._edges_along(root, path, here)

    def _view(self, view: ir.View, owner: str = "") -> None:
        """Add a view's columns; with `owner`, a service's rules, lead to it directly."""
        groups = {lookup.alias: lookup.group for lookup in view.lookups}
        if not owner:
            self._container(view.name, "view", [column.name for column in view.columns], "view column")
        for column in view.columns:
            here = owner or f"{view.name}.{column.name}"
            for leaf in leaves(column.value):
                if isinstance(leaf, ir.Feature):
                    self._edge(f"{groups.get(leaf.alias, '')}.{leaf.name}", here, "view column")
                elif isinstance(leaf, ir.Computed) and not owner:
                    self._edge(f"{view.name}.{leaf.name}", here, "view column")
                elif isinstance(leaf, ir.Score):
                    self.kinds.setdefault(leaf.model, "model")
                    self._edge(leaf.model, here, "view column")
                elif isinstance(leaf, ir.Col):
                    self._edges_along(*origin(view, leaf.path), here)

    def _model(self, model: ir.Model) -> None:
        self.kinds[model.name] = "model"
        for column in self._members.get(model.view, []):
            self._edge(column, model.name, "model")
        for label in labels_of(model):
            for source, path, item in told_by(label):
                self._edges_along(source, path, model.name)
                self._edges_along(source, item, model.name)
            for leaf in leaves(label):
                if isinstance(leaf, ir.Col):
                    self._edges_along(label.source, leaf.path, model.name)
        for view in views_beside(model):
            self._view(view, model.name)

    def _service(self, service: ir.Service) -> None:
        self.kinds[service.name] = "service"
        for view in views_of(service):
            self._view(view, service.name)

    def _edges_along(self, source: str, path: ir.Path, below: str) -> None:
        """Add an edge from each column that a path goes through."""
        for name in path:
            column = self._sources[source].column(name) if source in self._sources else None
            if column is None:
                return
            self._edge(f"{source}.{name}", below, "column")
            source = column.target or ""


def leaves(node: Any) -> Iterator[ir.Col | ir.Feature | ir.Computed | ir.Score]:
    """Yield the columns and features that a part of a graph names, wherever they stand in it."""
    if isinstance(node, ir.Col | ir.Feature | ir.Computed | ir.Score):
        yield node
    elif isinstance(node, msgspec.Struct):
        for name in node.__struct_fields__:
            yield from leaves(getattr(node, name))
    elif isinstance(node, tuple | list):
        for item in node:
            yield from leaves(item)
