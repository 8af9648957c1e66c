"""What can't be flattened is served as an ONNX graph; what can't be that either says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR
from tests.conftest import need_extra

from tidewheel.errors import CorruptError
from tidewheel.registry.models.onnx import onnx_function
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import verify
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.neutral import neutral

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 3))
X[::17, 1] = np.nan
Y = (np.nan_to_num(X).sum(axis=1) > 0).astype(float)


class Mine(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, x: np.ndarray, y: np.ndarray) -> Mine:
        self.classes_ = np.unique(y)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.zeros(len(x))


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (make_pipeline(SimpleImputer(), KNeighborsClassifier(5)), Y),
        (make_pipeline(SimpleImputer(), PolynomialFeatures(), StandardScaler(), GaussianNB()), Y),
        (make_pipeline(SimpleImputer(), MLPRegressor(hidden_layer_sizes=(8,), max_iter=20)), X[:, 0]),
        (make_pipeline(SimpleImputer(), SVR()), X[:, 0]),
    ],
    ids=lambda value: "" if isinstance(value, np.ndarray) else type(value.steps[-1][1]).__name__,
)
def test_scikit_learns_own_are_converted_and_equal(estimator: Any, y: np.ndarray) -> None:
    need_extra("skl2onnx")
    fit = estimators.fit(estimators.prepare(estimator, 0), Matrix(X, y, np.ones(200), ["a", "b", "c"], []))
    found = neutral(fit.estimator, [0, 0, 0], np.zeros(3))
    assert not isinstance(found, str), found
    predictor = Predictor(*found)
    assert predictor.spec.kind == "onnx"
    assert verify(predictor, fit.estimator, X) == 200
    assert predictor.score(X).tolist() == [predictor.score(X[i : i + 1])[0] for i in range(200)]


def test_what_has_neither_form_says_why() -> None:
    need_extra("skl2onnx")
    matrix = Matrix(np.nan_to_num(X), Y, np.ones(200), ["a", "b", "c"], [])
    assert "has no neutral form" in str(neutral(Mine().fit(X, Y), [0, 0, 0], np.zeros(3)))
    fit = estimators.fit(GaussianProcessClassifier(kernel=None), matrix.take(np.arange(40)))
    found = neutral(fit.estimator, [0, 0, 0], np.zeros(3))
    assert not isinstance(found, str) or "no ONNX form" in found


def test_a_damaged_graph_is_an_error_of_ours() -> None:
    need_extra("onnxruntime")
    with pytest.raises(CorruptError, match="can't be loaded"):
        onnx_function(np.frombuffer(b"no graph", np.uint8), "out")
