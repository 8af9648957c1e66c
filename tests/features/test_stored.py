"""The point-in-time join of stored features: its truth table, and any table against a naive search."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.errors import FeatureError
from tidewheel.features.replay.stored import join_as_of

DAY = 86_400_000_000

VALUES = pa.table({"card": ["a", "a", "a", "b"], "at": [10, 10, 20, 5], "limit": [1.0, 2.0, 3.0, 9.0]})
TRUTH = [
    # card, at, ttl, strict -> limit, age in µs, status
    ("a", 9, None, False, None, None, "missing"),  # only later values
    ("a", 10, None, False, 2.0, 0, "present"),  # its very time counts; of a tie the later row wins
    ("a", 10, None, True, None, None, "missing"),  # unless strict
    ("a", 11, None, True, 2.0, 1, "present"),
    ("a", 19, None, False, 2.0, 9, "present"),  # until the next one's time
    ("a", 20, None, False, 3.0, 0, "present"),
    ("a", 25, 5, False, 3.0, 5, "present"),  # exactly as old as the ttl
    ("a", 26, 5, False, None, 6, "expired"),  # a microsecond older
    ("c", 50, None, False, None, None, "missing"),  # an entity that is not there
    (None, 50, None, False, None, None, "missing"),  # no key
]


@pytest.mark.parametrize(("card", "at", "ttl", "strict", "limit", "age", "status"), TRUTH)
def test_truth_table(
    card: str | None, at: int, ttl: int | None, strict: bool, limit: float | None, age: int | None, status: str
) -> None:
    rows = pa.table({"card": pa.array([card], pa.string()), "at": [at]})
    joined = join_as_of(rows, VALUES, "card", ttl=ttl, strict=strict, age="age", status="status").to_pylist()[0]
    assert (joined["limit"], joined["status"]) == (limit, status)
    assert joined["age"] == (None if age is None else age / 1e6)


def test_equal_label_rows_all_come_out_in_their_order() -> None:
    rows = pa.table({"row": [3, 1, 2, 0], "card": ["b", "a", "a", "b"], "at": [7, 10, 10, 7]})
    joined = join_as_of(rows, VALUES, "card")
    assert joined["row"].to_pylist() == [3, 1, 2, 0]
    assert joined["limit"].to_pylist() == [9.0, 2.0, 2.0, 9.0]


def test_timestamps_and_empty_tables() -> None:
    at = pa.timestamp("ms", "Europe/Stockholm")
    rows = pa.table({"card": ["a"], "at": pa.array([1], at)})
    table = pa.table({"card": ["a"], "at": pa.array([1], at), "x": [5]})
    assert join_as_of(rows, table, "card")["x"].to_pylist() == [5]
    assert join_as_of(rows, table.slice(0, 0), "card", status="s").to_pylist()[0] | {"at": 0} == {
        "card": "a", "at": 0, "x": None, "s": "missing",
    }  # fmt: skip
    assert join_as_of(rows.slice(0, 0), table, "card").num_rows == 0


@pytest.mark.parametrize(
    ("rows", "table", "words"),
    [
        ({"at": [1]}, {"card": ["a"], "at": [1]}, "the rows lack card"),
        ({"card": ["a"], "at": [1]}, {"card": [1], "at": [1]}, "'card' is string in the rows and int64 in the table"),
        ({"card": ["a"], "at": [1], "x": [1]}, {"card": ["a"], "at": [1], "x": [1]}, "two columns would be called 'x'"),
        ({"card": ["a"], "at": [1]}, {"card": ["a"], "at": [None]}, "nulls in the time column"),
        ({"card": ["a"], "at": ["1"]}, {"card": ["a"], "at": [1]}, "is string"),
        (
            {"card": ["a"], "at": pa.array([1], pa.timestamp("us"))},
            {"card": ["a"], "at": [1]},
            "the times 'at' of the rows have no zone",
        ),
    ],
)
def test_what_does_not_fit_is_told(rows: dict[str, object], table: dict[str, object], words: str) -> None:
    with pytest.raises(FeatureError, match=words):
        join_as_of(pa.table(rows), pa.table(table), "card")


KEYS = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([-(2**62), 2**62]))
EVENTS = st.lists(st.tuples(KEYS, st.sampled_from(["x", "y", None]), st.integers(0, 12)), max_size=30)


@given(EVENTS, EVENTS, st.one_of(st.none(), st.integers(0, 6)), st.booleans())
def test_any_table_as_a_naive_search_finds(
    asked: list[tuple[int | None, str | None, int]],
    held: list[tuple[int | None, str | None, int]],
    ttl: int | None,
    strict: bool,
) -> None:
    def table(events: list[tuple[int | None, str | None, int]]) -> pa.Table:
        keys, kinds, at = zip(*events, strict=True) if events else ((), (), ())
        types = (pa.int64(), pa.string(), pa.int64())
        columns = [pa.array(list(column), kind) for column, kind in zip((keys, kinds, at), types, strict=True)]
        return pa.table(dict(zip(("key", "kind", "at"), columns, strict=True)))

    joined = join_as_of(
        table(asked), table(held).append_column("v", pa.array(range(len(held)), pa.int64())), ["key", "kind"],
        ttl=ttl, strict=strict,
    )  # fmt: skip
    expected = []
    for key, kind, at in asked:
        seen = [
            (then, number)
            for number, (other, another, then) in enumerate(held)
            if None not in (key, kind)
            and (other, another) == (key, kind)
            and (then < at or (then == at and not strict))
        ]
        newest = max(seen, default=None)
        alive = newest is not None and (ttl is None or at - newest[0] <= ttl)
        expected.append(newest[1] if newest is not None and alive else None)
    assert joined["v"].to_pylist() == expected


def test_a_null_part_of_a_long_key_matches_nothing() -> None:
    keys = {f"key{part}": pa.array([f"{part} {n}" for n in range(301)]) for part in range(8)}
    keys["key0"] = pa.array([None, *keys["key0"].to_pylist()[1:]])
    values = pa.table(keys | {"at": [5] * 301, "value": list(range(301))})
    joined = join_as_of(pa.table(keys | {"at": [10] * 301}), values, list(keys))
    assert joined["value"].to_pylist() == [None, *range(1, 301)]
