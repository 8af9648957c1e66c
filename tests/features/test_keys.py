"""One row and whole columns name an entity by the same bytes, and no two entities by one."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.errors import FeatureError
from tidewheel.features.keys import key_array, key_parts, key_text

texts = st.text(alphabet="ab\\\x1fué", max_size=4)
parts = st.tuples(st.one_of(st.none(), texts), st.one_of(st.none(), texts))


@given(st.lists(parts, min_size=1, max_size=6))
def test_columns_and_rows_agree(rows: list[tuple[str | None, str | None]]) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    assert key_array(columns).to_pylist() == [key_text(row) for row in rows]
    assert key_array(columns[:1]).to_pylist() == [key_text(row[:1]) for row in rows]


@given(parts, parts)
def test_different_keys_have_different_texts(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (key_text(one) == key_text(other)) == (one == other or (None in one and None in other))


@given(st.lists(st.text(alphabet="ab\\\x1fué", max_size=6), min_size=2, max_size=3))
def test_a_key_is_taken_apart_again(parts: list[str]) -> None:
    text = key_text(parts)
    assert text is not None
    assert key_parts(text) == parts


def test_other_kinds_of_parts() -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    for value, column in [
        (7, pa.array([7])),
        (True, pa.array([True])),
        (time, pa.array([time], pa.timestamp("us", "UTC"))),
        ("x", pa.array(["x"]).dictionary_encode()),
        (None, pa.nulls(1)),
    ]:
        assert key_array([column]).to_pylist() == [key_text([value])]
    with pytest.raises(FeatureError, match="of type float"):
        key_text([1.5])
    with pytest.raises(FeatureError, match="of type double"):
        key_array([pa.array([1.5])])
