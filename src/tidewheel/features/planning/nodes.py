"""Expressions as the kernel's nodes: nested tuples whose leaves the caller names.

A node is ``("const", number)``, ``("text", string)``, ``("input", position)`` or ``(op, node, ...)``.
While a plan is being made its leaves are symbols (a column, a state's output, a derived
function's result); `place` puts input positions in their stead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.expressions import LEARNED, PRODUCTS, text_of
from tidewheel.errors import DefinitionError
from tidewheel.kernel import Node

Leaf = tuple[Any, ...]
SYMBOLS = frozenset({"col", "state", "derived"})


def is_text(expr: ir.Expr, leaf: Callable[[ir.Expr], bool]) -> bool:
    """Tell whether an expression gives a string; `leaf` answers for columns and features."""
    if isinstance(expr, ir.Const):
        return isinstance(expr.value, str)
    if not isinstance(expr, ir.Call):
        return leaf(expr)
    if expr.op == "if_else":
        return any(is_text(arg, leaf) for arg in expr.args[1:])
    if expr.op == "fill":
        return any(is_text(arg, leaf) for arg in expr.args)
    return False


def to_node(expr: ir.Expr, leaf: Callable[[ir.Expr], Node]) -> Node:
    """Return the node of an expression; `leaf` gives those of its columns and features."""
    if isinstance(expr, ir.Const):
        return constant(expr.value)
    if isinstance(expr, ir.Call) and expr.op in LEARNED:
        return _learned(expr, [to_node(arg, leaf) for arg in expr.args])
    if isinstance(expr, ir.Call) and expr.op in PRODUCTS:
        return (expr.op, *(_vector(to_node(arg, leaf), expr.args[2]) for arg in expr.args[:2]))
    if isinstance(expr, ir.Call):
        return (expr.op, *(to_node(arg, leaf) for arg in expr.args))
    return leaf(expr)


def _learned(call: ir.Call, args: list[Node]) -> Node:
    """Return a learned transform with the constants that training put into it."""
    if len(args) != 3:
        raise DefinitionError(
            f"{text_of(call)} has no constants yet: a version of a model learns them",
            remedy="read the view of a version; see docs/transforms.md",
        )
    x, low, high = args
    return ("div", ("sub", x, low), high if call.op == "standardise" else ("sub", high, low))


def _vector(text: Node, size: ir.Expr) -> Node:
    """Return a vector as its elements; `text` is the word of the whole."""
    n = constant(size.value) if isinstance(size, ir.Const) else constant(None)
    return ("vector", *(("element", text, constant(float(i)), n) for i in range(int(n[1]))))


def constant(value: float | bool | str | None) -> Node:
    """Return the node of a literal; null is a constant of either type."""
    if isinstance(value, str):
        return ("text", value)
    return ("const", None if value is None else float(value))


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the symbols a node reads, in order, with repeats."""
    if node[0] in SYMBOLS:
        yield node
    elif node[0] not in ("const", "text", "input"):
        for part in node[1:]:
            yield from leaves(part)


def literals(node: Node) -> Iterator[str]:
    """Yield the string literals a node holds."""
    if node[0] == "text":
        yield node[1]
    elif node[0] not in ("const", "input") and node[0] not in SYMBOLS:
        for part in node[1:]:
            yield from literals(part)


def place(node: Node, put: Callable[[Leaf], Node]) -> Node:
    """Return `node` with each symbol replaced by what `put` gives for it."""
    if node[0] in SYMBOLS:
        return put(node)
    if node[0] in ("const", "text", "input"):
        return node
    return (node[0], *(place(part, put) for part in node[1:]))


def place_inputs(node: Node, positions: Mapping[Leaf, int]) -> Node:
    """Return `node` with each symbol replaced by the position of its input."""
    return place(node, lambda leaf: ("input", positions[leaf]))
