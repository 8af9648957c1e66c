"""Read CatBoost's JSON model format into `Trees`, without CatBoost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tidewheel.errors import CorruptError
from tidewheel.kernel.models.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, Tree, Trees, build_trees

DEEPEST = 10
"""A symmetric tree of this depth becomes 1,023 nodes; deeper ones are refused."""


def parse_catboost(data: bytes) -> tuple[Trees, str]:
    """Read a model as ``save_model(format="json", pool=...)`` writes it.

    Parameters
    ----------
    data : bytes
        A model of one output whose categories are split one by one (``one_hot_max_size``), each category
        being the text of its code, or ``"null"``. The pool named all categories.

    Returns
    -------
    trees : Trees
        Symmetric trees become plain ones. Raw scores equal the library's but for the order of a sum.
    objective : str
        Its name, such as ``Logloss``.

    Raises
    ------
    CorruptError
        When the data is something else, or splits by statistics of categories.
    """
    try:
        model = json.loads(data)
        scale, bias = model["scale_and_bias"]
        if len(bias) != 1:
            raise CorruptError("a CatBoost model of several outputs, expected one")
        splits = _Splits(model["features_info"])
        trees = [_flat(root, splits, float(scale)) for root in _nested(model)]
        objective = str(model["model_info"]["params"]["loss_function"]["type"])
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise CorruptError(f"no CatBoost JSON model: {error!r}") from error
    return build_trees(trees, splits.features, base=float(bias[0]), single=True), objective


def parse_covers(data: bytes) -> list[float]:
    """Read how many train rows reached each leaf, in the order of the flattened trees.

    Raises
    ------
    CorruptError
        The data does not tell.
    """
    try:
        return [cover for root in _nested(json.loads(data)) for cover in _covers(root)]
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise CorruptError(f"a CatBoost JSON model without covers: {error!r}") from error


def _nested(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [_symmetric(tree) for tree in model["oblivious_trees"]] if "oblivious_trees" in model else model["trees"]


def _covers(node: Mapping[str, Any]) -> list[float]:
    return [float(node["weight"])] if "split" not in node else _covers(node["left"]) + _covers(node["right"])


class _Splits:
    """What each split looks at: column, threshold, flags and, of a category, its code; "true" goes right."""

    def __init__(self, features: Mapping[str, Any]) -> None:
        numbers, texts = features.get("float_features") or [], features.get("categorical_features") or []
        self.features = 1 + max((item["flat_feature_index"] for item in [*numbers, *texts]), default=-1)
        self._numbers = {item["feature_index"]: item for item in numbers}
        self._columns = {item["feature_index"]: int(item["flat_feature_index"]) for item in texts}
        self._texts = {int(item["hash"]): str(item["value"]) for item in features.get("cat_features_hash") or []}

    def of(self, split: Mapping[str, Any]) -> tuple[int, float, int, list[int] | None]:
        """Return column, threshold, flags, and the codes that go left (None for a number)."""
        kind = split["split_type"]
        if kind == "FloatFeature":
            feature = self._numbers[split["float_feature_index"]]
            flags = MISSING_NAN | (0 if feature["nan_value_treatment"] == "AsTrue" else DEFAULT_LEFT)
            return int(feature["flat_feature_index"]), float(np.float32(split["border"])), flags, None
        if kind != "OneHotFeature":
            raise CorruptError(
                "a CatBoost model that splits by statistics of categories (CTR) can't be flattened",
                remedy="set one_hot_max_size=255",
            )
        text = self._texts[int(split["value"]) & 0xFFFFFFFF]
        column = self._columns[split["cat_feature_index"]]
        if text == "null":
            return column, 0.0, CATEGORICAL | MISSING_NAN | DEFAULT_LEFT, []
        return column, 0.0, CATEGORICAL | MISSING_NAN, [int(text)]


def _symmetric(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a symmetric tree as a nested one: bit i of a leaf's number is the answer of split i."""
    asked, values, weights = tree["splits"] or [], tree["leaf_values"], tree.get("leaf_weights")
    if len(asked) > DEEPEST:
        raise CorruptError(f"a CatBoost tree of depth {len(asked)} has no neutral form here", remedy=f"depth={DEEPEST}")

    def below(depth: int, leaf: int) -> Mapping[str, Any]:
        if depth < 0:
            return {"value": values[leaf]} | ({} if weights is None else {"weight": weights[leaf]})
        return {"split": asked[depth], "left": below(depth - 1, leaf), "right": below(depth - 1, leaf | 1 << depth)}

    return below(len(asked) - 1, 0)


def _flat(root: Mapping[str, Any], splits: _Splits, scale: float) -> Tree:
    nodes: list[list[Any]] = []
    values: list[float] = []
    categories: dict[int, list[int]] = {}

    def add(node: Mapping[str, Any]) -> int:
        if "split" not in node:
            values.append(scale * float(node["value"]))
            return ~(len(values) - 1)
        column, threshold, flag, codes = splits.of(node["split"])
        own = len(nodes)
        nodes.append([column, threshold, flag, 0, 0])
        below = [add(node["left"]), add(node["right"])]
        if codes is not None:  # the named category is the true, right side there and the left side here
            below.reverse()
            categories[own] = codes
        nodes[own][3:] = below
        return own

    add(root)
    columns, thresholds, flags, left, right = ([node[part] for node in nodes] for part in range(5))
    return Tree(columns, thresholds, flags, left, right, values, categories)
