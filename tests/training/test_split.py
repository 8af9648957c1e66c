"""The temporal split keeps what was not known out of the train side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.training.split import require_two_classes, tail, temporal


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=50),
    st.integers(1, 300),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_train_labels_are_known_before_the_test_begins(at: list[int], test: int, gap: int, horizon: int) -> None:
    times = np.array(at, dtype=np.int64)
    try:
        sides = temporal(ir.Split(test, gap), horizon, times)
    except TrainingError:
        return
    assert times[sides.train].max() + max(gap, horizon) <= sides.test_from
    assert times[sides.test].min() > sides.test_from
    assert sides.train.size + sides.test.size + sides.gap_rows == times.size
    assert np.all(np.diff(times[sides.train]) >= 0)


def test_an_empty_side_says_what_was_there() -> None:
    day = 86_400_000_000
    with pytest.raises(TrainingError, match=r"cover 9.0 days, the test 30.0 and the gap 2.0; shorten"):
        temporal(ir.Split(30 * day, 0), 2 * day, np.arange(10) * day)
    with pytest.raises(TrainingError, match="no row has a label yet"):
        temporal(ir.Split(1, 0), 1, np.empty(0, np.int64))


def test_one_class_is_refused() -> None:
    with pytest.raises(TrainingError, match="all 3 labels of the test rows are 0"):
        require_two_classes(np.zeros(3), "test")
    require_two_classes(np.array([0.0, 1.0]), "test")


def test_a_held_out_tail_grows_until_it_has_both_classes() -> None:
    y = np.zeros(1000)
    y[::20] = 1.0
    fit, held = tail(np.arange(1000), y, share=0.1, least=10)
    assert y[held].sum() >= 10
    assert fit.size + held.size == 1000
    assert held[0] == fit[-1] + 1
    with pytest.raises(TrainingError, match="too few to hold some out"):
        tail(np.arange(1000), y, share=0.1, least=40)
    numbers = np.arange(100) / 7
    assert tail(np.arange(100), numbers, share=0.2, least=20)[1].size == 20
