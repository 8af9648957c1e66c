"""What is said of two data sets and of two sets of scores: nothing when they are equal, and what when not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.registry.models.arrays import pack_arrays
from tidewheel.training.differences import data_differences, prediction_differences, reason

VALUES = st.one_of(st.none(), st.floats())
TEXTS = st.one_of(st.none(), st.text(max_size=3))
ROWS = st.lists(st.tuples(VALUES, TEXTS), min_size=1, max_size=20)


def table(rows: list[tuple[float | None, str | None]]) -> pa.Table:
    ids = pa.array([f"p{place}" for place in range(len(rows))])
    numbers, texts = pa.array([row[0] for row in rows], pa.float64()), pa.array([row[1] for row in rows], pa.string())
    return pa.table({"_id": ids, "amount": numbers, "country": texts})


@settings(deadline=None)  # the first call compiles
@given(ROWS)
def test_equal_rows_have_no_difference(rows: list[tuple[float | None, str | None]]) -> None:
    assert data_differences(table(rows), table(rows)) == []


@settings(deadline=None)
@given(ROWS, st.data())
def test_one_changed_value_is_told_with_its_row(
    rows: list[tuple[float | None, str | None]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    changed = list(rows)
    changed[place] = (rows[place][0], f"{rows[place][1]}!")
    (told,) = data_differences(table(rows), table(changed))
    assert told.startswith(f"column country: 1 of {len(rows)} rows differ, first p{place}: ")


def test_the_last_bit_counts() -> None:
    one = table([(0.1 + 0.2, "NO")])
    (told,) = data_differences(one, table([(0.3, "NO")]))
    assert told.endswith("0.30000000000000004 then, 0.3 now")


def test_columns_and_order() -> None:
    one = table([(1.0, "NO"), (2.0, "SE")])
    assert data_differences(one, one.drop_columns(["country"])) == ["columns only then: country"]
    assert data_differences(one, one.take([1, 0])) == ["rows: in another order"]


def test_many_columns_are_counted() -> None:
    one = pa.table({"_id": ["a"]} | {f"c{i}": [0.0] for i in range(8)})
    two = pa.table({"_id": ["a"]} | {f"c{i}": [1.0] for i in range(8)})
    assert data_differences(one, two)[-1] == "columns: 3 more differ"


def test_scores_of_other_rows() -> None:
    one = pack_arrays({"offset": np.array([1, 2]), "score": np.zeros(2)})
    two = pack_arrays({"offset": np.array([2, 3, 4]), "score": np.zeros(3)})
    assert prediction_differences(one, two) == ["predictions: of other test rows (2 then, 3 now, 1 in both)"]
    assert prediction_differences(one, one) == []


@pytest.mark.parametrize(
    ("same", "changed", "said"),
    [
        ((True, True, True), ["code: a then, b now"], ""),
        (
            (False, False, False),
            ["history: 3 rows were redacted"],
            "the rows came out otherwise; what changed: history",
        ),
        ((True, False, False), ["history: 3 rows were redacted"], "nothing recorded changed: the estimator does not"),
        ((True, True, False), ["code: a then, b now"], "measured otherwise; what changed: code"),
    ],
)
def test_the_reason_names_what_may_have_done_it(same: tuple[bool, bool, bool], changed: list[str], said: str) -> None:
    found = reason(*same, changed)
    assert said in found
    assert bool(found) == bool(said)
