"""The row that a decision is asked for, merged into the aggregates that include it.

The row counts as happening at the instant of the read, after all else: it is in every window, it is the
newest, and its age is 0. Most aggregates take it in by an expression over what the state gives and the row's own
columns, so the program that makes a view's columns does it, and training, serving and replay are one. For the
others (`FOLDED`) the kernel folds it, as the event that it is, into a copy of the state, and reads that.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.requests import FOLDED
from tidewheel.errors import DefinitionError
from tidewheel.features.planning.nodes import constant, to_node
from tidewheel.kernel import Node

_COUNTS = frozenset({"count", "distinct", "rate"})
"""What gives 0, not null, where there is nothing."""
_NONE = constant(None)
_ZERO = constant(0.0)


def merged(aggregate: ir.Aggregate, past: Sequence[Node], counts: bool) -> Node:
    """Return an aggregate that includes the request, from the aggregates of past rows it is made of.

    `counts` is False where the row asked for is none of the aggregate's: another event's, or of another key. What
    is folded is read with the row already, where it counts.
    """
    folded = aggregate.op in FOLDED
    result = past[0] if folded else _merge(aggregate.op, past, _value(aggregate) if counts else _NONE)
    if aggregate.default is None:
        return result
    if aggregate.op in _COUNTS:
        return ("if_else", ("eq", result, _ZERO), constant(aggregate.default), result)
    return ("fill", result, constant(aggregate.default))


def _merge(op: str, past: Sequence[Node], value: Node) -> Node:
    one = ("if_else", ("is_null", value), _ZERO, constant(1.0))
    if op == "count":
        return ("add", past[0], one)
    if op == "sum":
        return _either("add", past[0], value)
    if op == "mean":
        return ("div", _either("add", past[0], value), ("add", past[1], one))
    if op in ("min", "max"):
        return _either("minimum" if op == "min" else "maximum", past[0], value)
    if op == "last":
        return ("fill", value, past[0])
    age: Node = ("if_else", ("is_null", value), _NONE, _ZERO)
    if op == "time_since_last":
        return ("fill", age, past[0])
    return ("fill", past[0], age if op == "time_since_first" else value)


def _either(op: str, past: Node, value: Node) -> Node:
    """Return both combined; where one is null, the other."""
    return ("fill", (op, past, value), ("fill", past, value))


def _value(aggregate: ir.Aggregate) -> Node:
    """Return what the row asked for adds: null where its value or key is, or where the condition does not hold."""
    value = constant(1.0) if aggregate.value is None else to_node(aggregate.value, _column)
    if aggregate.where is not None:
        value = ("if_else", to_node(aggregate.where, _column), value, _NONE)
    for key in aggregate.keys:
        value = ("if_else", ("is_null", ("col", key)), _NONE, value)
    return value


def _column(expr: ir.Expr) -> Node:
    if isinstance(expr, ir.Col):
        return ("col", expr.path)
    raise DefinitionError("an aggregate reads a feature", remedy="aggregate columns of the event")
