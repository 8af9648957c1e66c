"""Estimators of any library are cloned, seeded, fitted alike twice, and blamed when they raise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tidewheel.errors import TrainingError
from tidewheel.training.fit import estimators
from tidewheel.training.fit.estimators import Matrix

RNG = np.random.default_rng(1)
X = np.column_stack([RNG.normal(size=600), RNG.integers(0, 4, 600).astype(float)])
Y = (X[:, 0] + (X[:, 1] == 2) + RNG.normal(0, 0.5, 600) > 0.5).astype(float)
MATRIX = Matrix(X, Y, np.ones(600), ["amount", "card.country"], [1])


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMClassifier(n_estimators=10, subsample=0.5, subsample_freq=1, colsample_bytree=0.5),
        LGBMRegressor(n_estimators=5),
        RandomForestClassifier(n_estimators=5),
        Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_two_fits_are_the_same_to_the_bit_and_the_original_is_untouched(estimator: Any) -> None:
    before = repr(estimator.get_params())
    one, two = (estimators.fit(estimators.prepare(estimator, seed=5), MATRIX) for _ in range(2))
    assert np.array_equal(estimators.score(one.estimator, X), estimators.score(two.estimator, X))
    assert repr(estimator.get_params()) == before
    assert one.parameters == two.parameters


def test_lightgbm_gets_names_categories_and_repeatable_settings() -> None:
    fit = estimators.fit(estimators.prepare(LGBMClassifier(n_estimators=5), seed=3), MATRIX)
    text = fit.estimator.booster_.model_to_string()
    assert "amount card.country" in text
    assert "num_cat=0" in text or "num_cat=1" in text
    assert fit.parameters["deterministic"] is True
    assert fit.parameters["random_state"] == 3
    assert fit.notes == ()
    several = [estimators.prepare(LGBMClassifier(n_estimators=5), seed=3, n_threads=n) for n in (1, 2)]
    scores = [estimators.score(estimators.fit(estimator, MATRIX).estimator, X) for estimator in several]
    assert np.array_equal(scores[0], scores[1])


def test_a_seed_the_user_gave_stays() -> None:
    assert estimators.prepare(RandomForestClassifier(random_state=9), seed=5).random_state == 9
    assert estimators.prepare(RandomForestClassifier(), seed=5).random_state == 5
    nested = Pipeline([("model", RandomForestClassifier())])
    assert estimators.prepare(nested, seed=5).named_steps["model"].random_state == 5


def test_weights_reach_the_last_step_of_a_pipeline() -> None:
    weight = np.where(Y == 1.0, 5.0, 1.0)
    weighted = Matrix(X, Y, weight, MATRIX.columns, MATRIX.categories)
    pipeline = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())])
    plain = estimators.fit(estimators.prepare(pipeline, 0), MATRIX).estimator
    heavy = estimators.fit(estimators.prepare(pipeline, 0), weighted).estimator
    assert estimators.score(heavy, X).mean() > estimators.score(plain, X).mean() + 0.05


class Unweighted:
    """No base class, no weights, no parameters: anything with fit and predict will do."""

    mean = 0.0

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.mean = float(y.mean())

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.mean)


def test_a_bare_object_with_fit_and_predict_works_and_weights_it_ignores_are_noted() -> None:
    weighted = Matrix(X, Y, np.full(600, 2.0), MATRIX.columns, MATRIX.categories)
    fit = estimators.fit(estimators.prepare(Unweighted(), 0), weighted)
    assert "takes no sample_weight" in fit.notes[0]
    assert estimators.score(fit.estimator, X)[0] == Y.mean()


def test_an_estimator_that_raises_is_named_with_the_remedy() -> None:
    holes = X.copy()
    holes[3, 0] = np.nan
    with pytest.raises(
        TrainingError, match=r"LogisticRegression raised in fit: ValueError.*amount hold nulls: put SimpleImputer"
    ):
        estimators.fit(estimators.prepare(LogisticRegression(), 0), Matrix(holes, Y, np.ones(600), MATRIX.columns, []))
    with pytest.raises(TrainingError, match="refuses"):
        estimators.prepare(LogisticRegression(), 0, {"depth": 3})


def test_scores_that_are_not_numbers_are_refused() -> None:
    broken = Unweighted()
    broken.mean = float("nan")
    with pytest.raises(TrainingError, match="no finite number"):
        estimators.score(broken, X)
    three = LogisticRegression().fit(X, RNG.integers(0, 3, 600))
    with pytest.raises(TrainingError, match="two classes"):
        estimators.score(three, X)


def test_library_warnings_become_notes() -> None:
    fit = estimators.fit(estimators.prepare(LogisticRegression(max_iter=1), 0), MATRIX)
    assert any("ConvergenceWarning" in note for note in fit.notes)
