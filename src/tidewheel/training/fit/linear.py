"""Linear and constant scikit-learn estimators, and pipelines before them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.registry.models.predictors import PredictorSpec

Floats = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass
class _Steps:
    """What a pipeline does before its last step: fill nulls, then shift and scale."""

    columns: int
    impute: Floats | None = None
    mean: Floats | None = None
    deviation: Floats | None = None


def flatten_pipeline(pipeline: Any, columns: int) -> tuple[PredictorSpec, Arrays] | str:
    """Return a pipeline of SimpleImputer, StandardScaler and a linear model as a predictor; else why not."""
    steps = _Steps(columns)
    for name, step in pipeline.steps[:-1]:
        reason = _add_step(steps, step)
        if reason:
            return f"step {name!r} of the pipeline: {reason}"
    return flatten_linear(pipeline.steps[-1][1], steps)


def flatten_linear(model: Any, steps: _Steps | None = None) -> tuple[PredictorSpec, Arrays] | str:
    """Return a linear or constant model as a predictor; else why not."""
    name = type(model).__name__
    if name == "DummyClassifier":
        return _dummy_classifier(model)
    if name == "DummyRegressor":
        return PredictorSpec(kind="constant", intercept=float(np.ravel(model.constant_)[0])), {}
    if name not in _LINEAR:
        return f"{name} has no neutral form here"
    coefficients = np.asarray(model.coef_, dtype=np.float64)
    if coefficients.ndim == 2 and coefficients.shape[0] != 1:
        return f"{name} of {coefficients.shape[0]} outputs"
    classifier = name == "LogisticRegression"
    arrays: Arrays = {"coef": coefficients.ravel()}
    if steps is not None:
        found = {"impute": steps.impute, "mean": steps.mean, "deviation": steps.deviation}
        arrays |= {key: value for key, value in found.items() if value is not None}
    spec = PredictorSpec(
        kind="linear",
        objective="sigmoid" if classifier else "identity",
        intercept=float(np.ravel(model.intercept_)[0]),
    )
    return spec, arrays


_LINEAR = frozenset(
    {"LogisticRegression", "LinearRegression", "Ridge", "Lasso", "ElasticNet", "HuberRegressor", "BayesianRidge"}
)


def _dummy_classifier(model: Any) -> tuple[PredictorSpec, Arrays] | str:
    if model.strategy not in ("prior", "most_frequent", "constant"):
        return f"DummyClassifier(strategy={model.strategy!r}) is random"
    rate = float(model.predict_proba(np.zeros((1, 1)))[0, -1])
    return PredictorSpec(kind="constant", intercept=rate), {}


def _add_step(steps: _Steps, step: Any) -> str:
    name = type(step).__name__
    if step == "passthrough" or step is None:
        return ""
    if name == "SimpleImputer":
        return _add_imputer(steps, step)
    if name == "StandardScaler":
        if steps.mean is not None:
            return "a second StandardScaler has no neutral form here"
        zero, one = np.zeros(steps.columns), np.ones(steps.columns)
        steps.mean = np.asarray(step.mean_, dtype=np.float64) if step.with_mean else zero
        steps.deviation = np.asarray(step.scale_, dtype=np.float64) if step.with_std else one
        return ""
    return f"{name} has no neutral form here"


def _add_imputer(steps: _Steps, step: Any) -> str:
    filling = np.asarray(step.statistics_, dtype=np.float64)
    if not np.isnan(step.missing_values):
        return f"SimpleImputer(missing_values={step.missing_values!r}) has no neutral form here"
    if step.indicator_ is not None:
        return "SimpleImputer(add_indicator=True) has no neutral form here"
    if np.isnan(filling).any() or filling.size != steps.columns:
        return "SimpleImputer dropped a column that held nothing but nulls"
    if steps.mean is not None or steps.impute is not None:
        return "SimpleImputer must come first, once"
    steps.impute = filling
    return ""
