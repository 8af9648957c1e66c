"""Shapley values of trees: LightGBM's own, the definition by all subsets, and their sum."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import pytest

from tidewheel.errors import CorruptError
from tidewheel.kernel.models.lightgbm_text import parse_covers, parse_lightgbm
from tidewheel.kernel.models.shap import Paths, build_paths, shap_values
from tidewheel.kernel.models.trees import MISSING_NAN, Tree, build_trees
from tidewheel.kernel.models.walk import lay_out, predict_trees


def grown(x: np.ndarray, y: np.ndarray, categories: list[int], **more: object) -> tuple[lightgbm.Booster, Paths]:
    data = lightgbm.Dataset(x, y, categorical_feature=categories, free_raw_data=False)
    parameters = {"verbose": -1, "num_threads": 1, "min_data_per_group": 5, "deterministic": True, **more}
    booster = lightgbm.train(parameters, data, 15)
    text = booster.model_to_string()
    return booster, build_paths(parse_lightgbm(text), np.array(parse_covers(text)))


@pytest.mark.parametrize("variant", [{"objective": "binary"}, {"objective": "regression", "num_leaves": 6}])
@pytest.mark.parametrize("categories", [[], [4]])
def test_values_are_those_of_lightgbm(variant: dict[str, object], categories: list[int]) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(1500, 6))
    x[random.random((1500, 6)) < 0.1] = np.nan
    x[:, 4] = random.integers(0, 30, 1500)
    y = (np.nan_to_num(x[:, 0]) * np.nan_to_num(x[:, 1]) + (x[:, 4] % 5 == 2) > 0.4).astype(float)
    booster, paths = grown(x, y, categories, **variant)
    rows = x[:300]
    ours, theirs = shap_values(paths, rows), booster.predict(rows, pred_contrib=True)
    assert np.abs(ours - theirs).max() < 1e-9
    assert np.abs(ours.sum(axis=1) - predict_trees(lay_out(paths.trees), rows)).max() < 1e-9


def test_values_are_those_of_the_definition() -> None:
    flags = [MISSING_NAN] * 3
    tree = Tree([0, 1, 0], [0.5, 0.5, 0.8], flags, [1, ~0, ~2], [2, ~1, ~3], [1.0, 4.0, -2.0, 10.0])
    trees, nodes, leaves = build_trees([tree], 3), np.array([20.0, 12.0, 8.0]), np.array([9.0, 3.0, 6.0, 2.0])
    row = np.array([0.9, 0.1, 7.0])

    def known(place: int, of: frozenset[int]) -> float:
        """Mean leaf when only the columns `of` are known (Lundberg's algorithm 1)."""
        if place < 0:
            return tree.value[~place]
        left, right = tree.left[place], tree.right[place]
        if tree.feature[place] in of:
            return known(left if row[tree.feature[place]] <= tree.threshold[place] else right, of)
        covers = [nodes[child] if child >= 0 else leaves[~child] for child in (left, right)]
        return (covers[0] * known(left, of) + covers[1] * known(right, of)) / sum(covers)

    expected = []
    for column in range(3):
        others = [other for other in range(3) if other != column]
        total = 0.0
        for size in range(3):
            for subset in combinations(others, size):
                share = factorial(size) * factorial(2 - size) / factorial(3)
                total += share * (known(0, frozenset({*subset, column})) - known(0, frozenset(subset)))
        expected.append(total)
    found = shap_values(build_paths(trees, leaves), row[None, :])[0]
    assert found[:3] == pytest.approx(expected, abs=1e-12)
    assert found[3] == pytest.approx(known(0, frozenset()))


def test_bare_leaves_move_nothing() -> None:
    booster, paths = grown(np.ones((50, 2)), np.arange(50.0), [], objective="regression")
    assert np.allclose(shap_values(paths, np.ones((2, 2))), booster.predict(np.ones((2, 2)), pred_contrib=True))


def test_covers_must_fit() -> None:
    stump = build_trees([Tree([0], [0.5], [MISSING_NAN], [~0], [~1], [-1.0, 1.0])], 1)
    with pytest.raises(CorruptError, match="3 covers for 2 leaves"):
        build_paths(stump, np.ones(3))
    with pytest.raises(CorruptError, match="needs 1 columns"):
        shap_values(build_paths(stump, np.ones(2)), np.ones((3, 0)))
    with pytest.raises(CorruptError, match="without counts"):
        parse_covers("Tree=0\nnum_leaves=2\nTree=1\nnum_leaves=2\nend of trees")
