"""Versions as ONNX graphs: the scores of the version itself, and a measured cost where weights are made smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.conftest import need_extra

import tidewheel as tw
from tidewheel.definitions import ir
from tidewheel.errors import InputError
from tidewheel.metrics import metric
from tidewheel.registry.models.bundles import Bundle, Manifest
from tidewheel.registry.models.predictors import Predictor, PredictorSpec
from tidewheel.training.export.export import graph_scores
from tidewheel.training.export.graph import graph_of
from tidewheel.training.export.quantise import quantised
from tidewheel.training.fit.learn import Plan, learn
from tidewheel.training.fit.matrix import Matrix

RNG = np.random.default_rng(4)
N, LEVELS = 600, [0, 5]
X = np.column_stack([RNG.normal(size=N), RNG.integers(0, 5, N)]).astype(float)
Y = (X[:, 0] + np.isin(X[:, 1], (1, 2)) + RNG.normal(0, 0.7, N) > 0.6).astype(float)
HOLED = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
EDGES = np.array([[np.nan, np.nan], [1e30, 5.0], [-1e30, 9.0], [0.0, 4.0], [-0.0, 0.0]])


def bundled(estimator: Any, calibrate: Any = "", x: np.ndarray = HOLED) -> tuple[Bundle, Predictor]:
    plan = Plan(estimator, {}, metric("brier"), calibrate, 0, 1, 0)
    found = learn(plan, Matrix(x, Y, np.ones(N), ["a", "b"], [1]), LEVELS, np.arange(500), np.arange(500, N))
    assert found.predictor is not None, found.reason
    manifest = Manifest(model="M", view="V", graph=ir.Graph(), columns=("a", "b"), predictor=found.predictor.spec)
    return Bundle(manifest, found.predictor.arrays), found.predictor


@pytest.mark.parametrize("calibrate", ["", "isotonic", "platt", "beta"])
def test_calibrated_trees_score_alike(calibrate: str) -> None:
    need_extra("onnx")
    bundle, predictor = bundled(LGBMClassifier(n_estimators=12, num_leaves=7), calibrate)
    rows = np.vstack([HOLED, EDGES])
    found = graph_scores(graph_of(bundle, "M@1").SerializeToString(), rows)
    np.testing.assert_allclose(found, predictor.score(rows), rtol=0, atol=1e-12)
    assert graph_scores(graph_of(bundle, "M@1").SerializeToString(), rows[:1]).tolist() == found[:1].tolist()


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMRegressor(n_estimators=5, boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
        LGBMClassifier(n_estimators=3, min_child_samples=1000),
        RandomForestClassifier(n_estimators=5, max_depth=5),
        HistGradientBoostingClassifier(max_iter=8),
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        DummyClassifier(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_what_the_kernel_serves_scores_alike(estimator: Any) -> None:
    need_extra("onnx")
    bundle, predictor = bundled(estimator)
    rows = np.vstack([HOLED, EDGES])
    found = graph_scores(graph_of(bundle, "M@1").SerializeToString(), rows)
    np.testing.assert_allclose(found, predictor.score(rows), rtol=1e-12, atol=1e-12)


def test_other_libraries_score_alike() -> None:
    """XGBoost adds up in float32, the graph in float64."""
    need_extra("onnx")
    need_extra("xgboost")
    need_extra("catboost")
    from catboost import CatBoostClassifier
    from xgboost import XGBClassifier

    for estimator, near in ((XGBClassifier(n_estimators=20), 1e-6), (CatBoostClassifier(iterations=20), 1e-12)):
        bundle, predictor = bundled(estimator)
        found = graph_scores(graph_of(bundle, "M@1").SerializeToString(), HOLED)
        np.testing.assert_allclose(found, predictor.score(HOLED), rtol=0, atol=near)


def test_a_graph_that_is_served_gets_its_calibration() -> None:
    need_extra("skl2onnx")
    bundle, predictor = bundled(make_pipeline(StandardScaler(), GaussianNB()), "isotonic", X)
    found = graph_scores(graph_of(bundle, "M@1").SerializeToString(), X)
    np.testing.assert_allclose(found, predictor.score(X), rtol=0, atol=1e-5)


def test_columns_and_levels_stand_in_the_graph() -> None:
    onnx = pytest.importorskip("onnx")
    bundle, _ = bundled(DummyClassifier())
    model = graph_of(bundle, "M@1")
    onnx.checker.check_model(model)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert told == {"tidewheel.version": "M@1", "tidewheel.columns": '["a","b"]', "tidewheel.levels": "{}"}


def network(columns: int) -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(columns, 64), nn.ReLU(), nn.Linear(64, 1))


@pytest.mark.slow
def test_int8_costs_something() -> None:
    for extra in ("torch", "onnxscript"):
        need_extra(extra)
    bundle, predictor = bundled(tw.learner.torch(network, epochs=3, learning_rate=0.01))
    graph = graph_of(bundle, "M@1")
    np.testing.assert_allclose(graph_scores(graph.SerializeToString(), HOLED), predictor.score(HOLED), atol=1e-5)
    apart = np.abs(graph_scores(quantised(graph), HOLED) - predictor.score(HOLED))
    assert 1e-6 < apart.max() < 0.05


def test_what_can_not_be_said_is_refused() -> None:
    need_extra("onnx")
    bundle, _ = bundled(LGBMClassifier(n_estimators=2))
    with pytest.raises(InputError, match="no matrix product in float32"):
        quantised(graph_of(bundle, "M@1"))
    zeros, _ = bundled(LGBMClassifier(n_estimators=2, zero_as_missing=True))
    with pytest.raises(InputError, match="zeros are missing values"):
        graph_of(zeros, "M@1")
    focal, _ = bundled(LGBMClassifier(n_estimators=2, objective=FOCAL))
    with pytest.raises(InputError, match="focal loss have no ONNX form"):
        graph_of(focal, "M@1")
    spec, arrays = PredictorSpec(kind="linear"), {"coef": np.ones(2), "category_columns": np.array([1])}
    manifest = Manifest(model="M", view="V", graph=ir.Graph(), columns=("a", "b"), predictor=spec)
    with pytest.raises(InputError, match="weights of category levels"):
        graph_of(Bundle(manifest, arrays), "M@1")


FOCAL: Any = tw.learner.focal()
