"""XGBoost and CatBoost: flattened to the library's own scores, stopping by the last rows, categories by levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.conftest import need_extra

from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import boosters, estimators
from tidewheel.training.fit.flatten import flatten, verify
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.native import native_files

RNG = np.random.default_rng(8)
N, LEVELS = 900, [0, 6, 0, 0]
FULL = np.column_stack(
    [RNG.normal(size=N), RNG.integers(0, 5, N), RNG.integers(0, 9, N) / 3, RNG.normal(100, 1e-6, N)]
).astype(float)
SIGNAL = FULL[:, 0] + np.isin(FULL[:, 1], (1, 3)) + FULL[:, 2] / 3
Y = (SIGNAL + RNG.normal(0, 0.5, N) > 1.5).astype(float)
AMOUNT = SIGNAL * 10 + RNG.normal(0, 1, N)
HOLED = np.where(RNG.random(FULL.shape) < 0.1, np.nan, FULL)
WEIGHT = RNG.choice([1.0, 2.0], N)
EDGES = np.array(
    [
        [0.0, 6.0, 1 / 3, 1e30],
        [np.nan, 5.0, np.nan, -1e30],
        [-0.0, np.nan, 1e-320, 0.0],
        *([0.1, code, 1.0, 100.0] for code in range(7)),
    ]
)


def fitted(estimator: Any, y: np.ndarray) -> tuple[Any, tuple[str, ...], Predictor]:
    matrix = Matrix(HOLED, y, WEIGHT, ["a", "b", "c", "d"], [1])
    fit = estimators.fit(estimators.prepare(estimator, 1, n_threads=2), matrix)
    found = flatten(fit.estimator, LEVELS, np.nanmean(HOLED, axis=0))
    assert not isinstance(found, str), found
    predictor = Predictor(*found)
    assert verify(predictor, fit.estimator, np.vstack([HOLED, EDGES])) == N + len(EDGES)
    return fit.estimator, fit.notes, predictor


@pytest.mark.parametrize(
    "settings",
    [
        {"n_estimators": 25},
        {"n_estimators": 10, "max_cat_to_onehot": 1, "subsample": 0.7},
        {"n_estimators": 60, "early_stopping_rounds": 2, "learning_rate": 0.8},
        {"n_estimators": 5, "num_parallel_tree": 3, "base_score": 0.2},
    ],
)
def test_xgboost_margins_are_equal_to_the_bit(settings: dict[str, Any]) -> None:
    need_extra("xgboost")
    from xgboost import XGBClassifier, XGBRegressor

    for kind, y in ((XGBClassifier, Y), (XGBRegressor, AMOUNT)):
        more = {} if kind is XGBClassifier else {"base_score": None}
        model, notes, predictor = fitted(kind(**settings | more), y)
        rows = np.vstack([HOLED, EDGES])
        assert predictor.raw(rows).tolist() == model.predict(rows, output_margin=True).astype(float).tolist()
        assert model.get_booster().feature_types == ["q", "c", "q", "q"]
        if "early_stopping_rounds" in settings:
            assert boosters.rounds(model) < 60
            assert f"kept {boosters.rounds(model)} rounds, by the last 90 rows" in notes


@pytest.mark.parametrize(
    "settings",
    [
        {"iterations": 25},
        {"iterations": 200, "early_stopping_rounds": 3, "learning_rate": 0.5},
        {"iterations": 10, "grow_policy": "Lossguide"},
        {"iterations": 10, "nan_mode": "Max", "depth": 3},
    ],
)
def test_catboost_scores_are_equal(settings: dict[str, Any]) -> None:
    need_extra("catboost")
    from catboost import CatBoostClassifier, CatBoostRegressor

    for kind, y in ((CatBoostClassifier, Y), (CatBoostRegressor, AMOUNT)):
        model, notes, _ = fitted(kind(**settings), y)
        assert model.get_cat_feature_indices() == [1]
        if "early_stopping_rounds" in settings:
            assert model.tree_count_ < 200
            assert any(note.startswith(f"kept {model.tree_count_} rounds") for note in notes)


def test_lightgbm_stops_early_when_it_was_told_to() -> None:
    from lightgbm import LGBMClassifier

    model, notes, _ = fitted(LGBMClassifier(n_estimators=200, learning_rate=0.5, early_stopping_round=3), Y)
    assert model.best_iteration_ < 200
    assert any(note.startswith(f"kept {model.best_iteration_} rounds") for note in notes)


def test_histogram_boosting_stops_by_the_last_rows_and_not_by_chance_ones() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    estimator = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.5, early_stopping=True, n_iter_no_change=3)
    model, notes, _ = fitted(estimator, Y)
    assert model.n_iter_ < 200
    assert any(note.startswith(f"kept {model.n_iter_} rounds") for note in notes)


def test_the_same_seed_gives_the_same_catboost_file() -> None:
    need_extra("catboost")
    from catboost import CatBoostClassifier

    first, second = (native_files(fitted(CatBoostClassifier(iterations=5), Y)[0], LEVELS) for _ in range(2))
    assert first == second
    assert list(first) == ["model.json"]


def test_what_has_no_neutral_form_says_why() -> None:
    need_extra("catboost")
    need_extra("xgboost")
    from catboost import CatBoostClassifier, CatBoostRegressor
    from xgboost import XGBClassifier, XGBRegressor

    matrix = Matrix(HOLED, Y, np.ones(N), ["a", "b", "c", "d"], [1])
    plain = Matrix(HOLED, Y, np.ones(N), ["a", "b", "c", "d"], [])

    def reason(estimator: Any, rows: Matrix) -> str:
        fit = estimators.fit(estimators.prepare(estimator, 1, n_threads=2), rows)
        found = flatten(fit.estimator, LEVELS, np.zeros(4))
        assert isinstance(found, str)
        return found

    assert "one_hot_max_size=255" in reason(CatBoostClassifier(iterations=3, one_hot_max_size=2), matrix)
    assert "objective 'Poisson'" in reason(CatBoostRegressor(iterations=3, loss_function="Poisson"), matrix)
    assert "objective 'count:poisson'" in reason(XGBRegressor(n_estimators=3, objective="count:poisson"), plain)
    assert "booster 'dart'" in reason(XGBClassifier(n_estimators=3, booster="dart"), plain)
