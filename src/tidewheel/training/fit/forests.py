"""scikit-learn's trees and ensembles as the kernel's flattened trees.

Read from the public attributes of fitted estimators where there are any. `HistGradientBoosting*` keeps its
trees in ``_predictors``; what is read there is checked against the library's own predictions by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.kernel.models.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, Tree, Trees, build_trees
from tidewheel.registry.models.predictors import PredictorSpec

Floats = npt.NDArray[np.float64]

_SINGLE = frozenset({"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"})
_AVERAGED = frozenset(
    {"RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"}
)
_BOOSTED = frozenset({"GradientBoostingClassifier", "GradientBoostingRegressor"})
_HISTOGRAM = frozenset({"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"})
NAMES = _SINGLE | _AVERAGED | _BOOSTED | _HISTOGRAM
_SIGMOID_SCALE = {"log_loss": 1.0, "exponential": 2.0}
_IDENTITY = frozenset({"squared_error", "absolute_error", "huber", "quantile"})


def flatten_forest(model: Any, levels: Sequence[int]) -> tuple[PredictorSpec, Trees] | str:
    """Return a fitted tree or ensemble as a predictor; else why not.

    Parameters
    ----------
    model : estimator
        Of one of `NAMES`.
    levels : sequence of int
        Per column the number of category levels, 0 for numbers.
    """
    name = type(model).__name__
    if name in _HISTOGRAM:
        return _histogram(model, levels)
    if name in _BOOSTED:
        return _boosted(model)
    members = list(model.estimators_) if name in _AVERAGED else [model]
    if model.n_outputs_ != 1 or (name.endswith("Classifier") and len(model.classes_) > 2):
        return f"{name} of several outputs"
    trees = [_tree(member.tree_, _leaf_values(member)) for member in members]
    flat = build_trees(trees, model.n_features_in_, average=name in _AVERAGED, single=True)
    return PredictorSpec(kind="trees"), flat


def _leaf_values(model: Any) -> Floats:
    """Return each node's mean, or its share of the positive class."""
    values = np.asarray(model.tree_.value[:, 0, :], dtype=np.float64)
    if not hasattr(model, "classes_"):
        return values[:, 0]
    if values.shape[1] == 1:
        return np.full(len(values), float(model.classes_[0]))
    return np.asarray(values[:, 1] / values.sum(axis=1))


def _tree(tree: Any, values: Floats) -> Tree:
    """Return a ``sklearn.tree`` structure with `values` at its leaves; NaN goes where it went in training."""
    leaf = tree.children_left == -1
    place = np.where(leaf, ~(np.cumsum(leaf) - 1), np.cumsum(~leaf) - 1)
    inner = ~leaf
    missing_left = np.asarray(getattr(tree, "missing_go_to_left", np.zeros(leaf.size)), dtype=bool)
    return Tree(
        tree.feature[inner].tolist(),
        tree.threshold[inner].tolist(),
        np.where(missing_left[inner], MISSING_NAN | DEFAULT_LEFT, MISSING_NAN).tolist(),
        place[tree.children_left[inner]].tolist(),
        place[tree.children_right[inner]].tolist(),
        values[leaf].tolist(),
    )


def _boosted(model: Any) -> tuple[PredictorSpec, Trees] | str:
    name = type(model).__name__
    classifier = name.endswith("Classifier")
    if classifier and len(model.classes_) != 2:
        return f"{name} of {len(model.classes_)} classes"
    if model.init not in (None, "zero"):
        return f"{name} that starts from an estimator of its own"
    scale = _SIGMOID_SCALE.get(model.loss, 1.0)
    base = 0.0
    if model.init is None and classifier:
        rate = float(model.init_.class_prior_[1])
        base = float(np.log(rate / (1.0 - rate))) / scale
    elif model.init is None:
        base = float(np.ravel(model.init_.constant_)[0])
    members = [member.tree_ for member in np.ravel(model.estimators_)]
    trees = [_tree(member, model.learning_rate * member.value[:, 0, 0]) for member in members]
    spec = PredictorSpec(kind="trees", objective="sigmoid" if classifier else "identity", scale=scale)
    return spec, build_trees(trees, model.n_features_in_, base=base, single=True)


def _histogram(model: Any, levels: Sequence[int]) -> tuple[PredictorSpec, Trees] | str:
    name = type(model).__name__
    classifier = name.endswith("Classifier")
    if any(len(trees) != 1 for trees in model._predictors):
        return f"{name} of several outputs"
    if not classifier and model.loss not in _IDENTITY:
        return f"{name}(loss={model.loss!r}) has no neutral form here"
    codes = _known_codes(model)
    order = sorted(range(model.n_features_in_), key=lambda column: column not in codes)  # categories come first
    trees = [_histogram_tree(step[0], order if codes else None, codes, levels) for step in model._predictors]
    base = float(np.ravel(model._baseline_prediction)[0])
    spec = PredictorSpec(kind="trees", objective="sigmoid" if classifier else "identity")
    return spec, build_trees(trees, model.n_features_in_, base=base)


def _known_codes(model: Any) -> dict[int, Floats]:
    """Return, for each categorical column, the codes that the fit rows held, in order."""
    if model.is_categorical_ is None:
        return {}
    encoder = model._preprocessor.named_transformers_["encoder"]
    return dict(zip(np.flatnonzero(model.is_categorical_).tolist(), encoder.categories_, strict=True))


def _histogram_tree(predictor: Any, order: list[int] | None, codes: dict[int, Floats], levels: Sequence[int]) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    place = np.where(leaf, ~(np.cumsum(leaf) - 1), np.cumsum(~leaf) - 1)
    inner = nodes[~leaf]
    feature = [int(column) if order is None else order[column] for column in inner["feature_idx"]]
    flags = np.where(inner["missing_go_to_left"], MISSING_NAN | DEFAULT_LEFT, MISSING_NAN)
    flags |= np.where(inner["is_categorical"], CATEGORICAL, 0)
    categories = {}
    for number in np.flatnonzero(inner["is_categorical"]).tolist():
        left = _bits(predictor.raw_left_cat_bitsets[inner["bitset_idx"][number]])
        known = codes[feature[number]]
        goes = {int(known[code]) for code in left if code < len(known)}
        if inner["missing_go_to_left"][number]:
            goes |= set(range(levels[feature[number]] + 1)) - {int(code) for code in known[~np.isnan(known)]}
        categories[number] = sorted(goes)
    return Tree(
        feature,
        inner["num_threshold"].tolist(),
        flags.tolist(),
        place[inner["left"]].tolist(),
        place[inner["right"]].tolist(),
        nodes["value"][leaf].tolist(),
        categories,
    )


def _bits(words: npt.NDArray[np.uint32]) -> list[int]:
    return [32 * number + bit for number, word in enumerate(words.tolist()) for bit in range(32) if word >> bit & 1]
