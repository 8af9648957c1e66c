"""Shapley values of the test rows, told as one number a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError
from tidewheel.kernel.models import catboost_json, lightgbm_text, xgboost_json
from tidewheel.registry.models.contributions import LEAVES, shap_of
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.evaluation.spread import spread
from tidewheel.training.fit import boosters
from tidewheel.training.fit.native import model_json

Floats = npt.NDArray[np.float64]
MOST_ROWS = 300


def cover_arrays(estimator: Any, levels: Sequence[int]) -> dict[str, Floats]:
    """Return how many train rows reached each leaf of a booster, for its bundle; {} of any other estimator.

    Parameters
    ----------
    estimator : object
    levels : sequence of int
        Per column the number of category levels, 0 for numbers.
    """
    of = boosters.library(estimator)
    try:
        if of == "lightgbm":
            leaves = lightgbm_text.parse_covers(estimator.booster_.model_to_string())
        elif of == "xgboost":
            leaves = xgboost_json.parse_covers(model_json(estimator, levels))
        elif of == "catboost":
            leaves = catboost_json.parse_covers(model_json(estimator, levels))
        else:
            return {}
    except CorruptError:  # a model without counts is served all the same, and not explained
        return {}
    return {LEAVES: np.array(leaves, np.float64)}


def mean_absolute_shap(predictor: Predictor | None, estimator: Any, levels: Sequence[int], x: Floats) -> list[float]:
    """Return the mean absolute Shapley value of each column over an even spread of rows; [] where there are none."""
    if predictor is None or predictor.spec.kind != "trees":
        return []
    rows = np.ascontiguousarray(x[spread(len(x), MOST_ROWS)])
    values = shap_of({**predictor.arrays, **cover_arrays(estimator, levels)}, rows)
    return [] if values is None else np.abs(values[:, :-1]).mean(axis=0).tolist()
