"""Focal loss: its derivatives against finite differences, its start, its way back to probabilities, its served form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy.optimize import minimize_scalar

from tidewheel.errors import TrainingError
from tidewheel.registry.models.links import focal_of, sigmoid_of
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import flatten, verify
from tidewheel.training.fit.focal import Focal, fit_arguments, gradient_and_curvature
from tidewheel.training.fit.matrix import Matrix

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3000, 3))
RATE = 1 / (1 + np.exp(-(X[:, 0] * 1.5 - 3.0)))
Y = (RNG.random(3000) < RATE).astype(float)
ROWS = Matrix(X, Y, np.ones(3000), ["a", "b", "c"], [])


@given(st.floats(-6, 6), st.floats(0, 4), st.none() | st.floats(0.05, 0.95), st.sampled_from([0.0, 1.0]))
def test_derivatives_equal_finite_differences(raw: float, gamma: float, alpha: float | None, y: float) -> None:
    focal, step, label = Focal(gamma, alpha), 1e-5, np.array([y])

    def first(at: float) -> float:
        return float(gradient_and_curvature(focal, label, np.array([at]))[0][0])

    loss = [float(focal.loss(label, np.array([raw + sign * step]))[0]) for sign in (1, -1)]
    gradient, curvature = gradient_and_curvature(focal, label, np.array([raw]))
    assert gradient[0] == pytest.approx((loss[0] - loss[1]) / (2 * step), rel=1e-5, abs=1e-8)
    assert curvature[0] == pytest.approx((first(raw + step) - first(raw - step)) / (2 * step), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("focal", [Focal(2.0, 0.25), Focal(1.0), Focal(0.0)])
def test_boosting_starts_from_the_best_constant(focal: Focal) -> None:
    weight = RNG.choice([1.0, 3.0], Y.size)
    best = minimize_scalar(lambda raw: float(weight @ focal.loss(Y, np.full(Y.size, raw))), bounds=(-10, 10))
    assert focal.start(Y, weight) == pytest.approx(best.x, abs=1e-4)


@given(st.floats(0.001, 0.999), st.floats(0, 5), st.none() | st.floats(0.05, 0.95))
def test_the_probability_of_the_raw_score_that_is_best_for_a_rate_is_the_rate(
    rate: float, gamma: float, alpha: float | None
) -> None:
    focal = Focal(gamma, alpha)
    raw = focal.start(np.array([0.0, 1.0]), np.array([1.0 - rate, rate]))
    assert focal_of(raw, gamma, *focal.weights) == pytest.approx(rate, rel=1e-6)


def test_without_focus_it_is_the_log_loss() -> None:
    assert [focal_of(raw, 0.0, 1.0, 1.0) for raw in (-40.0, 0.3, 40.0)] == [
        sigmoid_of(raw) for raw in (-40.0, 0.3, 40.0)
    ]
    assert focal_of(-1e6, 2.0, 0.75, 0.25) == pytest.approx(0.0, abs=1e-300)


def test_lightgbm_learns_by_it_and_is_served_as_probabilities() -> None:
    model = LGBMClassifier(
        n_estimators=300, num_leaves=4, learning_rate=0.2, objective=Focal(2.0, 0.25), early_stopping_round=5
    )
    fit = estimators.fit(estimators.prepare(model, 0, n_threads=2), ROWS)
    found = flatten(fit.estimator, [0, 0, 0], np.zeros(3))
    assert not isinstance(found, str)
    predictor = Predictor(*found)
    assert verify(predictor, fit.estimator, X) == 3000
    score = predictor.score(X)
    assert abs(score.mean() - Y.mean()) < 0.02
    assert np.abs(score - RATE).mean() < np.abs(1 / (1 + np.exp(-predictor.raw(X))) - RATE).mean() / 2
    assert predictor.score(X[:1])[0] == score[0]


def test_it_is_for_classifiers() -> None:
    with pytest.raises(TrainingError, match="LGBMClassifier"):
        estimators.fit(LGBMRegressor(objective=Focal()), ROWS)


def test_early_stopping_weighs_the_rows_it_watches() -> None:
    focal, weight = Focal(2.0, 0.25), np.array([1.0, 3.0])
    y, raw = np.array([0.0, 1.0]), np.array([0.3, -0.7])
    held = Matrix(np.zeros((2, 1)), y, weight, ["a"], [])
    watched = fit_arguments(LGBMClassifier(objective=focal), held, held)["eval_metric"]
    assert watched(y, raw, weight) == ("focal", pytest.approx(np.average(focal.loss(y, raw), weights=weight)), False)
    assert watched(y, raw, None) == ("focal", pytest.approx(focal.loss(y, raw).mean()), False)
