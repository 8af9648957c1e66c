"""Compiles ``tw.View`` classes and the conditions of a service's rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import cast

from tidewheel.definitions import ir
from tidewheel.definitions.capture import capture
from tidewheel.definitions.columns import Aggregated, Column, Derived, Expression, FeatureOf, PathColumn
from tidewheel.definitions.context import Context
from tidewheel.definitions.declared import declared_names, place_of
from tidewheel.definitions.expressions import Type, Typed, lower
from tidewheel.definitions.features import Features, Lookup
from tidewheel.definitions.paths import KeyPart, given_path, path_to, type_of, walk
from tidewheel.definitions.places import likely
from tidewheel.definitions.rows import Event, Row
from tidewheel.definitions.views import View
from tidewheel.errors import DefinitionError


class RowScope:
    """What can be read for one row of an event: its columns, its entities' attributes, and groups.

    Groups are given an alias when they are first named; `lookups` is what has to be read.
    """

    def __init__(self, context: Context, on: ir.Source) -> None:
        self.context = context
        self.on = on
        self.lookups: dict[str, ir.Lookup] = {}
        self.groups: dict[str, type[Features]] = {}
        self._alias_of: dict[int, str] = {}
        self._plain: dict[type[Features], str] = {}

    def add(self, alias: str, group: type[Features], given: Lookup | None) -> None:
        """Read a group under an alias, by given keys or by the plain way to its key."""
        if given is not None:
            self._alias_of[id(given)] = alias
        else:
            self._plain[group] = alias
        self.groups[alias] = group
        self.lookups[alias] = ir.Lookup(alias, group.__name__, self._keys(group, given._keys if given else ()))

    def column(self, node: Column[object]) -> Typed | None:
        """Answer for what a row's expressions may name."""
        if isinstance(node, PathColumn):
            return self._path(node)
        if isinstance(node, FeatureOf):
            lookup = cast("Lookup", node._lookup)
            if id(lookup) not in self._alias_of:
                self.add(f"{lookup._group.__name__}.{len(self.lookups)}", lookup._group, lookup)
            return self._feature(self._alias_of[id(lookup)], node._feature)
        if isinstance(node._owner, type) and issubclass(node._owner, Features):
            return self._feature(self._plain_alias(node._owner), node._name)
        if isinstance(node, Aggregated):
            raise DefinitionError("an aggregate outside of a group", remedy="declare it in a tw.Features class")
        if isinstance(node, Derived):
            raise DefinitionError(
                f"'{node._name or node.fn.__name__}' is no column of this view", remedy="give it a name of its own here"
            )
        return None

    def _path(self, node: PathColumn) -> Typed:
        if node._root.__name__ != self.on.name:
            raise DefinitionError(
                f"{node._text()} is not known for a row of {self.on.name}",
                remedy=f"use columns of {self.on.name}; read other events through a tw.Features class",
            )
        place = walk(self.context.sources, self.on, node._names)
        if place.through:
            self._check_attribute(node, place.through)
        return Typed(ir.Col(place.path), type_of(place.column))

    def _check_attribute(self, node: PathColumn, through: tuple[ir.Source, ...]) -> None:
        if len(through) > 1 or not through[0].entity:
            raise DefinitionError(
                f"{node._text()} is not an attribute of an entity that the row refers to",
                remedy="a view reads its own columns, attributes of entities it names, and groups",
            )
        if node._names[-1] == "at":
            raise DefinitionError(f"{node._text()}: an entity's own time can't be read", remedy="add a datetime column")
        entity = through[0]
        self.context.attributes.setdefault(entity.name, attribute_group(entity))

    def _feature(self, alias: str, name: str) -> Typed:
        type = self.context.feature_types.get((self.groups[alias], name))
        if type is None:
            known = [feature for group, feature in self.context.feature_types if group is self.groups[alias]]
            raise DefinitionError(f"{self.groups[alias].__name__} has no feature '{name}'", remedy=likely(name, known))
        return Typed(ir.Feature(alias, name), type)

    def _plain_alias(self, group: type[Features]) -> str:
        """Return the alias under which a group named by its class is read."""
        if group in self._plain:
            return self._plain[group]
        named = [alias for alias, cls in self.groups.items() if cls is group]
        if len(named) > 1:
            raise DefinitionError(
                f"{group.__name__} is looked up {len(named)} times: {', '.join(named)}",
                remedy=f"say which: {named[0]}.…",
            )
        if named:
            return named[0]
        self.add(group.__name__, group, None)
        return group.__name__

    def _keys(self, group: type[Features], keys: tuple[object, ...]) -> tuple[ir.Path, ...]:
        parts = cast("tuple[KeyPart, ...]", self.context.parts[group])
        how = f"write tw.lookup({group.__name__}, {{}})"
        if keys and len(keys) != len(parts):
            texts = ", ".join(part.text for part in parts)
            raise DefinitionError(f"{len(keys)} keys are given, {group.__name__} is keyed by {len(parts)}: {texts}")
        paths = (
            [given_path(self.context.sources, self.on, part, key, how) for part, key in zip(parts, keys, strict=True)]
            if keys
            else [path_to(self.context.sources, self.on, part, how) for part in parts]
        )
        for path in paths:
            if len(path) > 1:
                raise DefinitionError(
                    f"the key {self.on.name}.{'.'.join(path)} is not on the row itself",
                    remedy=f"add a reference of its own to {self.on.name}",
                )
        return tuple(paths)


def attribute_group(entity: ir.Source) -> ir.Group:
    """Return an entity's implicit group: each of its columns as last written."""
    key = cast("str", entity.id_column)
    features = []
    for column in entity.columns:
        if column.name != key:
            text = column.kind in ir.TEXT_KINDS
            latest = ir.Aggregate("last", entity.name, ((key,),), ir.Col((column.name,)), text=text)
            features.append(ir.FeatureColumn(column.name, latest, text))
    return ir.Group(entity.name, (entity.name,), tuple(features), attributes=True)


class ViewCompiler:
    """Compiles one view: its lookups first, then its columns in order of declaration."""

    def __init__(self, context: Context, cls: type[View]) -> None:
        self.context = context
        self.cls = cls
        self.names = declared_names(cls, View)
        self.own = {id(value): name for name, value in self.names.items() if isinstance(value, Expression | Derived)}
        self.types: dict[str, Type] = {}

    def compile(self) -> None:
        """Add the view's frozen form to the context, its mistakes to the context's problems."""
        scope = None
        with self.context.problems.at(place_of(self.cls)):
            scope = RowScope(self.context, on_source(self.context, self.cls, self.cls._on))
            if View not in self.cls.__bases__:
                raise DefinitionError("a view can't extend another", remedy="list the columns in both")
        if scope is None:
            return
        for name, value in self.names.items():
            group = value if isinstance(value, type) and issubclass(value, Features) else None
            given = value if isinstance(value, Lookup) else None
            if group or given:
                with self.context.problems.at(place_of(self.cls, name)):
                    scope.add(name, group or cast("Lookup", given)._group, given)
        columns: list[ir.ViewColumn] = []
        for name, value in self.names.items():
            with self.context.problems.at(place_of(self.cls, name)):
                columns.extend(self._columns(scope, name, value))
        with self.context.problems.at(place_of(self.cls)):
            self._check(columns)
        self.context.views[self.cls] = ir.View(
            name=self.cls.__name__,
            on=scope.on.name,
            lookups=tuple(sorted(scope.lookups.values(), key=lambda lookup: lookup.alias)),
            columns=tuple(columns),
            doc=(self.cls.__doc__ or "").strip(),
            file=self.cls._file,
            line=self.cls._line,
        )

    def _columns(self, scope: RowScope, name: str, value: object) -> list[ir.ViewColumn]:
        if isinstance(value, Lookup) or (isinstance(value, type) and issubclass(value, Features)):
            group = self.context.groups[scope.groups[name]] if name in scope.groups else None
            features = group.features if group else ()
            return [ir.ViewColumn(f"{name}.{f.name}", ir.Feature(name, f.name), f.text) for f in features]
        if isinstance(value, Derived):
            return [ir.ViewColumn(name, self._derived(scope, name, value), value._text)]
        if isinstance(value, Column):
            typed = lower(value, self._leaf(scope, value))
            self.types[name] = typed.type
            return [ir.ViewColumn(name, typed.expr, typed.type == "text")]
        raise DefinitionError(*_not_a_column(name, value))

    def _leaf(self, scope: RowScope, whole: Column[object] | None) -> Callable[[Column[object]], Typed | None]:
        """Answer for columns; a part that is a column of this view itself is computed once and named."""

        def leaf(node: Column[object]) -> Typed | None:
            name = self.own.get(id(node))
            if name is None or node is whole:
                return scope.column(node)
            if isinstance(node, Derived):
                return Typed(ir.Computed(name), "text" if node._text else "number")
            return Typed(ir.Computed(name), self._type_of(scope, name))

        return leaf

    def _type_of(self, scope: RowScope, name: str) -> Type:
        if name not in self.types:
            value = cast("Column[object]", self.names[name])
            self.types[name] = lower(value, self._leaf(scope, value)).type
        return self.types[name]

    def _derived(self, scope: RowScope, name: str, value: Derived) -> ir.Derived:
        if not isinstance(value.fn, FunctionType):
            raise DefinitionError("tw.derived() takes a plain function", remedy="remove other decorators")
        parameters = _parameters(value.fn)
        given = value._args
        if given is not None and len(given) != len(parameters):
            raise DefinitionError(
                f"the function takes {len(parameters)} arguments ({', '.join(parameters)}), {len(given)} are given"
            )
        args = [self._argument(scope, name, arg) for arg in (parameters if given is None else given)]
        return ir.Derived(value.fn.__name__, tuple(args), capture(value.fn, self.context.root))

    def _argument(self, scope: RowScope, name: str, arg: object) -> ir.Expr:
        if not isinstance(arg, str):
            return lower(arg, self._leaf(scope, None)).expr
        alias, _, feature = arg.partition(".")
        value = self.names.get(alias)
        if feature and alias in scope.groups:
            return scope._feature(alias, feature).expr
        if not feature and isinstance(value, Column) and arg != name:
            return ir.Computed(arg)
        known = [other for other in self.names if other != name and isinstance(self.names[other], Column)]
        raise DefinitionError(f"the argument '{arg}' names no column of the view", remedy=likely(arg, known))

    def _check(self, columns: list[ir.ViewColumn]) -> None:
        if not self.names:
            raise DefinitionError("a view without columns", remedy="add one, e.g. amount = Transaction.amount")
        cycle = _cycle({column.name: _named(column.value) for column in columns})
        if cycle:
            raise DefinitionError(f"columns that need each other: {' -> '.join(cycle)}", remedy="break the circle")


def on_source(context: Context, cls: type, on: object) -> ir.Source:
    """Return the event a view or service is for."""
    if not (isinstance(on, type) and issubclass(on, Event)):
        found = "no event" if on is None else repr(on)
        raise DefinitionError(f"it is for {found}", remedy=f"write class {cls.__name__}(..., on=Transaction)")
    return context.source_of(on)


def _parameters(function: FunctionType) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(parameter.kind not in plain for parameter in parameters):
        raise DefinitionError(
            "a derived function takes plain arguments", remedy="no *args, **kwargs or keyword-only ones"
        )
    return [parameter.name for parameter in parameters]


def _not_a_column(name: str, value: object) -> tuple[str]:
    if isinstance(value, FunctionType):
        return (f"nobody calls '{name}': decorate it with @tw.derived(...)",)
    if isinstance(value, type) and issubclass(value, Row):
        return (f"a view can't hold the whole {value.__name__}: name its attributes one by one",)
    return (f"nobody reads '{name}': a view holds columns, groups, lookups and derived functions",)


def _named(value: ir.Expr | ir.Derived) -> list[str]:
    """Return the columns of the same view that a column needs."""
    if isinstance(value, ir.Computed):
        return [value.name]
    if isinstance(value, ir.Call | ir.Derived):
        return [name for arg in value.args for name in _named(arg)]
    return []


def _cycle(needs: dict[str, list[str]]) -> list[str]:
    """Return a circle of names that need each other, or nothing."""
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for need in needs.get(name, ()):
            found = visit(need, [*trail, name])
            if found:
                return found
        done.add(name)
        return []

    return next((found for name in needs if (found := visit(name, []))), [])
