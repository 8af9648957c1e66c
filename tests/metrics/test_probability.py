"""Probability metrics equal scikit-learn's or a hand calculation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn import metrics as sk

from tidewheel import metrics
from tidewheel.errors import MetricError

RNG = np.random.default_rng(7)
P = RNG.random(500)
Y = (RNG.random(500) < P).astype(float)
W = RNG.choice([0.5, 1.0, 4.0], 500)


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_scores_equal_scikit_learn(weight: np.ndarray | None) -> None:
    assert metrics.brier(Y, P, weight) == pytest.approx(sk.brier_score_loss(Y, P, sample_weight=weight), rel=1e-12)
    assert metrics.log_loss(Y, P, weight) == pytest.approx(sk.log_loss(Y, P, sample_weight=weight), rel=1e-12)
    assert metrics.accuracy(Y, P, weight) == pytest.approx(
        sk.accuracy_score(Y, P >= 0.5, sample_weight=weight), rel=1e-12
    )


def test_log_loss_of_a_certain_mistake_is_large_and_finite() -> None:
    assert 30 < metrics.log_loss([1.0], [0.0]) < 40


def test_calibration_error_by_hand() -> None:
    y, p = [0, 1, 1, 1, 0], [0.05, 0.15, 0.95, 1.0, 0.92]
    bins = [abs(0 - 0.05) * 1, abs(1 - 0.15) * 1, abs(2 - 2.87)]
    assert metrics.calibration_error(y, p) == pytest.approx(sum(bins) / 5)
    assert metrics.calibration_error(y, p, bins=1) == pytest.approx(abs(3 - sum(p)) / 5)
    with pytest.raises(MetricError, match="whole number"):
        metrics.calibration_error(y, p, bins=0)


def test_scores_beyond_a_probability_are_refused() -> None:
    with pytest.raises(MetricError, match=r"in \[0, 1\]"):
        metrics.brier([0, 1], [0.5, 1.5])


def test_reliability_keeps_ties_together_and_covers_all_rows() -> None:
    table = metrics.reliability(Y, np.round(P, 1), bins=20)
    assert sum(row.n for row in table) == 500
    assert all(a.high < b.low for a, b in itertools.pairwise(table))
    assert all(row.rate_low <= row.rate <= row.rate_high for row in table)
    assert len(metrics.reliability(Y, np.full(500, 0.3))) == 1
    assert len(metrics.reliability([1.0, 0.0], [0.2, 0.1], bins=10)) == 2


def test_wilson_equals_published_values() -> None:
    # Newcombe 1998, table I, method 3 (score without continuity correction)
    for positives, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert metrics.wilson(positives, n) == pytest.approx((low, high), abs=5e-5)
