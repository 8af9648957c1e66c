"""Transforms that learn constants in training: finding them in a view, what they look at, putting constants in.

The frozen form of ``standardise(x)`` is ``Call("standardise", (x,))`` as declared, and with two constants as further
arguments in a version's bundle. A view with other constants is another view, with a digest of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.expressions import LEARNED, calls_of, computed_in

Constants = tuple[float, float]
Value = TypeVar("Value", ir.Expr, ir.Expr | ir.Derived)


def to_learn(view: ir.View) -> tuple[ir.Call, ...]:
    """Return a view's different transforms that have no constants yet, in order."""
    calls = (call for column in view.columns for call in calls_of(column.value))
    return tuple(dict.fromkeys(call for call in calls if call.op in LEARNED and len(call.args) == 1))


def looked_at(view: ir.View, calls: tuple[ir.Call, ...]) -> ir.View:
    """Return a view of what some transforms learn from: the argument of each, by its number, with what it needs."""
    wanted = tuple(ir.ViewColumn(str(number), call.args[0]) for number, call in enumerate(calls))
    by_name = {column.name: column for column in view.columns}
    needed = dict.fromkeys(name for column in wanted for name in _needed(column.value, by_name))
    return msgspec.structs.replace(view, columns=(*(by_name[name] for name in needed), *wanted))


def with_constants(view: ir.View, constants: Mapping[ir.Call, Constants]) -> ir.View:
    """Return a view whose transforms hold what they learned.

    Examples
    --------
    >>> call = ir.Call("standardise", (ir.Col(("amount",)),))
    >>> view = ir.View("V", "Payment", (), (ir.ViewColumn("amount", call),))
    >>> with_constants(view, {call: (10.0, 2.0)}).columns[0].value.args[1:]
    (Const(value=10.0), Const(value=2.0))
    """
    columns = tuple(msgspec.structs.replace(column, value=_filled(column.value, constants)) for column in view.columns)
    return msgspec.structs.replace(view, columns=columns)


def learned_in(view: ir.View) -> dict[ir.Call, Constants]:
    """Return what the transforms of a version's view have learned, by the transforms as they were declared.

    Examples
    --------
    >>> call = ir.Call("standardise", (ir.Col(("amount",)),))
    >>> view = ir.View("V", "Payment", (), (ir.ViewColumn("amount", call),))
    >>> learned_in(with_constants(view, {call: (10.0, 2.0)})) == {call: (10.0, 2.0)}
    True
    """
    found = {}
    for call in (call for column in view.columns for call in calls_of(column.value) if call.op in LEARNED):
        first, *constants = call.args
        low, high = constants or (None, None)
        if isinstance(low, ir.Const) and isinstance(high, ir.Const):
            found[ir.Call(call.op, (first,))] = (float(low.value or 0), float(high.value or 0))
    return found


def _needed(value: ir.Expr | ir.Derived, columns: Mapping[str, ir.ViewColumn]) -> Iterator[str]:
    for name in computed_in(value):
        yield name
        yield from _needed(columns[name].value, columns)


def _filled(value: Value, constants: Mapping[ir.Call, Constants]) -> Value:
    if not isinstance(value, ir.Call | ir.Derived):
        return value
    args = tuple(_filled(arg, constants) for arg in value.args)
    if isinstance(value, ir.Call) and value in constants:
        args += tuple(ir.Const(constant) for constant in constants[value])
    return msgspec.structs.replace(value, args=args)
