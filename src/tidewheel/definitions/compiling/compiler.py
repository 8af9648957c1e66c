"""From declarations to the frozen graph."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TypeVar, cast

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.combine import check_chains
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.discovery import declared_in, reach
from tidewheel.definitions.compiling.expectations import compile_suite
from tidewheel.definitions.compiling.groups import compile_group
from tidewheel.definitions.compiling.models import compile_model
from tidewheel.definitions.compiling.retention import check_kept
from tidewheel.definitions.compiling.services import compile_service
from tidewheel.definitions.compiling.sources import check_targets, refs_marked, source_of
from tidewheel.definitions.compiling.ticks import compile_tick
from tidewheel.definitions.compiling.views import ViewCompiler
from tidewheel.definitions.events.expectations import Suite
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.events.ticks import Tick
from tidewheel.definitions.features.features import Features
from tidewheel.definitions.language.declared import place_of
from tidewheel.definitions.language.places import place, short
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.projects.graphs import reachable
from tidewheel.definitions.services.services import Service
from tidewheel.definitions.views.views import View
from tidewheel.errors import DefinitionError

Node = TypeVar("Node", ir.Source, ir.Group, ir.View, ir.Model, ir.Service)


def compile_module(module: ModuleType) -> ir.Graph:
    """Return the frozen form of a module's declarations.

    All events and entities are part of it. Groups and views are when a service or model reaches them,
    or when the module has neither; the others are checked all the same.

    Parameters
    ----------
    module : module
        A module whose declarations are its own or imported.

    Raises
    ------
    DefinitionError
        Naming file, line, class and attribute of each mistake, and the remedy.
    """
    file = getattr(module, "__file__", None) or ""
    _check_twice_declared(file)
    graph = _compile(tuple(declared_in(vars(module).values())), os.path.dirname(os.path.abspath(file)) if file else "")
    live = [*(model.name for model in graph.models), *(service.name for service in graph.services)]
    if not live:
        return graph
    chosen = [tick.where for tick in graph.ticks if tick.where is not None]
    return msgspec.structs.replace(reachable(graph, live, chosen), sources=graph.sources, ticks=graph.ticks)


def compile_declarations(*classes: type) -> ir.Graph:
    """Return the frozen form of some declarations and of all they name.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    >>> class Lately(tw.Features, by=Card):
    ...     payments = tw.count(Payment, "1d")
    >>> graph = compile_declarations(Lately)
    >>> [source.name for source in graph.sources], [group.name for group in graph.groups]
    (['Card', 'Payment'], ['Lately'])
    """
    found = declared_in(classes)
    if len(found) != len(classes):
        wrong = next(value for value in classes if value not in found)
        raise DefinitionError(f"{wrong!r} is no declaration", remedy="give tw.Event, tw.Features, ... classes")
    return _compile(tuple(found), "")


def _compile(classes: tuple[type, ...], root: str) -> ir.Graph:
    context = Context(root=root)
    found = reach(classes, context.problems)
    _compile_rows(context, found[Row])
    for suite in found[Suite].values():
        compile_suite(context, suite)
    context.problems.raise_found()
    for group in found[Features].values():
        compile_group(context, group)
    context.problems.raise_found()
    for view in found[View].values():
        ViewCompiler(context, view).compile()
    context.problems.raise_found()
    for model in found[Model].values():
        compile_model(context, model)
    context.problems.raise_found()
    check_chains(context, found[View])
    context.problems.raise_found()
    for cls in found[Row].values():
        if issubclass(cls, Tick):
            with context.problems.at(place_of(cls)):
                context.ticks.append(compile_tick(context, cls))
    for name, cls in found[Row].items():
        with context.problems.at(place_of(cls)):
            check_kept(context.sources[name], context.sources, context.groups.values(), context.models.values())
    context.problems.raise_found()
    services = cast("list[type[Service]]", list(found[Service].values()))
    for service in services:
        if service._on is not None or not any(service in other.__mro__[1:] for other in services):
            compile_service(context, service)  # one for no event that others inherit from is none itself
    context.problems.raise_found()
    return _graph(context)


def _compile_rows(context: Context, classes: Mapping[str, type]) -> None:
    for name, cls in classes.items():
        context.sources[name] = source_of(cls, classes, context.problems)
    context.problems.raise_found()
    check_targets(context.sources, classes, context.problems)
    context.problems.raise_found()
    context.sources.update({name: refs_marked(source, context.sources) for name, source in context.sources.items()})


def _graph(context: Context) -> ir.Graph:
    groups = {**{group.name: group for group in context.groups.values()}, **context.attributes}
    return ir.Graph(
        sources=_sorted(context, context.sources.values()),
        groups=_sorted(context, groups.values()),
        views=_sorted(context, context.views.values()),
        models=_sorted(context, context.models.values()),
        services=_sorted(context, context.services.values()),
        ticks=tuple(sorted(context.ticks, key=lambda tick: tick.name)),
    )


def _sorted(context: Context, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return nodes by name, their files relative to the project."""
    return tuple(sorted((_placed(context, node) for node in nodes), key=lambda node: node.name))


def _placed(context: Context, node: Node) -> Node:
    if isinstance(node, ir.Service):
        own = {name: getattr(node, name) for name in ("rule_view", "score_view", "candidate_view", "item_view")}
        placed = {name: _placed(context, view) for name, view in own.items() if view is not None}
        node = msgspec.structs.replace(node, **placed)
    return msgspec.structs.replace(node, file=relative(node.file, context.root))


def relative(file: str, root: str) -> str:
    """Return a file's path below the project's folder, or its name alone: no path of this machine."""
    if not file:
        return ""
    below = os.path.relpath(file, root) if root else os.pardir
    return os.path.basename(file) if below.startswith(os.pardir) else below


def _check_twice_declared(file: str) -> None:
    """Refuse two top-level classes of one name: the second would silently replace the first."""
    if not file.endswith(".py"):
        return
    with open(file, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    lines: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            if node.name in lines:
                raise DefinitionError(
                    f"the class is declared a second time, first at {short(file)}:{lines[node.name]}",
                    where=place(file, node.lineno, node.name),
                    remedy="rename one of the two",
                )
            lines[node.name] = node.lineno
