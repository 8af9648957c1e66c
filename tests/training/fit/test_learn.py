"""From rows to a calibrated predictor: what makes calibration necessary, and that it is served as it was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

from tidewheel.metrics import calibration_error, metric
from tidewheel.training.fit.baseline import linear_baseline
from tidewheel.training.fit.checked import yardsticks
from tidewheel.training.fit.focal import Focal
from tidewheel.training.fit.learn import Learned, Plan, learn
from tidewheel.training.fit.matrix import Matrix

RNG = np.random.default_rng(1)
N = 6000
X = np.column_stack([RNG.normal(size=N), RNG.integers(0, 4, N)]).astype(float)
RATE = 1 / (1 + np.exp(-(X[:, 0] * 1.5 + np.isin(X[:, 1], (1, 2)) - 3.0)))
Y = (RNG.random(N) < RATE).astype(float)
ROWS = Matrix(X, Y, np.ones(N), ["a", "b"], [1])
TRAIN, TEST = np.arange(4000), np.arange(4000, N)
SMALL = {"n_estimators": 25, "num_leaves": 5, "n_jobs": 2}


def learned(estimator: Any, calibrate: Any = "", rows: Matrix = ROWS) -> Learned:
    plan = Plan(estimator, {}, metric("average_precision"), calibrate, 0, 2, 0)
    return learn(plan, rows, [0, 4], TRAIN, TEST)


def error_of(found: Learned) -> float:
    return calibration_error(Y[TEST], found.score(X[TEST]))


@pytest.mark.parametrize("kind", ["isotonic", "platt", "beta"])
def test_a_calibrated_model_is_calibrated_as_it_is_served(kind: str) -> None:
    found = learned(LGBMClassifier(**SMALL, scale_pos_weight=10), kind)
    assert found.predictor is not None
    assert found.predictor.spec.calibration == kind
    assert found.why_calibrated == ""
    assert found.before is not None
    assert calibration_error(Y[TEST], found.before(X[TEST])) > 0.15
    assert error_of(found) < 0.04
    assert found.predictor.score(X[TEST][:1])[0] == found.score(X[TEST])[0]


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (LGBMClassifier(**SMALL, class_weight="balanced"), "class_weight='balanced'"),
        (LGBMClassifier(**SMALL, is_unbalance=True), "is_unbalance=True"),
        (LGBMClassifier(**SMALL, objective=Focal(2.0, 0.9)), "focal loss"),
        (LogisticRegression(class_weight={0: 1.0, 1: 8.0}), "class_weight={0: 1.0, 1: 8.0}"),
    ],
)
def test_calibration_is_added_where_it_is_necessary_and_said(estimator: Any, why: str) -> None:
    found = learned(estimator)
    assert (found.calibration, found.why_calibrated) == ("beta", why)
    assert any(note.startswith(f"calibrated (beta) without being asked to: {why}") for note in found.fit.notes)
    assert error_of(found) < 0.04


def test_nothing_is_added_where_nothing_moves_scores() -> None:
    for estimator in (LGBMClassifier(**SMALL), LGBMClassifier(**SMALL, scale_pos_weight=1.0)):
        found = learned(estimator)
        assert (found.calibration, found.why_calibrated, found.before) == ("", "", None)


def test_sampled_negatives_are_corrected_for() -> None:
    """A tenth of the negatives is kept, each standing for ten: probabilities are those of all rows."""
    kept = (Y == 1) | (RNG.random(N) < 0.1) | (np.arange(N) >= 4000)
    stands_for = np.where((Y == 0) & (np.arange(N) < 4000), 10.0, 1.0)
    rows = np.flatnonzero(kept)
    matrix = Matrix(X[rows], Y[rows], np.ones(rows.size), ["a", "b"], [1], stands_for[rows])
    plan = Plan(LGBMClassifier(**SMALL), {}, metric("average_precision"), "", 0, 2, 0)
    train = np.flatnonzero(rows < 4000)
    found = learn(plan, matrix, [0, 4], train, np.flatnonzero(rows >= 4000))
    assert found.why_calibrated == "rows that are weighed or sampled by class"
    assert found.before is not None
    assert found.before(X[TEST]).mean() > 2 * Y[TEST].mean()
    assert found.score(X[TEST]).mean() == pytest.approx(Y[TEST].mean(), rel=0.2)


def test_what_stands_beside_the_metrics() -> None:
    found = learned(LGBMClassifier(**SMALL, class_weight="balanced"))
    score = found.score(X[TEST])
    measures = [metric("roc_auc"), metric("brier")]
    metrics, kept = yardsticks(found, measures, ROWS.take(TRAIN), ROWS.take(TEST), score, 0)
    named = {(m.split, m.metric): m.value for m in metrics}
    assert set(named) == {
        ("baseline linear", "roc_auc"),
        ("baseline linear", "brier"),
        ("test", "calibration_error"),
        ("uncalibrated", "calibration_error"),
        ("uncalibrated", "brier"),
    }
    assert named["baseline linear", "roc_auc"] > 0.75
    assert (named["test", "calibration_error"] or 1) < (named["uncalibrated", "calibration_error"] or 0)
    assert (kept["kind"], kept["why"]) == ("beta", "class_weight='balanced'")
    assert sum(row["n"] for row in kept["before"]["reliability"]) == TEST.size


def test_the_linear_baseline_sees_categories_nulls_and_numbers_to_predict() -> None:
    x = X.copy()
    x[RNG.random(N) < 0.3, 0] = np.nan
    only = Matrix(np.column_stack([np.full(N, np.nan), X[:, 1]]), Y, np.ones(N), ["a", "b"], [1])
    assert linear_baseline([metric("roc_auc")], only.take(TRAIN), only.take(TEST), True, 0)["roc_auc"] > 0.55
    amount = Matrix(x, X[:, 0] * 2 + X[:, 1], np.ones(N), ["a", "b"], [1])
    assert linear_baseline([metric("r2")], amount.take(TRAIN), amount.take(TEST), False, 0)["r2"] > 0.5


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_where_trees_can_learn_and_the_linear_baseline_can_not_there_is_none(value: float) -> None:
    x = np.random.default_rng(0).normal(size=(200, 2))
    x[5, 1] = value
    rows = Matrix(x, x[:, 0], np.ones(200), ["a", "b"], [])
    assert linear_baseline([metric("rmse")], rows, rows, False, 0) == {}
