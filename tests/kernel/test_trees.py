"""Flattened ensembles equal the libraries that grew them, to the last bit."""

from __future__ import annotations

import math

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from tidewheel.errors import CorruptError
from tidewheel.kernel import Tree, Trees, build_trees, lay_out, parse_lightgbm, predict_trees, score_row
from tidewheel.kernel.models.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO


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
    assert predict_trees(lay_out(trees), rows).tobytes() == expected.tobytes()


def test_a_model_of_bare_leaves() -> None:
    x = np.ones((50, 2))
    booster = lightgbm.train({"verbose": -1, "objective": "regression"}, lightgbm.Dataset(x, np.arange(50.0)), 3)
    forest = lay_out(parse_lightgbm(booster.model_to_string()))
    assert predict_trees(forest, x).tobytes() == booster.predict(x).tobytes()


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
    flat = lay_out(build_trees(trees, 6, average=True, single=True))
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
        predict_trees(lay_out(trees), np.zeros((1, 1)))


def test_nodes_that_are_no_tree_are_refused() -> None:
    trees = build_trees([Tree([0, 0], [0.0, 1.0], [0, 0], [1, 1], [~0, ~1], [1.0, 2.0])], 1)
    with pytest.raises(CorruptError):
        lay_out(trees)


NUMBERS = st.sampled_from(
    [math.nan, 0.0, -0.0, 1e-36, -1e-36, 0.1, 0.5, 1.0, 2.0, 3.7, 64.0, -1.0, math.inf, -math.inf]
)
COLUMNS = 3


@st.composite
def tree(draw: st.DrawFn) -> Tree:
    """Return a tree of any shape: each new node takes the place of some leaf."""
    feature, threshold, flags, left, right = [], [], [], [], []
    categories: dict[int, list[int]] = {}
    leaves: list[tuple[list[int], int]] = []
    for node in range(draw(st.integers(0, 12))):
        if leaves:
            side, parent = leaves.pop(draw(st.integers(0, len(leaves) - 1)))
            side[parent] = node
        feature.append(draw(st.integers(0, COLUMNS - 1)))
        threshold.append(draw(NUMBERS.filter(lambda it: it == it)))
        missing = draw(st.sampled_from([0, MISSING_NAN, MISSING_ZERO])) | draw(st.sampled_from([0, DEFAULT_LEFT]))
        flags.append(missing | draw(st.sampled_from([0, 0, CATEGORICAL])))
        if flags[node] & CATEGORICAL:
            categories[node] = draw(st.lists(st.sampled_from([0, 1, 2, 3, 64]), max_size=3))
        left.append(0), right.append(0)
        leaves += [(left, node), (right, node)]
    for leaf, (side, parent) in enumerate(leaves):
        side[parent] = ~leaf
    values = draw(st.lists(st.floats(-9, 9, width=32), min_size=max(len(leaves), 1), max_size=max(len(leaves), 1)))
    return Tree(feature, threshold, flags, left, right, values, categories)


def goes_left(tree: Tree, node: int, value: float) -> bool:
    flags = tree.flags[node]
    by_default = flags & DEFAULT_LEFT != 0
    if flags & CATEGORICAL:
        if math.isnan(value):
            return bool(flags & MISSING_NAN) and by_default
        return math.isfinite(value) and value > -1 and int(value) in tree.categories[node]
    if math.isnan(value):
        if flags & MISSING_NAN:
            return by_default
        value = 0.0
    if flags & MISSING_ZERO and abs(value) <= 1e-35:
        return by_default
    return value <= tree.threshold[node]


def walked(trees: list[Tree], row: list[float], *, single: bool, single_sum: bool, average: bool) -> float:
    """Return the sum as the definitions of `Tree` and `build_trees` say, node by node."""
    total = 0.25
    for it in trees:
        node = 0 if len(it.feature) else ~0
        while node >= 0:
            value = row[it.feature[node]]
            value = float(np.float32(value)) if single else value
            node = it.left[node] if goes_left(it, node, value) else it.right[node]
        total += it.value[~node]
        total = float(np.float32(total)) if single_sum else total
    return total / (len(trees) if average else 1.0)


@given(
    st.lists(tree(), min_size=1, max_size=18),
    st.lists(st.lists(NUMBERS, min_size=COLUMNS, max_size=COLUMNS), min_size=1, max_size=6),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_ensemble_is_walked_by_its_definition(
    trees: list[Tree], rows: list[list[float]], single: bool, single_sum: bool, average: bool
) -> None:
    flat: Trees = build_trees(trees, COLUMNS, base=0.25, average=average, single=single, single_sum=single_sum)
    forest, expected = lay_out(flat), np.empty(len(rows))
    for at, row in enumerate(rows):
        expected[at] = walked(trees, row, single=single, single_sum=single_sum, average=average)
        assert np.float64(score_row(forest, np.array([row]))).tobytes() == expected[at].tobytes()
    assert predict_trees(forest, np.array(rows)).tobytes() == expected.tobytes()
