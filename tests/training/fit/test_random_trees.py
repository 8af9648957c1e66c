"""Random models of the tree libraries, flattened: raw scores equal to the last bit, alone and among others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from tests.conftest import need_extra

from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import flatten
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]
N, COLUMNS = 300, 5

quick = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table(seed: int, holes: float, levels: int, ties: bool) -> tuple[Floats, Floats, int]:
    """Return rows of four numbers and a category, a label, and the number of levels."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(N, COLUMNS)) * 10.0 ** random.integers(-3, 4, COLUMNS)
    if ties:
        x[:, :2] = x[:, :2].round(1)
    x[:, 2] = np.where(random.random(N) < 0.3, 0.0, x[:, 2])
    x[:, 4] = random.integers(0, levels, N)
    y = np.sin(x[:, 0]) + (x[:, 4] % 3 == 1) + random.normal(0, 0.3, N)
    x[random.random(x.shape) < holes] = np.nan
    return x, y, levels


tables = st.builds(table, st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.6]), st.integers(2, 70), st.booleans())


def flattened(estimator: Any, x: Floats, y: Floats, levels: int, categories: list[int]) -> tuple[Any, Predictor]:
    matrix = Matrix(x, y, np.ones(N), list("abcde"), categories)
    fitted = estimators.fit(estimators.prepare(estimator, 1, n_threads=1), matrix).estimator
    found = flatten(fitted, [0, 0, 0, 0, levels if categories else 0], np.zeros(COLUMNS))
    assert not isinstance(found, str), found
    return fitted, Predictor(*found)


def asked(x: Floats, levels: int) -> Floats:
    """Return the rows, and some that training never saw."""
    edges = np.tile(x[:6], (1, 1))
    edges[:, 0] = [1e-36, -1e-36, -0.0, 1e300, -1e300, np.nan]
    edges[:, 4] = [levels, np.nan, 0, levels - 1, levels, 1]
    return np.vstack([x, edges])


def same(predictor: Predictor, rows: Floats, theirs: Floats) -> None:
    ours = predictor.raw(rows)
    assert ours.tobytes() == np.asarray(theirs, np.float64).tobytes()
    scores = predictor.score(rows)
    assert [predictor.score_one(rows[i : i + 1]) for i in range(0, len(rows), 37)] == scores[::37].tolist()


@quick
@given(
    tables,
    st.booleans(),
    st.fixed_dictionaries(
        {
            "n_estimators": st.integers(1, 12),
            "num_leaves": st.integers(2, 40),
            "boosting_type": st.sampled_from(["gbdt", "dart"]),
            "use_missing": st.booleans(),
            "zero_as_missing": st.booleans(),
            "max_cat_to_onehot": st.sampled_from([1, 4, 100]),
            "min_data_per_group": st.integers(1, 20),
            "learning_rate": st.sampled_from([0.05, 0.3, 1.0]),
        }
    ),
    st.sampled_from(["binary", "regression", "l1", "huber"]),
)
def test_lightgbm(drawn: tuple[Floats, Floats, int], categorical: bool, chosen: dict[str, Any], objective: str) -> None:
    x, y, levels = drawn
    if objective == "binary":
        estimator: Any = LGBMClassifier(verbose=-1, **chosen)
        y = (y > np.median(y)).astype(float)
    else:
        estimator = LGBMRegressor(verbose=-1, objective=objective, **chosen)
    fitted, predictor = flattened(estimator, x, y, levels, [4] if categorical else [])
    rows = asked(x, levels)
    same(predictor, rows, fitted.booster_.predict(rows, raw_score=True))


@quick
@given(
    tables,
    st.booleans(),
    st.fixed_dictionaries(
        {
            "n_estimators": st.integers(1, 12),
            "max_depth": st.integers(1, 6),
            "max_cat_to_onehot": st.sampled_from([1, 4, 100]),
            "learning_rate": st.sampled_from([0.05, 0.3, 1.0]),
            "tree_method": st.sampled_from(["hist", "approx"]),
            "num_parallel_tree": st.sampled_from([1, 3]),
        }
    ),
)
def test_xgboost(drawn: tuple[Floats, Floats, int], classifies: bool, chosen: dict[str, Any]) -> None:
    need_extra("xgboost")
    from xgboost import XGBClassifier, XGBRegressor

    x, y, levels = drawn
    estimator = (XGBClassifier if classifies else XGBRegressor)(**chosen)
    fitted, predictor = flattened(estimator, x, (y > np.median(y)).astype(float) if classifies else y, levels, [4])
    rows = x[~np.isnan(x[:, 4])]
    same(predictor, rows, fitted.predict(rows, output_margin=True))


@quick
@given(tables, st.sampled_from([RandomForestRegressor, ExtraTreesRegressor]), st.integers(1, 10), st.integers(1, 8))
def test_forests(drawn: tuple[Floats, Floats, int], kind: Any, trees: int, depth: int) -> None:
    x, y, levels = drawn
    fitted, predictor = flattened(kind(n_estimators=trees, max_depth=depth), x, y, levels, [])
    np.testing.assert_allclose(predictor.raw(x), fitted.predict(x), rtol=1e-12)
    same(predictor, x, predictor.raw(x))


@quick
@given(tables, st.integers(1, 15), st.integers(2, 31), st.booleans())
def test_histogram_boosting(drawn: tuple[Floats, Floats, int], rounds: int, leaves: int, categorical: bool) -> None:
    x, y, levels = drawn
    estimator = HistGradientBoostingRegressor(max_iter=rounds, max_leaf_nodes=leaves)
    fitted, predictor = flattened(estimator, x, y, levels, [4] if categorical else [])
    np.testing.assert_allclose(predictor.raw(x), fitted.predict(x), rtol=1e-12)
    same(predictor, x, predictor.raw(x))
