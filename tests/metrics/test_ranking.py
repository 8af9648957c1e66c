"""Ranking metrics equal scikit-learn's, ties and weights included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tidewheel import metrics
from tidewheel.errors import MetricError


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 60))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), dtype=float)
    y[:2] = [0, 1]
    levels = draw(st.sampled_from([2, 5, 1000]))
    score = np.array(draw(st.lists(st.integers(0, levels), min_size=n, max_size=n))) / levels
    weight = np.array(draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=n, max_size=n)))
    return y, score, weight


@settings(max_examples=150, deadline=None)
@given(scored())
def test_average_precision_and_auc_equal_scikit_learn(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, score, weight = rows
    for w in (None, weight):
        assert metrics.average_precision(y, score, w) == pytest.approx(
            sk.average_precision_score(y, score, sample_weight=w), rel=1e-12
        )
        assert metrics.roc_auc(y, score, w) == pytest.approx(sk.roc_auc_score(y, score, sample_weight=w), rel=1e-12)


@settings(max_examples=150, deadline=None)
@given(scored(), st.sampled_from([0.1, 0.5, 0.95, 1.0]))
def test_operating_points_equal_those_of_the_curve(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], level: float
) -> None:
    y, score, weight = rows
    precision, recall, _ = sk.precision_recall_curve(y, score, sample_weight=weight)
    precision, recall = precision[:-1], recall[:-1]  # the last point has no threshold
    assert metrics.precision_at(y, score, weight, recall=level) == pytest.approx(precision[recall >= level].max())
    reached = recall[precision >= level]
    assert metrics.recall_at(y, score, weight, precision=level) == pytest.approx(reached.max() if reached.size else 0.0)


def test_all_scores_equal_give_the_rate_and_a_coin_toss() -> None:
    y = np.array([0, 0, 0, 1.0])
    assert metrics.average_precision(y, np.ones(4)) == 0.25
    assert metrics.roc_auc(y, np.ones(4)) == 0.5
    assert metrics.precision_at(y, np.ones(4), recall=0.1) == 0.25
    assert metrics.recall_at(y, np.ones(4), precision=0.5) == 0.0


def test_one_class_is_an_error_that_says_so() -> None:
    for measure in (metrics.average_precision, metrics.roc_auc):
        with pytest.raises(MetricError, match="all alike"):
            measure(np.zeros(3), np.arange(3.0))
    with pytest.raises(MetricError, match="all alike"):
        metrics.roc_auc(np.ones(3), np.arange(3.0))
    assert metrics.average_precision(np.ones(3), np.arange(3.0)) == 1.0


@pytest.mark.parametrize(
    ("y", "score", "weight", "message"),
    [
        ([], [], None, "no rows"),
        ([0, 1], [0.5], None, "lengths must agree"),
        ([0, 1], [0.5, float("nan")], None, "score nan in row 1"),
        ([0, float("nan")], [0.5, 0.1], None, "label nan in row 1"),
        ([0, 1], [float("inf"), 0.1], None, "score inf in row 0"),
        ([0, 2], [0.5, 0.1], None, "takes 0 and 1"),
        ([0, 1], [0.5, 0.1], [1.0, -1.0], "negative"),
        ([0, 1], [0.5, 0.1], [0.0, 0.0], "some must be positive"),
        ([[0, 1]], [[0.5, 0.1]], None, "one number a row"),
    ],
)
def test_unfit_input_is_refused(y: list, score: list, weight: list | None, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        metrics.average_precision(y, score, weight)
