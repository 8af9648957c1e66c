"""Compiles ``tw.View`` classes and the conditions of a service's rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import cast

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, Derived, Expression, Several
from tidewheel.definitions.compiling.capture import capture
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.each_scope import EachScope, view_scope
from tidewheel.definitions.compiling.expressions import (
    LEARNED,
    Type,
    Typed,
    call,
    calls_of,
    computed_in,
    elements,
    lower,
    text_of,
)
from tidewheel.definitions.compiling.row_scope import RowScope
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.features.features import Features, Lookup
from tidewheel.definitions.language.declared import declared_names, place_of
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.models import ScoreColumn
from tidewheel.definitions.views.views import View
from tidewheel.errors import DefinitionError


class ViewCompiler:
    """Compiles one view: its lookups first, then its columns in order of declaration."""

    def __init__(self, context: Context, cls: type[View]) -> None:
        self.context = context
        self.cls = cls
        self.names: dict[str, object] = {}
        self.own: dict[int, str] = {}
        self.types: dict[str, Type] = {}

    def compile(self) -> None:
        """Add the view's frozen form to the context, its mistakes to the context's problems."""
        scope = None
        with self.context.problems.at(place_of(self.cls)):
            self.names = _in_parts(declared_names(self.cls, View))
            self.own = {id(node): name for name, node in self.names.items() if isinstance(node, Expression | Derived)}
            scope = view_scope(self.context, self.cls)
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
            owner=self.cls._owned_by,
            freshness=self._freshness(),
            when_stale=self.cls._when_stale,
            each=scope.each if isinstance(scope, EachScope) else None,
        )

    def _freshness(self) -> int:
        declared, when = self.cls._freshness, self.cls._when_stale
        with self.context.problems.at(place_of(self.cls)):
            if when not in ("serve", "default", "refuse"):
                raise DefinitionError(f"no way {when!r} with stale features", remedy="write serve, default or refuse")
            if declared is None and when != "serve":
                raise DefinitionError("nothing says when its features are stale", remedy='add freshness="5min"')
            return 0 if declared is None else parse_duration(declared)
        return 0

    def _columns(self, scope: RowScope, name: str, value: object) -> list[ir.ViewColumn]:
        if isinstance(value, Lookup) or (isinstance(value, type) and issubclass(value, Features)):
            group = self.context.groups[scope.groups[name]] if name in scope.groups else None
            named = [(f"{name}.{f.name}", scope._feature(name, f.name)) for f in (group.features if group else ())]
            return [column for pair in named for column in _view_columns(*pair)]
        if isinstance(value, Derived):
            return [ir.ViewColumn(name, self._derived(scope, name, value), value._text)]
        if isinstance(value, ScoreColumn):
            return [ir.ViewColumn(name, ir.Score(value._model.__name__))]
        if isinstance(value, Column):
            typed = lower(value, self._leaf(scope, value))
            self.types[name] = typed.type
            return _view_columns(name, typed)
        raise DefinitionError(*_not_a_column(name, value))

    def _leaf(self, scope: RowScope, whole: Column[object] | None) -> Callable[[Column[object]], Typed | None]:
        """Answer for columns; a part that is a column of this view itself is computed once and named."""

        def leaf(node: Column[object]) -> Typed | None:
            name = self.own.get(id(node))
            if name is None or node is whole:
                if isinstance(node, Expression) and node._op in LEARNED:
                    return call(node._op, [lower(arg, leaf) for arg in node._args])
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
        if inspect.iscoroutinefunction(value.fn) or inspect.isgeneratorfunction(value.fn):
            raise DefinitionError("a derived function returns an array", remedy="no async def, no yield")
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
            typed = lower(arg, self._leaf(scope, None))
            if typed.type == "vector":
                raise DefinitionError(
                    f"a derived function takes no vector, but {text_of(typed.expr)} is one",
                    remedy="give it what tw.transform.dot() or cosine() makes of it",
                )
            return typed.expr
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
        values = {column.name: column.value for column in columns}
        if len(values) < len(columns):
            seen = [column.name for column in columns]
            twice = next(name for name in seen if seen.count(name) > 1)
            raise DefinitionError(f"two columns are called '{twice}'", remedy="rename the vector, or the other")
        cycle = _cycle({name: computed_in(value) for name, value in values.items()})
        if cycle:
            raise DefinitionError(f"columns that need each other: {' -> '.join(cycle)}", remedy="break the circle")
        _check_learned(values)


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


def _view_columns(name: str, typed: Typed) -> list[ir.ViewColumn]:
    """Return a column of the view, or one for each number of a vector."""
    if typed.type != "vector":
        return [ir.ViewColumn(name, typed.expr, typed.type == "text")]
    return [ir.ViewColumn(f"{name}_{i}", element) for i, element in enumerate(elements(typed))]


def _in_parts(names: dict[str, object]) -> dict[str, object]:
    """Return a view's attributes, each of several columns as those columns."""
    found: dict[str, object] = {}
    for name, value in names.items():
        parts: dict[str, object] = {}
        if isinstance(value, Several):
            parts = {f"{name}_{part}": node for part, node in value._parts.items()}
        twice = next((part for part in parts if part in names or part in found), None)
        if twice is not None:
            raise DefinitionError(
                f"'{name}' becomes several columns, and '{twice}' is there already", remedy="rename it"
            )
        found |= parts or {name: value}
    return found


def _check_learned(values: dict[str, ir.Expr | ir.Derived]) -> None:
    """Refuse constants that would have to be learned from what other learned constants give."""

    def learned(value: ir.Expr | ir.Derived) -> bool:
        own = any(found.op in LEARNED for found in calls_of(value))
        return own or any(learned(values[name]) for name in computed_in(value))

    for found in (found for value in values.values() for found in calls_of(value)):
        if found.op in LEARNED and any(learned(arg) for arg in found.args):
            raise DefinitionError(
                f"{text_of(found)} learns from what is itself learned", remedy="learn from the column it starts with"
            )


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
