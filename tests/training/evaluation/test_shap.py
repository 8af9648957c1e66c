"""Shapley values of XGBoost's and CatBoost's trees are those that the libraries themselves tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.conftest import need_extra

from tidewheel.errors import CorruptError
from tidewheel.kernel.models import catboost_json, xgboost_json
from tidewheel.registry.models.contributions import shap_of
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.evaluation.shap import MOST_ROWS, cover_arrays, mean_absolute_shap
from tidewheel.training.evaluation.spread import spread
from tidewheel.training.fit import boosters, estimators
from tidewheel.training.fit.flatten import flatten
from tidewheel.training.fit.matrix import Matrix

N, LEVELS = 900, [0, 8, 0, 0]
RNG = np.random.default_rng(6)
X = RNG.normal(size=(N, 4))
X[RNG.random((N, 4)) < 0.1] = np.nan
X[:, 1] = RNG.integers(0, 8, N)
Y = (np.nan_to_num(X[:, 0]) * np.nan_to_num(X[:, 2]) + (X[:, 1] % 3 == 1) > 0.4).astype(float)


def explained(estimator: Any, y: np.ndarray, categories: list[int]) -> tuple[Any, np.ndarray]:
    matrix = Matrix(X, y, np.ones(N), ["a", "b", "c", "d"], categories)
    model = estimators.fit(estimators.prepare(estimator, 1, n_threads=1), matrix).estimator
    levels = LEVELS if categories else [0] * 4
    found = flatten(model, levels, np.zeros(4))
    assert not isinstance(found, str), found
    predictor = Predictor(*found)
    values = shap_of({**predictor.arrays, **cover_arrays(model, levels)}, X)
    assert values is not None
    assert values.sum(axis=1) == pytest.approx(predictor.raw(X), abs=1e-5)
    told = mean_absolute_shap(predictor, model, levels, X)
    assert told == pytest.approx(np.abs(values[spread(N, MOST_ROWS), :-1]).mean(axis=0))
    return model, values


@pytest.mark.parametrize("categories", [[], [1]])
@pytest.mark.parametrize("settings", [{"n_estimators": 20}, {"n_estimators": 60, "early_stopping_rounds": 2}])
def test_xgboost(settings: dict[str, Any], categories: list[int]) -> None:
    need_extra("xgboost")
    from xgboost import DMatrix, XGBClassifier, XGBRegressor

    for kind, y in ((XGBClassifier, Y), (XGBRegressor, Y * 3 + X[:, 1])):
        model, values = explained(kind(**settings), y, categories)
        kinds = ["c" if place in categories else "q" for place in range(4)]
        data = DMatrix(X, feature_types=kinds, enable_categorical=True)
        rounds = (0, boosters.rounds(model) if "early_stopping_rounds" in settings else 0)
        theirs = model.get_booster().predict(data, pred_contribs=True, iteration_range=rounds)
        assert values == pytest.approx(theirs, abs=2e-5)


@pytest.mark.parametrize("categories", [[], [1]])
@pytest.mark.parametrize("settings", [{}, {"grow_policy": "Lossguide"}, {"depth": 2}])
def test_catboost(settings: dict[str, Any], categories: list[int]) -> None:
    need_extra("catboost")
    from catboost import CatBoostClassifier, CatBoostRegressor, Pool

    for kind, y in ((CatBoostClassifier, Y), (CatBoostRegressor, Y * 3 + X[:, 1])):
        model, values = explained(kind(iterations=20, **settings), y, categories)
        pool = Pool(boosters.predict_rows(model, X), cat_features=model.get_cat_feature_indices())
        theirs = model.get_feature_importance(pool, type="ShapValues")
        if settings.get("grow_policy") != "Lossguide":  # whose values, as the library tells them, don't add up
            assert values == pytest.approx(theirs, abs=1e-9)


def test_what_tells_no_covers_is_not_explained() -> None:
    from sklearn.linear_model import LogisticRegression

    assert cover_arrays(LogisticRegression(), LEVELS) == {}
    for parse in (xgboost_json.parse_covers, catboost_json.parse_covers):
        with pytest.raises(CorruptError, match="without covers"):
            parse(b'{"learner": {}, "oblivious_trees": [{"splits": [], "leaf_values": [1.0]}]}')
