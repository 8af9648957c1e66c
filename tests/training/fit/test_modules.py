"""PyTorch modules: learned, repeatable, stopped early, exported and served to the same scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.conftest import need_extra

import tidewheel as tw
from tidewheel.errors import DefinitionError, TrainingError
from tidewheel.metrics import r2, roc_auc
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import verify
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.native import native_files
from tidewheel.training.fit.neutral import neutral

RNG = np.random.default_rng(2)
N, LEVELS = 1200, [0, 4, 0]
X = np.column_stack([RNG.normal(50, 9, N), RNG.integers(0, 4, N), RNG.normal(size=N)]).astype(float)
SIGNAL = (X[:, 0] - 50) / 9 + 2 * np.isin(X[:, 1], (1, 2)) - 1
Y = (SIGNAL + RNG.normal(0, 0.4, N) > 0).astype(float)
X[RNG.random(X.shape) < 0.05] = np.nan
EDGES = np.array([[np.nan, np.nan, np.nan], [1e6, 4.0, -1e6], [50.0, 9.0, 0.0]])


def network(columns: int) -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(columns, 16), nn.ReLU(), nn.Linear(16, 1))


def fitted(y: np.ndarray, seed: int = 0, **settings: Any) -> estimators.Fit:
    need_extra("torch")
    learner = tw.learner.torch(network, **({"epochs": 12, "batch_size": 64, "learning_rate": 0.01} | settings))
    return estimators.fit(estimators.prepare(learner, seed), Matrix(X, y, np.ones(N), ["a", "b", "c"], [1]))


@pytest.mark.slow
def test_a_classifier_is_served_by_its_graph() -> None:
    need_extra("onnxscript")
    model = fitted(Y).estimator
    found = neutral(model, LEVELS, np.zeros(3))
    assert not isinstance(found, str), found
    predictor = Predictor(*found)
    assert verify(predictor, model, np.vstack([X, EDGES])) == N + 3
    score = predictor.score(X)
    assert roc_auc(Y, score) > 0.9
    assert score[:5].tolist() == [predictor.score(X[i : i + 1])[0] for i in range(5)]
    assert b"/" + b"site-packages" not in found[1]["graph"].tobytes()


def test_a_number_is_told_in_its_own_units() -> None:
    amount = 1000.0 + 300 * SIGNAL
    model = fitted(amount).estimator
    assert not hasattr(model, "predict_proba")
    assert r2(amount, model.predict(X)) > 0.8
    assert np.isfinite(model.predict(EDGES)).all()


def test_one_seed_gives_one_module_and_leaves_torch_as_it_was() -> None:
    need_extra("safetensors")
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3).tolist()
    torch.manual_seed(5)
    first, second, third = (native_files(fitted(Y, seed, epochs=2).estimator, LEVELS) for seed in (1, 1, 2))
    assert list(first) == ["model.safetensors"]
    assert first == second != third
    assert torch.rand(3).tolist() == expected


def test_it_stops_when_the_last_rows_gain_nothing() -> None:
    fit = fitted(Y, epochs=200, patience=2, learning_rate=0.1)
    assert fit.estimator.epochs_ < 100
    assert f"kept {fit.estimator.epochs_} rounds, by the last 120 rows" in fit.notes


def test_a_loss_that_explodes_is_an_error() -> None:
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) in epoch \d"):
        fitted(1e30 * SIGNAL**9, learning_rate=1e30)


def test_what_builds_no_module_is_told() -> None:
    need_extra("torch")
    learner = estimators.prepare(tw.learner.torch(lambda columns: columns), 0)
    with pytest.raises(TrainingError, match=r"build\(8\) gave no torch.nn.Module but int"):
        estimators.fit(learner, Matrix(X, Y, np.ones(N), ["a", "b", "c"], [1]))
    with pytest.raises(DefinitionError, match="takes a function of the number of columns"):
        tw.learner.torch(3)  # type: ignore[arg-type]
