"""Flattened ensembles equal the libraries that grew them, to the last bit."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from tidewheel.errors import CorruptError
from tidewheel.kernel import Tree, build_trees, parse_lightgbm, predict_trees


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 6))
    x[random.random((n, 6)) < 0.1] = np.nan
    x[random.random((n, 6)) < 0.1] = 0.0
    x[:, 4] = random.integers(0, 90, n)
    x[:, 5] = random.integers(0, 5, n)
    x[random.random(n) < 0.1, 4] = np.nan
    y = (np.nan_to_num(x[:, 0]) + (x[:, 4] % 7 == 3) + (x[:, 5] == 2) + random.normal(size=n) * 0.3) > 0.5
    return x, y.astype(float)


VARIANTS = [
    {"objective": "binary"},
    {"objective": "regression", "zero_as_missing": True},
    {"objective": "binary", "use_missing": False},
    {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7},
    {"objective": "regression", "boosting": "dart", "max_cat_to_onehot": 1},
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("categorical", [[], [4, 5]])
def test_lightgbm(variant: dict[str, object], categorical: list[int]) -> None:
    x, y = sample(3000)
    data = lightgbm.Dataset(x, y, categorical_feature=categorical, free_raw_data=False)
    parameters = {"verbose": -1, "num_threads": 1, "min_data_per_group": 5, "deterministic": True, **variant}
    booster = lightgbm.train(parameters, data, 20)
    trees = parse_lightgbm(booster.model_to_string())
    rows = sample(2000, seed=1)[0]
    rows[:5, 4] = [-1.0, 200.0, 3.7, 1e12, -0.5]
    rows[5:10, 0] = [1e-36, -1e-36, 1e-34, -0.0, np.inf]
    expected = booster.predict(rows, raw_score=True) / (20 if variant.get("boosting") == "rf" else 1)
    assert predict_trees(trees, rows).tobytes() == expected.tobytes()


def test_a_model_of_bare_leaves() -> None:
    x = np.ones((50, 2))
    booster = lightgbm.train({"verbose": -1, "objective": "regression"}, lightgbm.Dataset(x, np.arange(50.0)), 3)
    assert predict_trees(parse_lightgbm(booster.model_to_string()), x).tobytes() == booster.predict(x).tobytes()


def test_a_forest_of_scikit_learn() -> None:
    x, y = sample(500)
    x = np.nan_to_num(x)
    forest = RandomForestRegressor(10, random_state=0).fit(x, y)
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        inner = np.flatnonzero(tree.children_left >= 0)
        leaf = np.flatnonzero(tree.children_left < 0)
        place = np.empty(tree.node_count, int)
        place[inner] = np.arange(len(inner))
        place[leaf] = ~np.arange(len(leaf))
        left, right = place[tree.children_left[inner]], place[tree.children_right[inner]]
        flags = [0] * len(inner)
        trees.append(Tree(tree.feature[inner], tree.threshold[inner], flags, left, right, tree.value[leaf, 0, 0]))
    flat = build_trees(trees, 6, average=True, single=True)
    rows = np.nan_to_num(sample(500, seed=2)[0])
    assert np.allclose(predict_trees(flat, rows), forest.predict(rows), rtol=1e-15, atol=0)


@pytest.mark.parametrize("damage", ["", "tree\n", "cut", "leaf", "linear", "classes"])
def test_damaged_models_are_refused(damage: str) -> None:
    x, y = sample(300)
    text = lightgbm.train({"verbose": -1}, lightgbm.Dataset(x, y), 2).model_to_string()
    changed = {
        "cut": text[: len(text) // 3],
        "leaf": text.replace("leaf_value=", "leaf_value=1 ", 1),
        "linear": text.replace("is_linear=0", "is_linear=1", 1),
        "classes": text.replace("num_tree_per_iteration=1", "num_tree_per_iteration=3"),
    }.get(damage, damage)
    with pytest.raises(CorruptError):
        parse_lightgbm(changed)


def test_rows_too_narrow_are_refused() -> None:
    trees = build_trees([Tree([1], [0.0], [0], [~0], [~1], [1.0, 2.0])], 2)
    with pytest.raises(CorruptError):
        predict_trees(trees, np.zeros((1, 1)))
