"""A view as it is computed: the states a row reads, and its columns as nodes over them.

Nothing here knows positions yet: `programs.assemble` lays several plans out together, so that
a service's rules, champion and challenger are one read and one program.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidewheel.definitions import attribute_group, ir, row_source
from tidewheel.errors import DefinitionError
from tidewheel.features.planning.group import PAST, GroupPlan, check_key, column_kind, plan_group
from tidewheel.features.planning.nodes import is_text, leaves, to_node
from tidewheel.kernel import Node

StateKey = tuple[str, tuple[ir.Path, ...], int]


@dataclass(frozen=True, eq=False)
class StateRead:
    """One entity state that a row reads: which group, and the row's columns that name the entity.

    `request` is the number of the feed as whose event the row is folded into what is read, or `PAST`.
    """

    plan: GroupPlan
    keys: tuple[ir.Path, ...]
    request: int = PAST

    @property
    def id(self) -> StateKey:
        """What makes two reads the same one."""
        return (self.plan.state_id, self.keys, self.request)


@dataclass(frozen=True)
class DerivedCall:
    """A derived function with its arguments as nodes; a string argument or result is marked text.

    With a `size` it is none of the user's: it takes a vector's text and gives so many numbers.
    """

    name: str
    source: str
    args: tuple[Node, ...]
    arg_texts: tuple[bool, ...]
    text: bool
    size: int = 0


@dataclass(frozen=True, eq=False)
class ViewPlan:
    """How one view's row is made.

    `nodes` has one node per column, over symbols ``("col", path)``, ``("state", read, output)``
    with `read` counting in `reads`, and ``("derived", name)``.
    """

    view: ir.View
    reads: tuple[StateRead, ...]
    inputs: dict[ir.Path, bool]
    """Paths of the row that nodes and requests read, each with whether it is a string."""
    nodes: tuple[Node, ...]
    derived: dict[str, DerivedCall]
    names: tuple[str, ...]
    texts: tuple[bool, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the event's columns that a read needs: inputs and keys, ``at`` left out unless declared."""
        paths = [*self.inputs, *(path for read in self.reads for path in read.keys)]
        return tuple(dict.fromkeys(path[0] for path in paths))


def plan_view(graph: ir.Graph, view: ir.View) -> ViewPlan:
    """Plan a view of `graph`.

    Raises
    ------
    DefinitionError
        When a path goes on beyond what a view can read of a row.
    """
    return _ViewPlanner(graph, view).plan()


def plan_group_alone(graph: ir.Graph, group: ir.Group) -> ViewPlan:
    """Plan a group as a view of its own: its features, for rows that hold its key parts.

    The rows' columns are named as the group's `by`.
    """
    plan = plan_group(graph, group)
    names = tuple(feature.name for feature in group.features)
    columns = tuple(ir.ViewColumn(name, ir.Feature("", name), plan.is_text(name)) for name in names)
    return ViewPlan(
        view=ir.View(group.name, group.name, (), columns),
        reads=(StateRead(plan, tuple((part,) for part in group.by)),),
        inputs={},
        nodes=tuple(plan.node(name) for name in names),
        derived={},
        names=names,
        texts=tuple(column.text for column in columns),
    )


class _ViewPlanner:
    def __init__(self, graph: ir.Graph, view: ir.View) -> None:
        self._view = view
        self._graph = graph
        self._sources = {source.name: source for source in graph.sources}
        self._groups = {group.name: group for group in graph.groups if not group.attributes}
        self._attributes = {group.by[0]: group for group in graph.groups if group.attributes}
        self._on = row_source(self._sources, view)
        self._columns = {column.name: column for column in view.columns}
        self._lookups = {lookup.alias: lookup for lookup in view.lookups}
        self._reads: dict[StateKey, StateRead] = {}
        self._plans: dict[str, GroupPlan] = {}
        self._derived: dict[str, DerivedCall] = {}

    def plan(self) -> ViewPlan:
        nodes = tuple(self._column_node(column.name) for column in self._view.columns)
        args = [arg for call in self._derived.values() for arg in call.args]
        paths = dict.fromkeys(leaf[1] for node in (*nodes, *args) for leaf in leaves(node) if leaf[0] == "col")
        for read in self._reads.values():
            if read.request != PAST:
                paths.update(dict.fromkeys(read.plan.feeds[read.request].inputs))
        return ViewPlan(
            view=self._view,
            reads=tuple(self._reads.values()),
            inputs={path: self._path_is_text(path) for path in paths},
            nodes=nodes,
            derived=self._derived,
            names=tuple(column.name for column in self._view.columns),
            texts=tuple(column.text for column in self._view.columns),
        )

    def _column_node(self, name: str) -> Node:
        column = self._columns[name]
        if not isinstance(column.value, ir.Derived):
            return to_node(column.value, self._leaf)
        if name not in self._derived:
            args = tuple(to_node(arg, self._leaf) for arg in column.value.args)
            texts = tuple(is_text(arg, self._leaf_is_text) for arg in column.value.args)
            self._derived[name] = DerivedCall(column.value.name, column.value.source, args, texts, column.text)
        return ("derived", name)

    def _leaf(self, expr: ir.Expr) -> Node:
        if isinstance(expr, ir.Computed):
            return self._column_node(expr.name)
        if isinstance(expr, ir.Feature):
            lookup = self._lookups[expr.alias]
            plan = self._plan(self._groups[lookup.group])
            row = (self._view.on, lookup.keys)
            return plan.node(expr.name, lambda request: self._read(plan, lookup.keys, request), row)
        if isinstance(expr, ir.Score):
            return ("const", None)  # whoever has the model puts its score there
        assert isinstance(expr, ir.Col)
        if len(expr.path) == 1:
            return ("col", expr.path)
        plan = self._attributes_plan(expr.path)
        return plan.node(expr.path[-1], lambda request: self._read(plan, (expr.path[:-1],), request))

    def _leaf_is_text(self, expr: ir.Expr) -> bool:
        if isinstance(expr, ir.Computed):
            value = self._columns[expr.name].value
            return (
                self._columns[expr.name].text if isinstance(value, ir.Derived) else is_text(value, self._leaf_is_text)
            )
        if isinstance(expr, ir.Feature):
            return self._plan(self._groups[self._lookups[expr.alias].group]).is_text(expr.name)
        return isinstance(expr, ir.Col) and self._path_is_text(expr.path)

    def _path_is_text(self, path: ir.Path) -> bool:
        if len(path) > 1:
            return self._attributes_plan(path).is_text(path[-1])
        return column_kind(self._sources, self._on, path) in ir.TEXT_KINDS

    def _plan(self, group: ir.Group) -> GroupPlan:
        key = f"{group.attributes}:{group.name}"
        if key not in self._plans:
            self._plans[key] = plan_group(self._graph, group)
        return self._plans[key]

    def _read(self, plan: GroupPlan, keys: tuple[ir.Path, ...], request: int) -> int:
        for path in keys:
            if len(path) > 1:
                raise self._too_far(path)
            check_key(self._sources, self._on, path)
        past, read = StateRead(plan, keys), StateRead(plan, keys, request)
        self._reads.setdefault(past.id, past)  # in any case: decisions record what was read, and requests are not
        self._reads.setdefault(read.id, read)
        return list(self._reads).index(read.id)

    def _attributes_plan(self, path: ir.Path) -> GroupPlan:
        return self._plan(self._attributes_of(path))

    def _attributes_of(self, path: ir.Path) -> ir.Group:
        column = self._on.column(path[0])
        target = self._sources.get(column.target or "") if column else None
        if target is None or not target.entity or len(path) != 2:
            raise self._too_far(path)
        return self._attributes.get(target.name) or attribute_group(target)

    def _too_far(self, path: ir.Path) -> DefinitionError:
        return DefinitionError(
            f"'{self._view.on}.{'.'.join(path)}' is not an attribute of an entity the row refers to",
            where=f"{self._view.file}:{self._view.line} {self._view.name}",
            remedy="a view reads its row's own columns, attributes of entities it names, and features",
        )
