"""The register machine that runs an expression's program: one compiled loop over rows.

A program's code is its head, its operations (operator, target register, three arguments), its constants and
its outputs. Registers hold words: the inputs, the constants, then one for each operation.
"""

from __future__ import annotations

import math

import numpy as np

from tidewheel.kernel._jit import Array, Word, as_float, as_word, entry, inner
from tidewheel.kernel.layouts.layout import NULL_BITS
from tidewheel.kernel.programs.formulas import (
    bucket_of_number,
    bucket_of_word,
    calendar,
    cyclic,
    finite,
    haversine,
    joined,
    product,
)
from tidewheel.kernel.words.hashing import hash_number

P_INPUTS, P_OUTPUTS, P_REGISTERS, P_OPS, P_OPS_AT, P_CONSTS, P_CONSTS_AT, P_OUTPUTS_AT, P_HEAD = range(9)
_OP_WORDS = 5
(ADD, SUB, MUL, DIV, NEG, ABS, LOG1P, MINIMUM, MAXIMUM, CYCLIC_SIN, CYCLIC_COS, HOUR_OF_DAY, DAY_OF_WEEK,
 EQ, NE, LT, LE, GT, GE, EQ_TEXT, NE_TEXT, AND, OR, NOT,
 ISIN, ISIN_TEXT, IS_NULL, IS_NULL_TEXT, FILL, FILL_TEXT, IF_ELSE, IF_ELSE_TEXT, HASH,
 COPY, BUCKETIZE, HASH_BUCKET, CROSS, HAVERSINE, DOT, COSINE) = range(40)  # fmt: skip

NUMERIC = {
    "add": ADD, "sub": SUB, "mul": MUL, "div": DIV, "neg": NEG, "abs": ABS, "log1p": LOG1P,
    "minimum": MINIMUM, "maximum": MAXIMUM, "lt": LT, "le": LE, "gt": GT, "ge": GE,
    "and": AND, "or": OR, "not": NOT, "hash": HASH, "cyclic_sin": CYCLIC_SIN, "cyclic_cos": CYCLIC_COS,
    "hour_of_day": HOUR_OF_DAY, "day_of_week": DAY_OF_WEEK, "haversine": HAVERSINE,
}  # fmt: skip
EITHER = {"eq": (EQ, EQ_TEXT), "ne": (NE, NE_TEXT), "is_null": (IS_NULL, IS_NULL_TEXT), "fill": (FILL, FILL_TEXT)}
COUNTED = frozenset({ISIN, ISIN_TEXT, BUCKETIZE, DOT, COSINE})
"""Operators whose third argument is a number of registers, not a register."""


@entry
def run_program(code: Array, inputs: Array, out: Array) -> None:
    """Do as `evaluate` does, into `out`."""
    run_rows(code, inputs.view(np.int64), out.view(np.int64))


@inner
def run_rows(code: Array, rows: Array, target: Array) -> None:
    """Run a program over rows of words."""
    r = np.empty(code[P_REGISTERS] + 1, np.int64)
    n = code[P_INPUTS]
    for i in range(code[P_CONSTS]):
        r[n + i] = code[code[P_CONSTS_AT] + i]
    for row in range(len(rows)):
        for i in range(n):
            r[i] = rows[row, i]
        at = code[P_OPS_AT]
        for _ in range(code[P_OPS]):
            op = code[at]
            if op < EQ_TEXT:
                r[code[at + 1]] = calculate(op, as_float(r[code[at + 2]]), as_float(r[code[at + 3]]))
            elif op < COPY:
                r[code[at + 1]] = choose(op, r, code[at + 2], code[at + 3], code[at + 4])
            else:
                r[code[at + 1]] = combine(op, r, code[at + 2], code[at + 3], code[at + 4])
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
    if op >= HOUR_OF_DAY:
        return calendar(a, b, op == DAY_OF_WEEK)
    if op >= CYCLIC_SIN:
        return cyclic(a, b, 1 if op == CYCLIC_COS else 0)
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
    return finite(result)


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
def combine(op: int, r: Array, a: int, b: int, c: int) -> Word:
    """Return the word of an operation over hashes, or over registers in a row."""
    if op == COPY:
        return r[a]
    if op == BUCKETIZE:
        return bucket_of_number(r, a, b, c)
    if op == HASH_BUCKET:
        return bucket_of_word(r[a], r[b])
    if op == CROSS:
        return bucket_of_word(joined(r[a], r[b]), r[c])
    if op == HAVERSINE:
        return haversine(r, a)
    result = product(r, a, b, c)
    if op == COSINE:
        result /= math.sqrt(product(r, a, a, c)) * math.sqrt(product(r, b, b, c))
    return finite(result)


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
