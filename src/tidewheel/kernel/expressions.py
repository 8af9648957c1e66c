"""Expressions over columns: compiled once into a program of registers, run by one compiled loop.

Null rules. A null argument gives null, but: ``fill`` and ``is_null`` look at it; ``and`` and ``or`` are
Kleene's (false and null is false); ``if_else`` looks at the branch it takes, and a null condition gives
null. A number that would not be finite (division by zero, overflow, ``log1p`` of -1 or less) is null:
neither models nor JSON have a use for infinities. Truth is 1.0 and 0.0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import DefinitionError
from tidewheel.kernel._jit import Array, Word, as_float, as_word, entry, inner
from tidewheel.kernel.hashing import hash_number, hash_text
from tidewheel.kernel.layout import NULL_BITS

Node = tuple[Any, ...]
"""``("input", i)``, ``("const", number or None)``, ``("text", str or None)`` or ``(operator, node, ...)``."""

P_INPUTS, P_OUTPUTS, P_REGISTERS, P_OPS, P_OPS_AT, P_CONSTS, P_CONSTS_AT, P_OUTPUTS_AT, P_HEAD = range(9)
_OP_WORDS = 5
(ADD, SUB, MUL, DIV, NEG, ABS, LOG1P, MINIMUM, MAXIMUM, EQ, NE, LT, LE, GT, GE, EQ_TEXT, NE_TEXT, AND, OR, NOT,
 ISIN, ISIN_TEXT, IS_NULL, IS_NULL_TEXT, FILL, FILL_TEXT, IF_ELSE, IF_ELSE_TEXT, HASH) = range(29)  # fmt: skip
_NUMERIC = {
    "add": ADD, "sub": SUB, "mul": MUL, "div": DIV, "neg": NEG, "abs": ABS, "log1p": LOG1P,
    "minimum": MINIMUM, "maximum": MAXIMUM, "lt": LT, "le": LE, "gt": GT, "ge": GE,
    "and": AND, "or": OR, "not": NOT, "hash": HASH,
}  # fmt: skip
_EITHER = {"eq": (EQ, EQ_TEXT), "ne": (NE, NE_TEXT), "is_null": (IS_NULL, IS_NULL_TEXT), "fill": (FILL, FILL_TEXT)}
_ARITY = {"neg": 1, "abs": 1, "log1p": 1, "not": 1, "hash": 1, "is_null": 1, "if_else": 3}


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
            code += [op, first_op + i, a, b, arguments[2] if op in (ISIN, ISIN_TEXT) else c]
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
        if kind == "isin":
            return self._isin(node)
        arguments = [self._node(argument) for argument in node[1:]]
        if len(arguments) != _ARITY.get(kind, 2):
            raise DefinitionError(f"{kind} takes {_ARITY.get(kind, 2)} arguments, found {len(arguments)}")
        if kind == "if_else":
            return self._if_else(node, arguments)
        if kind in _EITHER:
            registers, text = self._alike(node[1:], arguments, kind)
            result_text = text and kind == "fill"
            return self._op(_EITHER[kind][text], registers), result_text
        if kind not in _NUMERIC:
            raise DefinitionError(f"unknown operator {kind!r}")
        if any(text for _, text in arguments):
            raise DefinitionError(f"{kind} takes numbers, found text")
        return self._op(_NUMERIC[kind], [register for register, _ in arguments]), kind == "hash"

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


@entry
def run_program(code: Array, inputs: Array, out: Array) -> None:
    """Do as `evaluate` does, into `out` (compiled; for the request path)."""
    r = np.empty(code[P_REGISTERS] + 1, np.int64)
    rows = inputs.view(np.int64)
    target = out.view(np.int64)
    n = code[P_INPUTS]
    for i in range(code[P_CONSTS]):
        r[n + i] = code[code[P_CONSTS_AT] + i]
    for row in range(len(inputs)):
        for i in range(n):
            r[i] = rows[row, i]
        at = code[P_OPS_AT]
        for _ in range(code[P_OPS]):
            op = code[at]
            if op < EQ_TEXT:
                r[code[at + 1]] = calculate(op, as_float(r[code[at + 2]]), as_float(r[code[at + 3]]))
            else:
                r[code[at + 1]] = choose(op, r, code[at + 2], code[at + 3], code[at + 4])
            at += _OP_WORDS
        at = code[P_OUTPUTS_AT]
        for i in range(code[P_OUTPUTS]):
            word = r[code[at + 2 * i]]
            target[row, i] = word if code[at + 2 * i + 1] or not is_nan(word) else NULL_BITS


@inner
def is_nan(word: int) -> Word:
    """Tell whether a number's word is null."""
    number = as_float(word)
    return number != number


@inner
def calculate(op: int, a: float, b: float) -> Word:
    """Return the word of an arithmetic operation or comparison of numbers."""
    if a != a or (b != b and op not in (NEG, ABS, LOG1P)):
        return NULL_BITS
    if op >= EQ:
        return as_word(1.0 if compare(op, a, b) else 0.0)
    result = 0.0
    if op == ADD:
        result = a + b
    elif op == SUB:
        result = a - b
    elif op == MUL:
        result = a * b
    elif op == DIV:
        result = a / b
    elif op == NEG:
        result = -a
    elif op == ABS:
        result = abs(a)
    elif op == LOG1P:
        result = math.log1p(a) if a > -1.0 else math.inf
    elif op == MINIMUM:
        result = b if b < a else a
    else:
        result = b if b > a else a
    return as_word(result) if math.isfinite(result) else NULL_BITS


@inner
def compare(op: int, a: float, b: float) -> bool:
    """Compare two numbers."""
    if op == EQ:
        return a == b
    if op == NE:
        return a != b
    if op == LT:
        return a < b
    if op == LE:
        return a <= b
    if op == GT:
        return a > b
    return a >= b


@inner
def choose(op: int, r: Array, a: int, b: int, c: int) -> Word:
    """Return the word of an operation that looks at nulls, truth or text."""
    if op in (EQ_TEXT, NE_TEXT):
        if r[a] == 0 or r[b] == 0:
            return NULL_BITS
        return as_word(1.0 if (r[a] == r[b]) == (op == EQ_TEXT) else 0.0)
    if op in (AND, OR):
        return both(op, as_float(r[a]), as_float(r[b]))
    if op in (ISIN, ISIN_TEXT):
        return is_in(op, r, a, b, c)
    if op == IS_NULL_TEXT:
        return as_word(1.0 if r[a] == 0 else 0.0)
    if op == IS_NULL:
        return as_word(1.0 if is_nan(r[a]) else 0.0)
    if op == FILL:
        return r[b] if is_nan(r[a]) else r[a]
    if op == FILL_TEXT:
        return r[b] if r[a] == 0 else r[a]
    if op == HASH:
        return hash_number(as_float(r[a]))
    if is_nan(r[a]):
        return 0 if op == IF_ELSE_TEXT else NULL_BITS
    truth = as_float(r[a]) != 0.0
    if op == NOT:
        return as_word(0.0 if truth else 1.0)
    return r[b] if truth else r[c]


@inner
def both(op: int, a: float, b: float) -> Word:
    """Return Kleene's conjunction or disjunction."""
    decisive = 0.0 if op == AND else 1.0
    if (a == a and (a != 0.0) == (decisive != 0.0)) or (b == b and (b != 0.0) == (decisive != 0.0)):
        return as_word(decisive)
    return NULL_BITS if a != a or b != b else as_word(1.0 - decisive)


@inner
def is_in(op: int, r: Array, a: int, first: int, n: int) -> Word:
    """Tell whether a value is among `n` constants; a null value gives null."""
    if r[a] == 0 if op == ISIN_TEXT else is_nan(r[a]):
        return NULL_BITS
    for i in range(first, first + n):
        if r[i] == r[a] if op == ISIN_TEXT else as_float(r[i]) == as_float(r[a]):
            return as_word(1.0)
    return as_word(0.0)
