"""Outcomes that moved are told from outcomes that swing."""

from __future__ import annotations

import numpy as np
from decision_rows import DAY, MONDAY
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.monitoring.shift import OutcomeShift, outcome_shift
from tidewheel.outcomes import Joined, Status

END = MONDAY + 35 * DAY


def outcomes(before: float, now: float, *, swing: float = 0.0, a_day: int = 60, seed: int = 0) -> Joined:
    """Five weeks of outcomes at a share that swings from day to day, the last one at another share."""
    import pyarrow as pa

    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(35), a_day)
    level = np.where(np.arange(35) < 28, before, now) + random.normal(0, swing, 35)
    label = (random.random(day.size) < np.clip(level, 0, 1)[day]).astype(np.float64)
    table = pa.table({"at": MONDAY + day * DAY})
    return Joined(table, label, np.ones(day.size), np.zeros(day.size, dtype=np.int8))


def shift(rows: Joined) -> OutcomeShift:
    found = outcome_shift(rows, END, 7 * DAY, 28 * DAY)
    assert found is not None
    return found


def test_a_doubled_share_is_a_shift() -> None:
    found = shift(outcomes(0.17, 0.33))
    assert abs(found.before - 0.17) < 0.02
    assert abs(found.now - 0.33) < 0.08
    assert 0.25 < found.effect < 0.6
    assert found.p_value < 0.001
    assert (found.rows, found.rows_before) == (420, 1680)


def test_one_bad_day_in_a_week_is_none() -> None:
    rows = outcomes(0.17, 0.17)
    rows.label[-60:] = 1.0
    assert shift(rows).p_value > 0.1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_swinging_days_are_seldom_taken_for_a_shift(seed: int) -> None:
    found = shift(outcomes(0.2, 0.2, swing=0.1, seed=seed))
    assert found.p_value > 1e-5


def test_numbers_shift_in_standard_deviations() -> None:
    rows = outcomes(0.2, 0.2)
    random = np.random.default_rng(3)
    rows.label[:] = random.normal(10.0, 2.0, rows.label.size)
    rows.label[-420:] += 3.0
    found = shift(rows)
    assert 1.3 < found.effect < 1.7
    assert found.p_value < 1e-6


def test_too_little_is_not_compared() -> None:
    assert outcome_shift(outcomes(0.2, 0.2, a_day=5), END, 7 * DAY, 28 * DAY) is None
    assert outcome_shift(outcomes(0.2, 0.2), END + 5 * DAY, 7 * DAY, 28 * DAY) is None, "two days of the window"
    rows = outcomes(0.2, 0.2)
    rows.status[-420:] = Status.PENDING
    assert outcome_shift(rows, END, 7 * DAY, 28 * DAY) is None


def test_weights_count() -> None:
    rows = outcomes(0.2, 0.2)
    rows.weight[:] = np.where(rows.label == 1.0, 4.0, 1.0)
    assert abs(shift(rows).before - 0.5) < 0.05


def test_shares_without_any_variation() -> None:
    rows = outcomes(0.0, 0.0)
    assert shift(rows).p_value == 1.0
    rows.label[-420:] = 1.0
    assert shift(rows).p_value == 0.0
