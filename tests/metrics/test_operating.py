"""Thresholds by cost, precision and recall, against scikit-learn's curve and by trying every score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from tidewheel.errors import MetricError
from tidewheel.metrics.operating import at_precision, at_recall, cheapest, operating_curve

RNG = np.random.default_rng(4)
TRUTH = RNG.random(3000).round(2)
Y = (RNG.random(3000) < TRUTH).astype(float)
WEIGHT = RNG.choice([0.5, 1.0, 3.0], 3000)


def test_the_curve_is_scikit_learns() -> None:
    precision, recall, threshold = precision_recall_curve(Y, TRUTH, sample_weight=WEIGHT)
    curve = operating_curve(Y, TRUTH, WEIGHT)
    np.testing.assert_array_equal(curve.threshold[::-1], threshold)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1], rtol=1e-12)
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1], rtol=1e-12)


@given(st.floats(0, 50), st.floats(0.1, 50))
def test_the_cheapest_is_the_cheapest_of_all(fp: float, fn: float) -> None:
    curve = operating_curve(Y, TRUTH, WEIGHT)
    best = cheapest(curve, fp=fp, fn=fn)

    def cost(threshold: float) -> float:
        flag = threshold <= TRUTH
        return float(np.average(np.where(flag, fp * (Y == 0), fn * (Y == 1)), weights=WEIGHT))

    assert best.cost == pytest.approx(cost(best.threshold))
    assert best.cost <= min(cost(threshold) for threshold in [*np.unique(TRUTH), 2.0]) + 1e-12


def test_of_calibrated_scores_the_cheapest_is_at_the_share_of_the_costs() -> None:
    truth = RNG.random(200_000)
    y = (RNG.random(200_000) < truth).astype(float)
    assert cheapest(operating_curve(y, truth), fp=1, fn=4).threshold == pytest.approx(0.2, abs=0.04)


def test_precision_and_recall_are_reached_with_most_and_fewest_rows() -> None:
    curve = operating_curve(Y, TRUTH)
    best = at_precision(curve, 0.8)
    assert best.precision >= 0.8
    assert best.recall == max(r for r, p in zip(curve.recall, curve.precision, strict=True) if p >= 0.8)
    found = at_recall(curve, 0.9)
    assert found.recall >= 0.9
    assert found.flagged == pytest.approx(np.mean(found.threshold <= TRUTH))
    assert np.mean(Y[found.threshold < TRUTH]) * np.sum(found.threshold < TRUTH) / Y.sum() < 0.9


def test_flagging_nobody_may_be_cheapest() -> None:
    best = cheapest(operating_curve([0, 0, 0, 1], [0.9, 0.8, 0.7, 0.1]), fp=10, fn=1)
    assert best.threshold > 0.9
    assert (best.recall, best.cost) == (0.0, 0.25)


def test_what_has_no_answer_is_told() -> None:
    curve = operating_curve([0, 1, 0], [0.9, 0.5, 0.1])
    with pytest.raises(MetricError, match=r"no threshold reaches a precision of 0\.9; the most is 0\.5"):
        at_precision(curve, 0.9)
    with pytest.raises(MetricError, match="a recall of 0"):
        at_recall(curve, 0.0)
    with pytest.raises(MetricError, match="costs fp=0 and fn=0"):
        cheapest(curve, fp=0, fn=0)
    with pytest.raises(MetricError, match="no row is positive"):
        operating_curve([0, 0], [0.1, 0.2])
