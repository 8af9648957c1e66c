"""Hashes are XXH64's, whatever shape the strings come in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import InputError
from tidewheel.kernel import hash_numbers, hash_strings, hash_text, partition_of

KNOWN = {
    "": 0xEF46DB3751D8E999,
    "a": 0xD24EC4F1A98C6E5B,
    "abc": 0x44BC2CF5AD770999,
    "Nobody inspects the spammish repetition": 0xFBCEA83C8A378BF1,
}


@pytest.mark.parametrize(("text", "expected"), KNOWN.items())
def test_known_answers(text: str, expected: int) -> None:
    assert hash_text(text) % 2**64 == expected


texts = st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=70)), max_size=20)


@settings(deadline=None)
@given(texts, st.integers(0, 3))
def test_every_arrow_form_agrees(values: list[str | None], skip: int) -> None:
    expected = [hash_text(value) for value in values][skip:]
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        array = (
            pa.array(values, pa.string()).cast(pa.string_view()) if kind == pa.string_view() else pa.array(values, kind)
        )
        assert hash_strings(array[skip:]).tolist() == expected
    assert hash_strings(pa.chunked_array([pa.array(values, pa.string()), pa.array(["x"])])).tolist() == [
        *(hash_text(value) for value in values),
        hash_text("x"),
    ]
    assert hash_strings(values).tolist() == [hash_text(value) for value in values]


def test_nulls_and_wrong_types() -> None:
    assert hash_strings(pa.nulls(2)).tolist() == [0, 0]
    assert hash_strings(pa.chunked_array([], pa.string())).tolist() == []
    with pytest.raises(InputError):
        hash_strings(pa.array([1, 2]))


def test_numbers() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    words = hash_numbers(np.concatenate([values, values, [np.nan, 0.0, -0.0]]))
    assert len(np.unique(words)) == 1002
    assert words[2000] == 0
    assert words[2001] == words[2002] != 0


def test_partitions_cover_all() -> None:
    assert {partition_of(str(i).encode(), 4) for i in range(100)} == {0, 1, 2, 3}
