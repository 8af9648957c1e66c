"""A fitted estimator as arrays that serve without its library, and the proof that they give the same scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError, TrainingError
from tidewheel.kernel.lightgbm_text import parse_lightgbm
from tidewheel.kernel.trees import Trees
from tidewheel.registry.predictors import Predictor, PredictorSpec, trees_arrays
from tidewheel.training import estimators
from tidewheel.training.forests import NAMES as FORESTS
from tidewheel.training.forests import flatten_forest
from tidewheel.training.linear import Arrays, flatten_linear, flatten_pipeline

Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-12
"""Largest relative difference to the library's own prediction, where it is not to be equal to the bit."""


def flatten(estimator: Any, levels: Sequence[int], means: Floats) -> tuple[PredictorSpec, Arrays] | str:
    """Return a fitted estimator as a neutral predictor, or a sentence saying why it has none.

    Parameters
    ----------
    estimator : object
    levels : sequence of int
        Per column the number of category levels, 0 for numbers.
    means : float64 array
        Mean of each column over the train rows: what stands for a null that a linear model never met.
    """
    if estimators.is_lightgbm(estimator):
        found: tuple[PredictorSpec, Trees] | tuple[PredictorSpec, Arrays] | str = _lightgbm(estimator)
    elif type(estimator).__module__.split(".")[0] != "sklearn":
        return f"{type(estimator).__module__}.{type(estimator).__name__} has no neutral form here"
    elif type(estimator).__name__ in FORESTS:
        found = flatten_forest(estimator, levels)
    elif hasattr(estimator, "steps"):
        found = flatten_pipeline(estimator, len(levels))
    else:
        found = flatten_linear(estimator)
    if isinstance(found, str):
        return found
    spec, parts = found
    if isinstance(parts, Trees):
        return spec, trees_arrays(parts)
    if spec.kind == "linear" and "impute" not in parts:
        parts["impute"] = np.nan_to_num(means)
    return spec, parts


def verify(predictor: Predictor, estimator: Any, x: Floats) -> int:
    """Check that a predictor scores rows as its estimator does; return how many rows were compared.

    LightGBM's raw scores must be equal to the bit, other scores to `TOLERANCE`. Rows with nulls are left out
    where the library refuses them.

    Raises
    ------
    TrainingError
        At the first row that differs.
    """
    rows = x
    try:
        theirs = estimators.score(estimator, rows)
    except TrainingError:
        rows = x[~np.isnan(x).any(axis=1)]
        if not len(rows):
            raise
        theirs = estimators.score(estimator, rows)
    if estimators.is_lightgbm(estimator):
        raw = np.asarray(estimator.booster_.predict(rows, raw_score=True), dtype=np.float64)
        if estimator.boosting_type == "rf":  # the library leaves the mean of a forest to what comes after "raw"
            raw /= estimator.booster_.num_trees()
        _same(predictor.raw(rows), raw, 0.0, estimator)
    _same(predictor.score(rows), theirs, TOLERANCE, estimator)
    return len(rows)


def _same(ours: Floats, theirs: Floats, tolerance: float, estimator: Any) -> None:
    far = np.abs(ours - theirs) > tolerance * np.maximum(1.0, np.abs(theirs))
    if far.any():
        row = int(far.argmax())
        raise TrainingError(
            f"the flattened {type(estimator).__name__} scores row {row} {ours[row]!r}, the library {theirs[row]!r}",
            remedy="report this with the library's version; the version was not registered",
        )


def _lightgbm(estimator: Any) -> tuple[PredictorSpec, Trees] | str:
    text = estimator.booster_.model_to_string()
    objective = next((line[10:] for line in text.splitlines() if line.startswith("objective=")), "").split()
    name = objective[0] if objective else "custom"
    try:
        trees = parse_lightgbm(text)
    except CorruptError as error:
        return error.message
    if name in ("binary", "cross_entropy"):
        scale = next((float(word[8:]) for word in objective if word.startswith("sigmoid:")), 1.0)
        return PredictorSpec(kind="trees", objective="sigmoid", scale=scale), trees
    if name in ("regression", "regression_l1", "huber", "fair", "quantile", "mape") and "sqrt" not in objective:
        return PredictorSpec(kind="trees"), trees
    return f"LightGBM's objective {name!r} has no neutral form here"
