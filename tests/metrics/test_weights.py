"""A row of weight k counts as k rows of it, in whatever is measured; what rounding leaves is no variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tidewheel import metrics
from tidewheel.errors import MetricError
from tidewheel.metrics.agreement import rank_correlation, ranks
from tidewheel.metrics.rates import share_of

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4)), min_size=3, max_size=30)


@given(ROWS)
def test_ranks_and_their_correlation_are_those_of_repeated_rows(rows: list[tuple[int, int, int]]) -> None:
    one, two, times = np.array(rows, np.float64).T
    repeat = times.astype(int)
    assert np.allclose(np.repeat(ranks(one, times), repeat), ranks(np.repeat(one, repeat)))
    found = rank_correlation(one, two, times)
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(np.repeat(one, repeat), np.repeat(two, repeat)).statistic)


@given(ROWS)
def test_a_weighted_share_is_that_of_repeated_rows_which_are_alike(rows: list[tuple[int, int, int]]) -> None:
    value, _, times = np.array(rows, np.float64).T
    value, repeat = (value > 2).astype(float), times.astype(int)
    found = share_of(value, None, times)
    blocks = np.repeat(np.arange(len(rows)), repeat)
    again = share_of(np.repeat(value, repeat), blocks)
    assert found.value == pytest.approx(again.value)
    assert found.rows == pytest.approx(again.rows)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=12), st.integers(2, 40))
def test_blocks_that_are_all_alike_are_worth_a_row_each(inside: list[int], blocks: int) -> None:
    found = share_of(np.tile(np.array(inside, np.float64), blocks), np.repeat(np.arange(blocks), len(inside)))
    assert found.value == pytest.approx(np.mean(inside))
    assert found.rows == pytest.approx(blocks)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_intervals_of_weighted_shares_hold_what_they_promise(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, weight = random.random((200, 400)) < 0.3, random.choice([1.0, 20.0], 400, p=[0.9, 0.1])
    missed = [not low <= 0.3 <= high for low, high in (share_of(r * 1.0, None, weight).ends(0.975) for r in rows)]
    assert np.mean(missed) < 0.16  # 5% expected of equal rows; few heavy ones make it worse, never this bad


@given(ROWS, st.integers(1, 4))
def test_a_reliability_table_weighs_its_rows(rows: list[tuple[int, int, int]], bins: int) -> None:
    score, label, weight = np.array(rows, np.float64).T
    score, label = score / 6.0, (label > 2).astype(float)
    assert metrics.reliability(label, score, np.full(len(rows), 3.0), bins=bins) == [
        row._replace(score=pytest.approx(row.score), rate=pytest.approx(row.rate),
                     rate_low=pytest.approx(row.rate_low), rate_high=pytest.approx(row.rate_high))
        for row in metrics.reliability(label, score, bins=bins)
    ]  # fmt: skip
    (whole,) = metrics.reliability(label, score, weight, bins=1)
    assert whole.rate == pytest.approx(np.average(label, weights=weight))
    assert whole.score == pytest.approx(np.average(score, weights=weight))
    assert whole.rate_low <= whole.rate <= whole.rate_high


def test_rows_of_no_weight_stand_in_no_bin() -> None:
    weight = np.array([0.0, 0.0, 1.0, 1.0])
    table = metrics.reliability([0, 1, 0, 1], [0.1, 0.1, 0.8, 0.9], weight, bins=2)
    assert [(row.n, row.rate) for row in table] == [(1, 0.0), (1, 1.0)]


@given(st.floats(0.01, 100), st.floats(-1e6, 1e6), st.integers(1, 9))
def test_no_spread_is_no_spread_whatever_rows_weigh(weight: float, label: float, rows: int) -> None:
    with pytest.raises(MetricError, match="all alike"):
        metrics.r2(np.full(rows, label), np.zeros(rows), np.full(rows, weight))
