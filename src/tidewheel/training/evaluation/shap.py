"""Shapley values of the test rows, told as one number a column."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError
from tidewheel.kernel.lightgbm_text import parse_covers
from tidewheel.registry.contributions import LEAVES, NODES, shap_of
from tidewheel.registry.predictors import Predictor

Floats = npt.NDArray[np.float64]
MOST_ROWS = 1_000


def cover_arrays(estimator: Any) -> dict[str, Floats]:
    """Return how many train rows reached each node and leaf of a LightGBM model, for its bundle; {} of any other."""
    booster = getattr(estimator, "booster_", None)
    if type(estimator).__module__.split(".")[0] != "lightgbm" or booster is None:
        return {}
    try:
        nodes, leaves = parse_covers(booster.model_to_string())
    except CorruptError:  # a model without counts is served all the same, and not explained
        return {}
    return {NODES: np.array(nodes, np.float64), LEAVES: np.array(leaves, np.float64)}


def mean_absolute_shap(predictor: Predictor | None, estimator: Any, x: Floats) -> list[float]:
    """Return the mean absolute Shapley value of each column over an even spread of rows; [] where there are none."""
    covers = cover_arrays(estimator)
    if predictor is None or predictor.spec.kind != "trees" or not covers:
        return []
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_ROWS)).astype(np.int64))
    values = shap_of({**predictor.arrays, **covers}, np.ascontiguousarray(x[kept]))
    return [] if values is None else np.abs(values[:, :-1]).mean(axis=0).tolist()
