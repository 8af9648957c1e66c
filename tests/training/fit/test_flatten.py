"""Flattened estimators score as their libraries do, on rows with nulls, ties, edges and unseen categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tidewheel.errors import TrainingError
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import estimators
from tidewheel.training.fit.estimators import Matrix
from tidewheel.training.fit.flatten import flatten, verify

RNG = np.random.default_rng(8)
N, LEVELS = 1500, [0, 6, 0, 0]
FULL = np.column_stack(
    [RNG.normal(size=N), RNG.integers(0, 5, N), RNG.integers(0, 9, N) / 3, RNG.normal(100, 1e-6, N)]
).astype(float)
SIGNAL = FULL[:, 0] + np.isin(FULL[:, 1], (1, 3)) + FULL[:, 2] / 3
Y = (SIGNAL + RNG.normal(0, 0.5, N) > 1.5).astype(float)
AMOUNT = SIGNAL * 10 + RNG.normal(0, 1, N)
HOLED = np.where(RNG.random(FULL.shape) < 0.1, np.nan, FULL)
EDGES = np.array([[0.0, 6.0, 1 / 3, 1e300], [np.nan, 5.0, np.nan, -1e300], [-0.0, np.nan, 1e-320, 0.0]])


def check(estimator: Any, x: np.ndarray, y: np.ndarray, extra: np.ndarray) -> Predictor:
    matrix = Matrix(x, y, RNG.choice([1.0, 2.0], N), ["a", "b", "c", "d"], [1])
    fitted = estimators.fit(estimators.prepare(estimator, 1, n_threads=2), matrix).estimator
    found = flatten(fitted, LEVELS, np.nanmean(x, axis=0))
    assert not isinstance(found, str), found
    predictor = Predictor(*found)
    assert verify(predictor, fitted, np.vstack([x, extra])) >= N - 700
    return predictor


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (LGBMClassifier(n_estimators=30), Y),
        (LGBMClassifier(n_estimators=10, boosting_type="rf", subsample=0.7, subsample_freq=1), Y),
        (LGBMClassifier(n_estimators=10, use_missing=False), Y),
        (LGBMClassifier(n_estimators=10, zero_as_missing=True), Y),
        (LGBMClassifier(n_estimators=5, sigmoid=0.7), Y),
        (LGBMRegressor(n_estimators=30, objective="l1"), AMOUNT),
        (HistGradientBoostingClassifier(max_iter=20), Y),
        (HistGradientBoostingRegressor(max_iter=20), AMOUNT),
        (RandomForestClassifier(n_estimators=15), Y),
        (RandomForestRegressor(n_estimators=15), AMOUNT),
        (ExtraTreesClassifier(n_estimators=15), Y),
        (DecisionTreeClassifier(), Y),
        (DecisionTreeRegressor(max_depth=5), AMOUNT),
        (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), Y),
        (make_pipeline(SimpleImputer(strategy="median"), Ridge()), AMOUNT),
        (DummyClassifier(), Y),
        (DummyRegressor(strategy="median"), AMOUNT),
    ],
    ids=lambda value: "" if isinstance(value, np.ndarray) else type(value).__name__,
)
def test_rows_with_nulls_and_edges(estimator: Any, y: np.ndarray) -> None:
    check(estimator, HOLED, y, EDGES[1:] if "Pipeline" in type(estimator).__name__ else EDGES[:0])
    if estimators.is_lightgbm(estimator) or "Hist" in type(estimator).__name__:
        check(estimator, HOLED, y, EDGES)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (GradientBoostingClassifier(n_estimators=20), Y),
        (GradientBoostingClassifier(n_estimators=20, loss="exponential"), Y),
        (GradientBoostingClassifier(n_estimators=5, init="zero"), Y),
        (GradientBoostingRegressor(n_estimators=20, loss="huber"), AMOUNT),
        (LogisticRegression(max_iter=500), Y),
        (LinearRegression(), AMOUNT),
        (make_pipeline(StandardScaler(with_mean=False), LogisticRegression()), Y),
    ],
    ids=lambda value: "" if isinstance(value, np.ndarray) else type(value).__name__,
)
def test_rows_without_nulls(estimator: Any, y: np.ndarray) -> None:
    check(estimator, FULL, y, HOLED[:5])


@pytest.mark.parametrize("kind", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_histogram_boosting_on_categories_seen_unseen_and_null(kind: Any) -> None:
    codes = RNG.choice([0.0, 2.0, 3.0, 5.0, 8.0, np.nan], (N, 2))  # 1, 4, 6, 7 never shown; 9 stands for unseen
    x = np.column_stack([FULL[:, 0], codes[:, 0], FULL[:, 2], codes[:, 1]])
    y = (np.isin(x[:, 1], (2, 8)) ^ np.isnan(x[:, 3]) ^ (x[:, 0] > 1)).astype(float)
    matrix = Matrix(x, y, np.ones(N), ["a", "b", "c", "d"], [1, 3])
    fitted = estimators.fit(estimators.prepare(kind(max_iter=15), 1), matrix).estimator
    assert fitted.is_categorical_.tolist() == [False, True, False, True]
    found = flatten(fitted, [0, 9, 0, 9], np.zeros(4))
    assert not isinstance(found, str), found
    every = [[a, b, 0.5, d] for a in (-1.0, 2.0, np.nan) for b in [*range(10), np.nan] for d in [*range(10), np.nan]]
    assert verify(Predictor(*found), fitted, np.vstack([x, every])) == N + 363


def test_float32_rounding_of_values_near_a_threshold() -> None:
    x = np.sort(RNG.normal(1e8, 3.0, 800))[:, None] * np.ones((1, 4))
    y = (np.arange(800) % 2).astype(float)
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    found = flatten(tree, [0, 0, 0, 0], x.mean(axis=0))
    assert not isinstance(found, str)
    near = np.nextafter(
        np.repeat(tree.tree_.threshold[tree.tree_.feature >= 0], 4).reshape(-1, 4), [-np.inf, np.inf] * 2
    )
    assert verify(Predictor(*found), tree, np.vstack([x, near])) > 800


def test_a_null_that_a_linear_model_never_met_is_the_mean() -> None:
    predictor = check(LinearRegression(), FULL, AMOUNT, FULL[:1])
    mean = FULL.mean(axis=0)
    holed = FULL[:1].copy()
    holed[0, 0] = np.nan
    filled = FULL[:1].copy()
    filled[0, 0] = mean[0]
    assert predictor.score(holed) == predictor.score(filled)


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (KNeighborsClassifier(), "KNeighborsClassifier has no neutral form"),
        (
            make_pipeline(SimpleImputer(), PolynomialFeatures(), LinearRegression()),
            "'polynomialfeatures' of the pipeline",
        ),
        (DummyClassifier(strategy="stratified"), "is random"),
        (LGBMRegressor(n_estimators=3, objective="poisson"), "objective 'poisson'"),
        (HistGradientBoostingRegressor(max_iter=3, loss="poisson"), "loss='poisson'"),
        (GradientBoostingClassifier(n_estimators=3, init=LogisticRegression()), "starts from an estimator"),
        (Pipeline([("a", SimpleImputer(add_indicator=True)), ("b", LinearRegression())]), "add_indicator"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_has_no_neutral_form_says_why(estimator: Any, reason: str) -> None:
    y = np.abs(AMOUNT) if "Regressor" in type(estimator).__name__ else Y
    found = flatten(estimator.fit(FULL, y), LEVELS, FULL.mean(axis=0))
    assert isinstance(found, str)
    assert reason in found


def test_a_flattened_model_that_differs_is_refused() -> None:
    one, two = (LogisticRegression(C=c).fit(FULL, Y) for c in (1.0, 0.9))
    found = flatten(one, LEVELS, FULL.mean(axis=0))
    assert not isinstance(found, str)
    with pytest.raises(TrainingError, match="was not registered"):
        verify(Predictor(*found), two, FULL)
