"""Expressions over columns: compiled once into a program of registers, run by one compiled loop.

Null rules. A null argument gives null, but: ``fill`` and ``is_null`` look at it; ``and`` and ``or`` are
Kleene's (false and null is false); ``if_else`` looks at the branch it takes, and a null condition gives
null. A number that would not be finite (division by zero, overflow, ``log1p`` of -1 or less) is null:
neither models nor JSON have a use for infinities. Truth is 1.0 and 0.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import DefinitionError
from tidewheel.kernel.layouts.layout import NULL_BITS
from tidewheel.kernel.programs.machine import (
    BUCKETIZE,
    COPY,
    COSINE,
    COUNTED,
    CROSS,
    DOT,
    EITHER,
    HASH_BUCKET,
    IF_ELSE,
    IF_ELSE_TEXT,
    ISIN,
    ISIN_TEXT,
    NUMERIC,
    P_CONSTS_AT,
    P_OPS_AT,
    P_OUTPUTS_AT,
    run_program,
)
from tidewheel.kernel.words.hashing import hash_text

Node = tuple[Any, ...]
"""``("input", i)``, ``("const", number or None)``, ``("text", str or None)`` or ``(operator, node, ...)``."""

_ARITY = {"neg": 1, "abs": 1, "log1p": 1, "not": 1, "hash": 1, "is_null": 1, "if_else": 3, "cross": 3, "haversine": 4}


class Program(NamedTuple):
    """A compiled list of expressions.

    Attributes
    ----------
    code : int64[:]
    n_inputs, n_outputs : int
    text : tuple of bool
        Which outputs are text words.
    """

    code: NDArray[np.int64]
    n_inputs: int
    n_outputs: int
    text: tuple[bool, ...]


def compile_program(outputs: Sequence[Node], inputs: Sequence[bool]) -> Program:
    """Compile expressions over the same inputs; what they have in common is computed once.

    Parameters
    ----------
    outputs : sequence of Node
        Operators are those of ``ir.Op``, and ``("hash", number)``: the word by which `distinct`
        counts a number.
    inputs : sequence of bool
        For each input, whether it is text.

    Raises
    ------
    DefinitionError
        For an unknown operator, a wrong number of arguments, or text where a number is needed.

    Examples
    --------
    >>> program = compile_program([("div", ("input", 0), ("input", 1))], [False, False])
    >>> evaluate(program, np.array([[3.0, 2.0], [3.0, 0.0]])).tolist()
    [[1.5], [nan]]
    """
    return _Compiler(inputs).compile(outputs)


class _Compiler:
    """Assigns registers: inputs, then constants, then one per distinct operation."""

    def __init__(self, inputs: Sequence[bool]) -> None:
        self.inputs = inputs
        self.consts: list[int] = []
        self.ops: list[tuple[int, tuple[int, ...]]] = []
        self.known: dict[str, tuple[int, bool]] = {}

    def compile(self, outputs: Sequence[Node]) -> Program:
        """Return the program that computes `outputs`."""
        results = [self._node(node) for node in outputs]
        first_op = len(self.inputs) + len(self.consts)
        code = [len(self.inputs), len(outputs), first_op + len(self.ops), len(self.ops), 0, len(self.consts), 0, 0]
        code[P_OPS_AT] = len(code)
        for i, (op, arguments) in enumerate(self.ops):
            a, b, c = (*(self._place(x) for x in arguments), 0, 0, 0)[:3]
            code += [op, first_op + i, a, b, arguments[2] if op in COUNTED else c]
        code[P_CONSTS_AT] = len(code)
        code += self.consts
        code[P_OUTPUTS_AT] = len(code)
        for register, text in results:
            code += [self._place(register), int(text)]
        words = np.array(code, np.int64)
        words.flags.writeable = False
        return Program(words, len(self.inputs), len(outputs), tuple(text for _, text in results))

    def _place(self, register: int) -> int:
        """Return where a register is: those of operations were counted from -1 down until all were known."""
        return register if register >= 0 else len(self.inputs) + len(self.consts) - 1 - register

    def _node(self, node: Node) -> tuple[int, bool]:
        key = repr(node)
        if key not in self.known:
            self.known[key] = self._new(node)
        return self.known[key]

    def _new(self, node: Node) -> tuple[int, bool]:
        kind = node[0]
        if kind == "input":
            if not 0 <= node[1] < len(self.inputs):
                raise DefinitionError(f"expression reads input {node[1]} of {len(self.inputs)}")
            return node[1], bool(self.inputs[node[1]])
        if kind in ("const", "text"):
            return self._const(_const_word(node)), kind == "text"
        if kind in _SPECIAL:
            return _SPECIAL[kind](self, node)
        arguments = [self._node(argument) for argument in node[1:]]
        if len(arguments) != _ARITY.get(kind, 2):
            raise DefinitionError(f"{kind} takes {_ARITY.get(kind, 2)} arguments, found {len(arguments)}")
        if kind == "if_else":
            return self._if_else(node, arguments)
        if kind in EITHER:
            registers, text = self._alike(node[1:], arguments, kind)
            result_text = text and kind == "fill"
            return self._op(EITHER[kind][text], registers), result_text
        if kind not in NUMERIC:
            raise DefinitionError(f"unknown operator {kind!r}")
        if any(text for _, text in arguments):
            raise DefinitionError(f"{kind} takes numbers, found text")
        registers = [register for register, _ in arguments]
        if kind == "haversine":
            registers = [self._in_a_row(registers)]
        return self._op(NUMERIC[kind], registers), kind == "hash"

    def _op(self, op: int, registers: Sequence[int]) -> int:
        self.ops.append((op, tuple(registers)))
        return -len(self.ops)

    def _const(self, word: int) -> int:
        self.consts.append(word)
        return len(self.inputs) + len(self.consts) - 1

    def _alike(self, nodes: Sequence[Node], arguments: list[tuple[int, bool]], kind: str) -> tuple[list[int], bool]:
        """See that arguments are all numbers or all text; an untyped null is either."""
        typed = {text for node, (_, text) in zip(nodes, arguments, strict=True) if not _is_null_const(node)}
        if len(typed) > 1:
            raise DefinitionError(f"{kind} mixes text and numbers")
        text = typed.pop() if typed else False
        registers = [
            self._const(0 if text else NULL_BITS) if _is_null_const(node) else register
            for node, (register, _) in zip(nodes, arguments, strict=True)
        ]
        return registers, text

    def _if_else(self, node: Node, arguments: list[tuple[int, bool]]) -> tuple[int, bool]:
        if arguments[0][1]:
            raise DefinitionError("the condition of if_else is text, expected a truth value")
        branches, text = self._alike(node[2:], arguments[1:], "if_else")
        return self._op(IF_ELSE_TEXT if text else IF_ELSE, [arguments[0][0], *branches]), text

    def _isin(self, node: Node) -> tuple[int, bool]:
        register, text = self._node(node[1])
        if any(option[0] != ("text" if text else "const") for option in node[2:]):
            raise DefinitionError(f"isin over {'text' if text else 'numbers'} takes constants of that kind")
        places = [self._const(_const_word(option)) for option in node[2:]]
        first = places[0] if places else 0
        return self._op(ISIN_TEXT if text else ISIN, [register, first, len(places)]), False

    def _bucketize(self, node: Node) -> tuple[int, bool]:
        register = self._number(node[1], "bucketize")
        places = [self._const(_const_word(edge)) for edge in node[2:]]
        return self._op(BUCKETIZE, [register, places[0], len(places)]), False

    def _hash_bucket(self, node: Node) -> tuple[int, bool]:
        """Compile ``hash_bucket`` and ``cross``: values of any kind, then the number of buckets."""
        words = [self._word(value) for value in node[1:-1]]
        op = HASH_BUCKET if len(words) == 1 else CROSS
        return self._op(op, [*words, self._const(_const_word(node[-1]))]), False

    def _product(self, node: Node) -> tuple[int, bool]:
        """Compile ``dot`` and ``cosine`` of two ``("vector", element, ...)``."""
        kind, a, b = node
        if len(a) != len(b) or len(a) < 2:
            raise DefinitionError(f"{kind} takes two vectors of one size, found {len(a) - 1} and {len(b) - 1} elements")
        rows = [self._in_a_row([self._number(element, kind) for element in vector[1:]]) for vector in (a, b)]
        return self._op(DOT if kind == "dot" else COSINE, [*rows, len(a) - 1]), False

    def _number(self, node: Node, kind: str) -> int:
        register, text = self._node(node)
        if text:
            raise DefinitionError(f"{kind} takes numbers, found text")
        return register

    def _word(self, node: Node) -> int:
        """Return the register of a value's hash."""
        register, text = self._node(node)
        return register if text else self._node(("hash", node))[0]

    def _in_a_row(self, registers: list[int]) -> int:
        """Return the first of registers that follow each other and hold these values."""
        first = registers[0]
        if first >= 0 and registers == list(range(first, first + len(registers))):
            return first
        copies = [self._op(COPY, [register]) for register in registers]
        return copies[0]


_SPECIAL: dict[str, Callable[[_Compiler, Node], tuple[int, bool]]] = {
    "isin": _Compiler._isin,
    "bucketize": _Compiler._bucketize,
    "hash_bucket": _Compiler._hash_bucket,
    "cross": _Compiler._hash_bucket,
    "dot": _Compiler._product,
    "cosine": _Compiler._product,
}


def _is_null_const(node: Node) -> bool:
    return node[0] in ("const", "text") and node[1] is None


def _const_word(node: Node) -> int:
    if node[0] == "text":
        return hash_text(node[1])
    number = math.nan if node[1] is None else float(node[1])
    return int(np.float64(number).view(np.int64)) if math.isfinite(number) else NULL_BITS


def evaluate(program: Program, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Run a program over rows.

    Parameters
    ----------
    program : Program
    inputs : float64[n, n_inputs]
        Words, C-contiguous.

    Returns
    -------
    float64[n, n_outputs]
        Words; view text outputs as int64.
    """
    out = np.empty((len(inputs), program.n_outputs))
    run_program(program.code, inputs, out)
    return out
