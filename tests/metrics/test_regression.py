"""Regression metrics equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from tidewheel import metrics
from tidewheel.errors import MetricError

RNG = np.random.default_rng(3)
Y = RNG.normal(1e6, 2.0, 300)
S = Y + RNG.normal(0, 0.5, 300)
W = RNG.choice([0.5, 1.0, 4.0], 300)


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_errors_equal_scikit_learn(weight: np.ndarray | None) -> None:
    assert metrics.rmse(Y, S, weight) == pytest.approx(sk.root_mean_squared_error(Y, S, sample_weight=weight))
    assert metrics.mae(Y, S, weight) == pytest.approx(sk.mean_absolute_error(Y, S, sample_weight=weight))
    assert metrics.r2(Y, S, weight) == pytest.approx(sk.r2_score(Y, S, sample_weight=weight), rel=1e-9)


def test_r2_of_equal_labels_is_undefined() -> None:
    with pytest.raises(MetricError, match="undefined"):
        metrics.r2([2.0, 2.0], [1.0, 3.0])
