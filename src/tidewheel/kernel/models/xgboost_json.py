"""Read XGBoost's JSON model format into `Trees`, without XGBoost."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tidewheel.errors import CorruptError
from tidewheel.kernel.models.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, Tree, Trees, build_trees

_LOGISTIC = frozenset({"binary:logistic", "reg:logistic", "binary:logitraw"})


def parse_xgboost(data: bytes) -> tuple[Trees, str]:
    """Read a model as ``Booster.save_raw("json")`` writes it.

    Parameters
    ----------
    data : bytes
        A ``gbtree`` model of one output.

    Returns
    -------
    trees : Trees
        Raw scores (margins) summed in float32 in the library's order.
    objective : str
        Its name, such as ``binary:logistic``.

    Raises
    ------
    CorruptError
        When the data is something else.
    """
    try:
        learner = json.loads(data)["learner"]
        objective, words = str(learner["objective"]["name"]), learner["learner_model_param"]
        booster = learner["gradient_booster"]
        if booster["name"] != "gbtree":
            raise CorruptError(f"XGBoost's booster {booster['name']!r} is no sum of trees of weight one")
        if words["num_class"] not in ("0", "1") or words["num_target"] != "1":
            raise CorruptError("an XGBoost model of several outputs, expected one")
        trees = [_tree(tree) for tree in booster["model"]["trees"]]
        base, features = _base(words["base_score"], objective), int(words["num_feature"])
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise CorruptError(f"no XGBoost JSON model: {error!r}") from error
    return build_trees(trees, features, base=base, single=True, single_sum=True), objective


def parse_covers(data: bytes) -> list[float]:
    """Read what reached each leaf in training, in the order of the flattened trees: the sum of its rows' hessians.

    Raises
    ------
    CorruptError
        The data does not tell.
    """
    try:
        trees = json.loads(data)["learner"]["gradient_booster"]["model"]["trees"]
        return [
            float(cover)
            for tree in trees
            for cover, child in zip(tree["sum_hessian"], tree["left_children"], strict=True)
            if child == -1
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptError(f"an XGBoost JSON model without covers: {error!r}") from error


def _base(text: str, objective: str) -> float:
    """Return the margin that the sum begins with; the model keeps what it stands for, such as a rate."""
    found = json.loads(text)
    base = np.float32(found[0] if isinstance(found, list) else found)
    if objective in _LOGISTIC:
        base = -np.log(np.float32(1.0) / base - np.float32(1.0))
    return float(base)


def _tree(tree: dict[str, Any]) -> Tree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    leaf = left == -1
    place = np.where(leaf, ~(np.cumsum(leaf) - 1), np.cumsum(~leaf) - 1)
    conditions = np.array(tree["split_conditions"], np.float32)
    # XGBoost sends value < threshold to the left, the kernel value <= threshold.
    thresholds = np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64)
    inner = np.flatnonzero(~leaf)
    categorical = np.array(tree["split_type"])[inner] == 1
    default_left = np.array(tree["default_left"])[inner] != 0
    # A category that is listed goes right there and left here, so a categorical node's children change places.
    first, second = np.where(categorical, right[inner], left[inner]), np.where(categorical, left[inner], right[inner])
    to_first = default_left ^ categorical
    flags = MISSING_NAN | np.where(to_first, DEFAULT_LEFT, 0) | np.where(categorical, CATEGORICAL, 0)
    chosen = dict(zip(tree["categories_nodes"], _segments(tree), strict=True))
    return Tree(
        np.array(tree["split_indices"])[inner].tolist(),
        thresholds[inner].tolist(),
        flags.tolist(),
        place[first].tolist(),
        place[second].tolist(),
        conditions[leaf].astype(np.float64).tolist(),
        {number: chosen[int(node)] for number, node in enumerate(inner) if categorical[number]},
    )


def _segments(tree: dict[str, Any]) -> list[list[int]]:
    places = zip(tree["categories_segments"], tree["categories_sizes"], strict=True)
    return [tree["categories"][start : start + size] for start, size in places]
