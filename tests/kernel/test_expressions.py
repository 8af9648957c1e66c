"""The register machine computes what a plain recursive evaluator does, nulls and all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import DefinitionError
from tidewheel.kernel import Node, compile_program, evaluate, hash_numbers, hash_text

TEXTS = ("se", "no", "fi")
numbers = st.one_of(st.none(), st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e300, -1e-3]))
texts = st.one_of(st.none(), st.sampled_from(TEXTS))


def finite(compute: Any) -> float | None:
    try:
        value = compute()
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return float(value) if math.isfinite(value) else None


PLAIN = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "abs": abs,
    "log1p": math.log1p,
    "minimum": min,
    "maximum": max,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "not": lambda a: not a,
}


def expect(node: Node, row: list[Any]) -> Any:
    kind = node[0]
    if kind == "input":
        return row[node[1]]
    if kind in ("const", "text"):
        return node[1]
    if kind == "if_else":
        condition = expect(node[1], row)
        return None if condition is None else expect(node[2 if condition else 3], row)
    values = [expect(argument, row) for argument in node[1:]]
    if kind == "is_null":
        return float(values[0] is None)
    if kind == "fill":
        return values[1] if values[0] is None else values[0]
    if kind == "and":
        return 0.0 if any(v is not None and not v for v in values) else None if None in values else 1.0
    if kind == "or":
        return 1.0 if any(v is not None and v for v in values) else None if None in values else 0.0
    if kind == "isin":
        return None if values[0] is None else float(values[0] in values[1:])
    if None in values:
        return None
    return finite(lambda: PLAIN[kind](*values))


number_leaf = st.one_of(st.sampled_from([("input", 0), ("input", 1)]), numbers.map(lambda x: ("const", x)))
text_leaf = st.one_of(st.sampled_from([("input", 2), ("input", 3)]), st.sampled_from(TEXTS).map(lambda x: ("text", x)))
binary = st.sampled_from(
    ["add", "sub", "mul", "div", "minimum", "maximum", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "fill"]
)


def grow(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.tuples(binary, children, children),
        st.tuples(st.sampled_from(["neg", "abs", "log1p", "not", "is_null"]), children),
        st.tuples(st.just("if_else"), children, children, children),
        st.tuples(st.sampled_from(["eq", "ne"]), text_leaf, text_leaf),
        st.tuples(st.just("is_null"), text_leaf),
        st.tuples(st.just("isin"), text_leaf, st.just(("text", "se")), st.just(("text", "fi"))),
        st.tuples(st.just("isin"), children, st.just(("const", 1.0)), st.just(("const", 0.0))),
    )


nodes = st.recursive(number_leaf, grow, max_leaves=12)
text_nodes = st.one_of(
    st.tuples(st.just("fill"), text_leaf, text_leaf),
    st.tuples(st.just("if_else"), nodes, text_leaf, text_leaf),
    st.tuples(st.just("if_else"), nodes, text_leaf, st.just(("const", None))),
)
rows = st.lists(st.tuples(numbers, numbers, texts, texts).map(list), min_size=1, max_size=5)


def words(table: list[list[Any]]) -> np.ndarray:
    out = np.array([[np.nan if x is None else x for x in row[:2]] + [0.0, 0.0] for row in table])
    out.view(np.int64)[:, 2:] = [[hash_text(x) for x in row[2:]] for row in table]
    return out


@settings(max_examples=300, deadline=None)
@given(st.lists(nodes, min_size=1, max_size=3), st.lists(text_nodes, max_size=2), rows)
def test_programs(wanted: list[Node], wanted_texts: list[Node], table: list[list[Any]]) -> None:
    program = compile_program([*wanted, *wanted_texts], [False, False, True, True])
    assert program.text == tuple([False] * len(wanted) + [True] * len(wanted_texts))
    out = evaluate(program, words(table))
    for got, row in zip(out, table, strict=True):
        for i, node in enumerate(wanted):
            expected = expect(node, row)
            assert np.isnan(got[i]) if expected is None else got[i] == expected
        for i, node in enumerate(wanted_texts, len(wanted)):
            assert got.view(np.int64)[i] == hash_text(expect(node, row))


def test_nulls_are_canonical() -> None:
    odd = np.array([0x7FF8000000000001]).view(np.float64).reshape(1, 1)
    out = evaluate(compile_program([("input", 0), ("add", ("input", 0), ("const", 1.0))], [False]), odd)
    assert out.view(np.int64).tolist() == [[0x7FF8000000000000] * 2]


def test_hash_gives_the_word_that_distinct_counts() -> None:
    program = compile_program([("hash", ("mul", ("input", 0), ("const", 2)))], [False])
    out = evaluate(program, np.array([[1.5], [np.nan]]))
    assert program.text == (True,)
    assert out.view(np.int64)[:, 0].tolist() == hash_numbers(np.array([3.0, np.nan])).tolist()


def test_common_parts_are_computed_once() -> None:
    part = ("add", ("input", 0), ("const", 1.0))
    both = compile_program([("mul", part, part), part], [False])
    one = compile_program([("mul", part, part)], [False])
    assert len(both.code) == len(one.code) + 2


@pytest.mark.parametrize(
    "node",
    [
        ("add", ("input", 0), ("text", "a")),
        ("eq", ("input", 0), ("text", "a")),
        ("if_else", ("text", "a"), ("input", 0), ("input", 0)),
        ("add", ("input", 0)),
        ("power", ("input", 0), ("input", 0)),
        ("input", 7),
        ("isin", ("input", 0), ("text", "a")),
    ],
)
def test_mistakes_are_refused(node: Node) -> None:
    with pytest.raises(DefinitionError):
        compile_program([node], [False])
