"""Expectations: a row alone and whole columns are judged alike, and each kind does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.collect.checking.checks import RowCheck
from tidewheel.collect.checking.expectations import failing, row_expectations
from tidewheel.collect.checking.screening import screen_rows
from tidewheel.definitions.ir import Column, Expectation, Source
from tidewheel.errors import ExpectationError
from tidewheel.storage.log.records import BadRow, NewEvent

COLUMNS = (
    Column("id", "id"),
    Column("amount", "float", nullable=True),
    Column("n", "int", nullable=True),
    Column("when", "time", nullable=True),
    Column("country", "category", nullable=True),
)
TYPES = {"amount": pa.float64(), "n": pa.int64(), "when": pa.int64(), "country": pa.string()}
numbers = st.one_of(st.none(), st.floats(-9, 9), st.sampled_from([0.0, -0.0, 3.0, 5.0]))
wholes = st.one_of(st.none(), st.integers(-(2**53), 2**53), st.integers(-3, 6))
instants = st.one_of(st.none(), st.integers(10**15, 10**15 + 5), st.integers(10**17, 10**17 + 5))
texts = st.one_of(st.none(), st.sampled_from(["SE", "NO", "se", "SE\n", "é", "SE1", ""]), st.text(max_size=3))
rows = st.lists(st.tuples(numbers, wholes, instants, texts), max_size=12)
EACH = [
    Expectation("a", "between", ("amount",), "quarantine", low=0, high=5.0),
    Expectation("b", "between", ("n",), "quarantine", low=-2.5),
    Expectation("c", "between", ("when",), "quarantine", high=10**17 + 2),
    Expectation("d", "in_set", ("country",), "quarantine", values=("NO", "SE")),
    Expectation("e", "matches", ("country",), "quarantine", pattern="[A-Z]{2}"),
    Expectation("f", "in_set", ("n",), "quarantine", values=(1, 2.0)),
]


def table(given: list[tuple[Any, ...]]) -> pa.Table:
    columns = {name: pa.array([row[k] for row in given], kind) for k, (name, kind) in enumerate(TYPES.items())}
    return pa.table({"_at": pa.array(range(len(given)), pa.int64()), **columns})


@given(rows)
def test_a_row_and_a_column_are_judged_alike(given: list[tuple[Any, ...]]) -> None:
    batch = table(given)
    for expectation in EACH:
        (alone,) = row_expectations(Source("S", COLUMNS, expects=(expectation,)))
        one_by_one = [not alone.met(dict(zip(TYPES, row, strict=True)), 0) for row in given]
        assert failing(expectation, batch).tolist() == one_by_one, expectation


@given(rows)
def test_repetitions_and_falls_are_what_a_loop_finds(given: list[tuple[Any, ...]]) -> None:
    batch = table(given)
    seen: set[object] = set()
    newest: dict[object, int] = {}
    twice, falls = [], []
    for _, n, when, country in given:
        twice.append((n, country) in seen and None not in (n, country))
        seen.add((n, country))
        known = when is not None and country is not None
        falls.append(known and when < newest.get(country, when))
        if known:
            newest[country] = when
    assert failing(Expectation("u", "unique", ("n", "country")), batch).tolist() == twice
    assert failing(Expectation("i", "increasing", ("when", "country")), batch).tolist() == falls


def test_nulls_are_counted_by_their_rate_alone() -> None:
    batch = table([(None, 1, None, None), (2.0, None, None, "SE")])
    assert failing(Expectation("r", "null_rate", ("amount",), limit=0.1), batch).tolist() == [True, False]
    assert not failing(EACH[0], batch).any()
    assert failing(EACH[0], batch.slice(0, 0)).tolist() == []


def custom(body: str) -> Expectation:
    return Expectation("own", "check", ("amount", "country"), source=f"def own(amount, country):\n    return {body}\n")


def test_a_function_says_which_rows_are_fine() -> None:
    batch = table([(1.0, 1, None, "SE"), (None, 1, None, None)])
    assert failing(custom("amount == amount"), batch).tolist() == [False, True]
    assert failing(custom("country == 'SE'"), batch).tolist() == [False, True]
    assert failing(custom("False"), batch).tolist() == [True, True]
    with pytest.raises(ExpectationError, match="returned float64 of shape"):
        failing(custom("amount"), batch)
    with pytest.raises(ExpectationError, match="ZeroDivisionError"):
        failing(custom("1 // 0"), batch)


def test_json_rows_are_refused_with_the_reason_and_personal_values_are_not_shown() -> None:
    source = Source(
        "Pay",
        (Column("id", "id"), Column("amount", "float"), Column("mail", "text", personal=True)),
        expects=(
            Expectation("small", "between", ("amount",), "quarantine", high=10),
            Expectation("mail", "matches", ("mail",), "quarantine", pattern=".+@.+"),
            Expectation("soft", "between", ("amount",), low=5),
        ),
    )
    check = RowCheck(source)
    body = b'[{"id":"a","amount":1,"mail":"x@y"},{"id":"b","amount":11,"mail":"x@y"},{"id":"c","amount":1,"mail":"no"}]'
    good, dear, wrong = check.decode(body, now=5)
    assert isinstance(good, NewEvent)
    assert isinstance(dear, BadRow)
    assert isinstance(wrong, BadRow)
    assert (dear.expectation, dear.reason) == ("small", "amount: found 11.0, expected at most 10 (expectation 'small')")
    assert wrong.reason.startswith("mail: found a personal value, expected a match of")


def test_a_batch_without_expectations_is_left_as_it_is() -> None:
    rows = [NewEvent("Pay", "a", 1, {"amount": 1.0})]
    assert screen_rows(rows, {"Pay": Source("Pay", (Column("amount", "float"),))}, 0) is rows


def test_the_whole_batch_is_stopped_by_a_rate() -> None:
    rate = Expectation("told", "null_rate", ("amount",), "stop", limit=0.5, rows=2)
    source = Source("Pay", (Column("amount", "float", nullable=True),), expects=(rate,))
    rows = [NewEvent("Pay", str(k), k, {"amount": value}) for k, value in enumerate((1.0, None, None))]
    other = NewEvent("Else", "x", 1, {})
    out = screen_rows([*rows, other], {"Pay": source}, 9)
    assert [type(row).__name__ for row in out] == ["BadRow"] * 3 + ["NewEvent"]
    assert screen_rows(rows[1:2], {"Pay": source}, 9) == rows[1:2]
    assert np.all([row.expectation == "told" for row in out[:3] if isinstance(row, BadRow)])
