"""From operators over columns to frozen expressions, with types checked on the way.

A type is ``number``, ``bool``, ``text``, ``time``, ``vector`` or ``null`` (the literal None).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, Expression
from tidewheel.definitions.columns.lists import ColumnList
from tidewheel.definitions.events.rows import Row, microseconds
from tidewheel.definitions.language.quantities import is_finite
from tidewheel.errors import DefinitionError

Type: TypeAlias = Literal["number", "bool", "text", "time", "null", "vector"]

NUMERIC = frozenset({"number", "bool", "time", "null"})
_ARITHMETIC = frozenset({
    "add", "sub", "mul", "div", "neg", "abs", "minimum", "maximum", "log1p", "cyclic_sin", "cyclic_cos", "haversine",
    "bucketize", "standardise", "min_max",
})  # fmt: skip
_CALENDAR = frozenset({"hour_of_day", "day_of_week"})
_HASHES = frozenset({"hash_bucket", "cross"})
PRODUCTS = frozenset({"dot", "cosine"})
LEARNED = frozenset({"standardise", "min_max"})
"""Operators whose constants are learned in training; the frozen form has them as further arguments then."""
_ORDER = frozenset({"lt", "le", "gt", "ge"})
_LOGIC = frozenset({"and", "or", "not"})
_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">",
    "ge": ">=",
    "and": "&", "or": "|",
}  # fmt: skip


class Typed(NamedTuple):
    """A frozen expression and what it gives."""

    expr: ir.Expr
    type: Type
    size: int = 0
    """Of a vector."""


Leaf: TypeAlias = Callable[[Column[object]], Typed | None]
"""Answers for the columns that a place can see; None for an expression that is to be taken apart."""


def lower(node: object, leaf: Leaf) -> Typed:
    """Return the frozen form of an expression, or of a literal."""
    if isinstance(node, Column):
        known = leaf(node)
        if known is not None:
            return known
        if isinstance(node, Expression):
            if node._op in LEARNED:
                raise DefinitionError(
                    f"{node._op}() learns its constants in training, but this is computed before",
                    remedy="use it in a view that a model is trained on",
                )
            return call(node._op, [lower(arg, leaf) for arg in node._args])
        raise DefinitionError(f"{node!r} can't be used here")
    if isinstance(node, ColumnList):
        raise DefinitionError(f"{node!r} can't stand for one column", remedy="name one, e.g. favourites[0]")
    return literal(node)


def literal(value: object) -> Typed:
    """Return a literal with its type; times become microseconds."""
    if isinstance(value, type) and issubclass(value, Row):
        raise DefinitionError(f"{value.__name__} is no column", remedy=f"name one of its columns: {value.__name__}.at")
    if hasattr(value, "item") and not isinstance(value, type):
        value = value.item()
    if value is None:
        return Typed(ir.Const(None), "null")
    if isinstance(value, bool):
        return Typed(ir.Const(value), "bool")
    if isinstance(value, str):
        return Typed(ir.Const(value), "text")
    if isinstance(value, datetime):
        return Typed(ir.Const(float(microseconds(value))), "time")
    if isinstance(value, timedelta):
        return Typed(ir.Const(value / timedelta(microseconds=1)), "number")
    if is_finite(value):
        return Typed(ir.Const(float(value)), "number")
    raise DefinitionError(
        f"{value!r} can't stand in an expression", remedy="use columns, numbers, strings and booleans"
    )


def call(op: ir.Op, args: list[Typed]) -> Typed:
    """Return an operator applied to arguments, or say why their types do not fit."""
    if op in PRODUCTS:
        return _product(op, args)
    vector = next((arg for arg in args if arg.type == "vector"), None)
    if vector is not None and op != "is_null":
        raise DefinitionError(
            f"'{_SYMBOLS.get(op, op)}' takes no vector, but {text_of(vector.expr)} is one",
            remedy="compare two with tw.transform.dot() or tw.transform.cosine()",
        )
    return Typed(ir.Call(op, tuple(arg.expr for arg in args)), _result(op, args))


def elements(vector: Typed) -> list[ir.Expr]:
    """Return the numbers of a vector, one by one."""
    size = ir.Const(float(vector.size))
    return [ir.Call("element", (vector.expr, ir.Const(float(i)), size)) for i in range(vector.size)]


def refuse_vectors(expr: ir.Expr) -> None:
    """Refuse an expression over vectors where rows are folded: the state keeps a vector whole."""
    found = next((found for found in calls_of(expr) if found.op in PRODUCTS), None)
    if found is not None:
        raise DefinitionError(
            f"{text_of(found)} is computed before events are folded",
            remedy="use it in a view or in an expression over features: tw.last(Event.embedding)",
        )


def _product(op: ir.Op, args: list[Typed]) -> Typed:
    for arg in args:
        if arg.type != "vector":
            raise DefinitionError(f"'{op}' takes two vectors, but {text_of(arg.expr)} is {_a(arg.type)}")
    if args[0].size != args[1].size:
        raise DefinitionError(
            f"'{op}' of {text_of(args[0].expr)} and {text_of(args[1].expr)}: {args[0].size} and {args[1].size} numbers",
            remedy="take vectors of one size",
        )
    return Typed(ir.Call(op, (*(arg.expr for arg in args), ir.Const(float(args[0].size)))), "number")


def _result(op: ir.Op, args: list[Typed]) -> Type:
    if op in _ARITHMETIC:
        _need(op, args, NUMERIC, "numbers")
        keeps_time = op in ("minimum", "maximum") or (op in ("add", "sub") and _count(args, "time") == 1)
        return "time" if keeps_time and _count(args, "time") else "number"
    if op in _CALENDAR:
        _need(op, args[:1], frozenset({"time"}), "a time")
        return "number"
    if op in _HASHES:
        return "number"
    if op in _ORDER:
        _need(op, args, NUMERIC, "numbers")
        _refuse_none(op, args)
        return "bool"
    if op in _LOGIC:
        _need(op, args, frozenset({"bool", "null"}), "conditions")
        return "bool"
    if op == "is_null":
        return "bool"
    if op == "if_else":
        _need(op, args[:1], frozenset({"bool"}), "a condition first")
        return _common(op, args[1:])
    common = _common(op, args)
    if op in ("eq", "ne", "isin"):
        _refuse_none(op, args)
        return "bool"
    return common


def _count(args: list[Typed], type: Type) -> int:
    return sum(arg.type == type for arg in args)


def _need(op: ir.Op, args: list[Typed], allowed: frozenset[str], what: str) -> None:
    wrong = next((arg for arg in args if arg.type not in allowed), None)
    if wrong is not None:
        raise DefinitionError(
            f"'{_SYMBOLS.get(op, op)}' takes {what}, but {text_of(wrong.expr)} is {_a(wrong.type)}",
            remedy="strings can be compared with == and !=, or tw.isin()" if wrong.type == "text" else "",
        )


def _refuse_none(op: ir.Op, args: list[Typed]) -> None:
    if _count(args, "null"):
        raise DefinitionError(
            f"'{_SYMBOLS.get(op, op)}' with None is always null", remedy="write tw.transform.is_null(column)"
        )


def _common(op: ir.Op, args: list[Typed]) -> Type:
    """Return the one type that all arguments have; text never meets the rest."""
    texts = [arg for arg in args if arg.type == "text"]
    others = [arg for arg in args if arg.type not in ("text", "null")]
    if texts and others:
        raise DefinitionError(
            f"'{_SYMBOLS.get(op, op)}' mixes text and numbers: {text_of(texts[0].expr)} is text, "
            f"{text_of(others[0].expr)} is {_a(others[0].type)}"
        )
    kinds = {arg.type for arg in args} - {"null"}
    if not kinds:
        return "null"
    return kinds.pop() if len(kinds) == 1 else "number"


def _a(type: Type) -> str:
    return {
        "bool": "a condition",
        "text": "text",
        "time": "a time",
        "number": "a number",
        "null": "None",
        "vector": "a vector",
    }[type]


def text_of(expr: ir.Expr | ir.Derived | ir.Aggregate) -> str:
    """Return an expression as people write it.

    Examples
    --------
    >>> text_of(ir.Call("gt", (ir.Col(("amount",)), ir.Const(500.0))))
    '(amount > 500)'
    """
    match expr:
        case ir.Const(value):
            return f"{value:g}" if isinstance(value, float) else repr(value)
        case ir.Col(path):
            return ".".join(path)
        case ir.Feature(alias, name):
            return f"{alias}.{name}" if alias else name
        case ir.Computed(name):
            return name
        case ir.Score(model):
            return f"{model}.score"
        case ir.Call(op, (left, right)) if op in _SYMBOLS:
            return f"({text_of(left)} {_SYMBOLS[op]} {text_of(right)})"
        case ir.Call(op, args):
            return f"{op}({', '.join(map(text_of, args))})"
        case ir.Derived(name, args):
            return f"{name}({', '.join(map(text_of, args))})"
        case ir.Aggregate():
            return f"{expr.op}({expr.source if expr.value is None else text_of(expr.value)})"


def paths_of(expr: ir.Expr | None) -> list[ir.Path]:
    """Return the column paths an expression reads."""
    if isinstance(expr, ir.Col):
        return [expr.path]
    if isinstance(expr, ir.Call):
        return [path for arg in expr.args for path in paths_of(arg)]
    return []


def calls_of(expr: ir.Expr | ir.Derived) -> Iterator[ir.Call]:
    """Yield the operators of an expression, arguments before what takes them."""
    if isinstance(expr, ir.Call | ir.Derived):
        for arg in expr.args:
            yield from calls_of(arg)
    if isinstance(expr, ir.Call):
        yield expr


def computed_in(expr: ir.Expr | ir.Derived) -> list[str]:
    """Return the columns of the same view that an expression names."""
    if isinstance(expr, ir.Computed):
        return [expr.name]
    if isinstance(expr, ir.Call | ir.Derived):
        return [name for arg in expr.args for name in computed_in(arg)]
    return []
