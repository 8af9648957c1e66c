"""Blocks are drawn whole; many questions at once are corrected as scipy does; Brier's parts add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, spearmanr

from tidewheel import metrics
from tidewheel.errors import MetricError
from tidewheel.metrics.agreement import rank_correlation
from tidewheel.metrics.multiplicity import benjamini_hochberg

RNG = np.random.default_rng(5)


def clustered(groups: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows whose error is their group's alone."""
    group = np.repeat(np.arange(groups), size)
    y = RNG.random(group.size)
    return y, y + RNG.normal(size=groups)[group], group


def test_blocks_of_one_row_are_rows() -> None:
    y, score, _ = clustered(200, 1)
    one = metrics.interval("mae", y, score, seed=3)
    assert metrics.interval("mae", y, score, seed=3, blocks=np.arange(200)) == one


def test_rows_of_one_cause_give_a_wide_interval() -> None:
    y, score, group = clustered(60, 25)
    alone, together = (metrics.interval("mae", y, score, blocks=blocks) for blocks in (None, group))
    assert together.value == alone.value
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert 3.5 < ratio < 6.5  # 5: the root of how many rows share one error


@pytest.mark.parametrize("measure", ["mae", "roc_auc"])
def test_a_replicate_is_the_metric_of_the_drawn_blocks(measure: str) -> None:
    group = np.array([7, 7, 3, 3, 3, 9])
    y, score = np.array([0.0, 1, 0, 1, 1, 0]), np.array([0.2, 0.9, 0.4, 0.3, 0.8, 0.1])
    possible = set()
    for draws in np.ndindex(3, 3, 3):
        rows = np.concatenate([np.flatnonzero(group == [7, 3, 9][place]) for place in draws])
        try:
            possible.add(round(metrics.metric(measure)(y[rows], score[rows]), 9))
        except MetricError:
            continue
    ends = metrics.interval(measure, y, score, blocks=group, resamples=1, confidence=0.0)
    assert round(ends.low, 9) in possible


def test_a_paired_difference_takes_blocks_and_a_margin() -> None:
    y, score, group = clustered(50, 10)
    gain = metrics.difference("mae", y, score, score + 0.01, blocks=group, margin=1.0)
    assert gain.within == 1.0
    assert metrics.difference("mae", y, score, score, blocks=group).within == 1.0
    with pytest.raises(MetricError, match="one number a row"):
        metrics.interval("mae", y, score, blocks=group[1:])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_false_discoveries_are_controlled_as_scipy_does(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-9, 9)), min_size=3, max_size=40))
def test_rank_correlation_is_scipys(pairs: list[tuple[int, float]]) -> None:
    one, two = np.array([float(a) for a, _ in pairs]), np.array([b for _, b in pairs])
    if np.ptp(one) == 0.0 or np.ptp(two) == 0.0:
        assert np.isnan(rank_correlation(one, two))
        return
    assert rank_correlation(one, two) == pytest.approx(float(spearmanr(one, two).statistic), abs=1e-9)


def test_the_parts_of_briers_score_add_up() -> None:
    score = np.round(RNG.random(3000), 1)
    y = (RNG.random(3000) < score).astype(float)
    weight = RNG.random(3000)
    parts = metrics.brier_decomposition(y, score, weight)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(metrics.brier(y, score, weight))
    assert parts.reliability < 0.005 < parts.resolution
