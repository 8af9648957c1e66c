from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tidewheel.registry.models.predictors import Predictor, PredictorSpec, predict, sigmoid


def test_a_constant() -> None:
    predictor = Predictor(PredictorSpec(kind="constant", intercept=0.25), {})
    assert predict(predictor, np.zeros((3, 2))).tolist() == [0.25] * 3


def test_a_linear_model_equals_the_pipeline_it_stands_for() -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(0)
    rows = random.normal(size=(300, 4))
    rows[random.random(rows.shape) < 0.1] = np.nan
    y = np.nan_to_num(rows[:, 0]) + random.normal(size=300) > 0
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(rows, y)
    impute, scaler, model = (step for _, step in pipeline.steps)
    spec = PredictorSpec(kind="linear", objective="sigmoid", intercept=float(model.intercept_[0]))
    held = {"coef": model.coef_[0], "impute": impute.statistics_, "mean": scaler.mean_, "deviation": scaler.scale_}
    ours = Predictor(spec, held).score(rows)
    np.testing.assert_allclose(ours, pipeline.predict_proba(rows)[:, 1], rtol=1e-12)


def test_categories_of_a_linear_model() -> None:
    spec = PredictorSpec(kind="linear", intercept=1.0)
    held = {
        "coef": np.array([2.0, 0.0]),
        "impute": np.zeros(2),
        "category_columns": np.array([1]),
        "category_starts": np.array([0, 3]),
        "category_weights": np.array([10.0, 20.0, 30.0]),
    }
    rows = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 3.0], [np.nan, np.nan]])
    assert Predictor(spec, held).score(rows).tolist() == [13.0, 33.0, 3.0, 1.0]


@given(
    arrays.arrays(np.float64, (7, 5), elements=st.floats(-1e6, 1e6) | st.just(math.nan)),
    st.sampled_from(["", "isotonic", "platt"]),
    st.sampled_from(["identity", "sigmoid"]),
)
def test_a_row_scores_the_same_alone_and_among_others(rows: np.ndarray, calibration: Any, objective: Any) -> None:
    spec = PredictorSpec(
        kind="linear", objective=objective, intercept=0.3, calibration=calibration, slope=1.7, offset=-0.1, scale=0.9
    )
    held = {
        "coef": np.array([1e-6, -0.3, 1e-7, 0.123, -1e-5]),
        "impute": np.arange(5.0),
        "xs": np.array([0.0, 0.3, 1.0]),
        "ys": np.array([0.05, 0.4, 0.9]),
    }
    predictor = Predictor(spec, held)
    together = predictor.score(rows)
    alone = np.concatenate([predictor.score(row.reshape(1, -1).copy()) for row in rows])
    assert together.tobytes() == alone.tobytes()


def test_the_sigmoid_at_its_ends() -> None:
    assert sigmoid(np.array([-1e9, 0.0, 1e9])).tolist() == pytest.approx([0.0, 0.5, 1.0], abs=1e-300)
    assert math.isnan(sigmoid(np.array([math.nan]))[0])


def test_platt_follows_the_objective() -> None:
    spec = PredictorSpec(
        kind="constant", intercept=2.0, objective="sigmoid", calibration="platt", slope=3.0, offset=-1.0
    )
    score = Predictor(spec, {}).score(np.zeros((1, 0)))[0]
    p = 1 / (1 + math.exp(-2.0))
    assert score == 1 / (1 + math.exp(-(3.0 * p - 1.0)))


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=8, unique=True),
    st.lists(st.floats(-25, 25) | st.integers(-21, 21).map(float) | st.just(math.nan), min_size=2, max_size=20),
)
def test_one_value_on_the_curve_is_as_numpy_has_it(knots: list[int], values: list[float]) -> None:
    xs = np.array(sorted(knots), np.float64)
    spec = PredictorSpec(kind="linear", calibration="isotonic")
    predictor = Predictor(spec, {"coef": np.ones(1), "impute": np.array([math.nan]), "xs": xs, "ys": np.cos(xs)})
    rows = np.array(values).reshape(-1, 1)
    alone = np.array([predictor.score_one(row.reshape(1, 1)) for row in rows])
    np.testing.assert_array_equal(alone, predictor.score(rows))
