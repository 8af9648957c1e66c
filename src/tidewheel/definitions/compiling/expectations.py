"""From suites of expectations to their frozen form, beside the columns of their event."""

from __future__ import annotations

import inspect
from types import FunctionType

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import PathColumn
from tidewheel.definitions.compiling.capture import capture
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.events.expectations import Expectation, Suite
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.language.declared import declared_names, place_of
from tidewheel.definitions.language.places import likely
from tidewheel.errors import DefinitionError

NUMBERS = ("float", "int", "time")
POLICIES = ("warn", "quarantine", "stop")
COUNTS: dict[str, tuple[int, int]] = {
    "unique": (1, 64),
    "increasing": (1, 2),
    "check": (0, 64),
    "fresh": (0, 0),
    "volume": (0, 0),
}
"""How many columns a kind takes; the others take one."""


def compile_suite(context: Context, suite: type[Suite]) -> None:
    """Add a suite's expectations to the frozen form of the event or entity that it is on."""
    on = suite._on
    with context.problems.at(place_of(suite)):
        if not (isinstance(on, type) and issubclass(on, Row) and on.__name__ in context.sources):
            found = "nothing" if on is None else repr(on)
            raise DefinitionError(
                f"it is on {found}", remedy=f"write class {suite.__name__}(tw.expect.Suite, on=Payment)"
            )
        source = context.source_of(on)
        known = {expectation.name: expectation for expectation in source.expects}
        for name, value in declared_names(suite, Suite).items():
            with context.problems.at(place_of(suite, name)):
                if name in known:
                    raise DefinitionError(f"{source.name} has an expectation '{name}' already", remedy="rename one")
                known[name] = _frozen(context, source, name, value)
        expects = tuple(sorted(known.values(), key=lambda expectation: expectation.name))
        context.sources[source.name] = msgspec.structs.replace(source, expects=expects)


def _frozen(context: Context, source: ir.Source, name: str, value: object) -> ir.Expectation:
    if not isinstance(value, Expectation):
        raise DefinitionError(f"'{name}' is no expectation", remedy="write tw.expect.between(Payment.amount, 0, 1e6)")
    columns = tuple(_column(source, column) for column in value.columns)
    _check(value, columns)
    code = _source_of(context, value, len(columns))
    if code:
        name = value.fn.__name__ if value.fn is not None else name
    return ir.Expectation(
        name=name, kind=value.kind, columns=tuple(column.name for column in columns), source=code, **value.options
    )


def _column(source: ir.Source, value: object) -> ir.Column:
    if isinstance(value, type) and issubclass(value, Row):
        raise DefinitionError(
            f"{value.__name__} is a whole row, or a reference to one",
            remedy="an expectation is on columns that are values",
        )
    if not isinstance(value, PathColumn) or value._root.__name__ != source.name or len(value._names) != 1:
        raise DefinitionError(f"{value!r} is no column of {source.name}", remedy=f"name its own: {source.name}.COLUMN")
    name = value._names[0]
    if name == "at":
        return ir.Column("at", "time")
    found = source.column(name)
    if found is None:
        raise DefinitionError(
            f"{source.name} has no column '{name}'", remedy=likely(name, [column.name for column in source.columns])
        )
    return found


def _check(value: Expectation, columns: tuple[ir.Column, ...]) -> None:
    kind, options = value.kind, value.options
    least, most = COUNTS.get(kind, (1, 1))
    if not least <= len(columns) <= most:
        raise DefinitionError(f"{kind}() takes {least} to {most} columns, {len(columns)} are given")
    wanted = {"between": NUMBERS, "increasing": NUMBERS, "matches": tuple(sorted(ir.TEXT_KINDS))}.get(kind)
    if wanted and columns[0].kind not in wanted:
        raise DefinitionError(f"{kind}() is for {', '.join(wanted)}; '{columns[0].name}' is {columns[0].kind}")
    if kind == "in_set":
        text = columns[0].kind in ir.TEXT_KINDS
        odd = next((v for v in options["values"] if isinstance(v, str) is not text), None)
        if odd is not None:
            raise DefinitionError(f"{odd!r} can be no value of '{columns[0].name}', which is {columns[0].kind}")
    if options.get("policy", "warn") not in POLICIES:
        raise DefinitionError(f"no policy {options['policy']!r}", remedy=f"take one of: {', '.join(POLICIES)}")
    if kind == "null_rate" and options["policy"] == "quarantine":
        raise DefinitionError("no single row is to blame for a rate of nulls", remedy='take policy "warn" or "stop"')
    for name in ("tolerate", "limit"):
        if not 0.0 <= options.get(name, 0.0) <= 1.0:
            raise DefinitionError(f"{options[name]} is no share of rows", remedy="give a number from 0 to 1")


def _source_of(context: Context, value: Expectation, columns: int) -> str:
    if value.kind != "check":
        return ""
    function = value.fn
    if not isinstance(function, FunctionType):
        raise DefinitionError("expect.check() takes a plain function", remedy="remove other decorators")
    takes = len(inspect.signature(function).parameters)
    if takes != columns or not columns:
        raise DefinitionError(f"the function takes {takes} arguments, {columns} columns are given")
    return capture(function, context.root)
