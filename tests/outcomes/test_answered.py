"""Which decisions count, and what is read of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from decision_rows import HOUR, MONDAY, record, table
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.outcomes import answered, fell_back, model_scores, time_spent, view_rows


def test_a_retry_is_the_first_decision_and_shadows_answer_nobody() -> None:
    rows = table(
        [
            record(3, MONDAY + 3 * HOUR),
            record(2, MONDAY + 2 * HOUR, event_id="e1", decision="block"),
            record(1, MONDAY + HOUR),
            record(0, MONDAY, event_id="e1", arm="shadow"),
        ]
    )
    assert answered(rows)["decision_id"].to_pylist() == ["d000000001", "d000000003"]
    assert answered(rows.slice(0, 0)).num_rows == 0


def test_load_tests_answer_nobody() -> None:
    callers = ["bench", "ann (bench)", "ann", "", "workbench", "bench of ann"]
    rows = table([record(n, MONDAY + n, caller=caller) for n, caller in enumerate(callers)])
    assert answered(rows)["caller"].to_pylist() == callers[2:]


@given(st.permutations(list(range(12))))
def test_the_order_in_which_decisions_are_read_does_not_matter(order: list[int]) -> None:
    rows = table([record(n, MONDAY + (7 * n % 12) * HOUR, event_id=f"e{n // 2}") for n in range(12)])
    assert answered(rows.take(order)).equals(answered(rows))


def test_scores_are_the_models_own() -> None:
    rows = table([record(0), record(1, score=None, rule="burst"), record(2, fallback="table", score=0.9)])
    assert fell_back(rows).tolist() == [False, False, True]
    np.testing.assert_array_equal(model_scores(rows), [0.5, np.nan, np.nan])


def test_time_spent_is_the_sum_of_the_stages() -> None:
    rows = table([record(0), record(1, timings=[]), record(2, timings=[500])])
    np.testing.assert_array_equal(time_spent(rows), [15.0, np.nan, 0.5])
    np.testing.assert_array_equal(time_spent(rows.slice(2)), [0.5])
    np.testing.assert_array_equal(time_spent(pa.concat_tables([rows, rows]))[3:], [15.0, np.nan, 0.5])
    assert time_spent(rows.slice(0, 0)).size == 0


def test_view_rows_come_back_as_they_were_read() -> None:
    words = np.array([[1.0, np.nan], [3.0, -0.0]])
    rows = table([record(0, features=words[0].tolist()), record(1), record(2, features=words[1].tolist())])
    both = pa.concat_tables([rows, rows.slice(2), rows.slice(1, 1)])
    places, found = view_rows(both, 2)
    assert places.tolist() == [0, 2, 3]
    assert found.view(np.int64).tolist() == words[[0, 1, 1]].view(np.int64).tolist()
    assert view_rows(rows, 3)[1].shape == (0, 3)
