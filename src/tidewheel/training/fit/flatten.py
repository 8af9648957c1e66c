"""A fitted estimator as arrays that serve without its library, and the proof that they give the same scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError, TrainingError
from tidewheel.kernel.models.catboost_json import parse_catboost
from tidewheel.kernel.models.lightgbm_text import parse_lightgbm
from tidewheel.kernel.models.trees import Trees
from tidewheel.kernel.models.xgboost_json import parse_xgboost
from tidewheel.registry.models.predictors import Predictor, PredictorSpec, trees_arrays
from tidewheel.training.fit import boosters, estimators, focal, native
from tidewheel.training.fit.forests import NAMES as FORESTS
from tidewheel.training.fit.forests import flatten_forest
from tidewheel.training.fit.linear import Arrays, flatten_linear, flatten_pipeline

Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-12
"""Largest relative difference to the library's own prediction, where it is not to be equal to the bit."""
SINGLE_TOLERANCE = 1e-6
"""The same where the library computes in float32."""
GRAPH_TOLERANCE = 1e-5
"""The same of an ONNX graph, which may multiply matrices in float32."""


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
    if boosters.library(estimator) in _BOOSTERS:
        found: tuple[PredictorSpec, Trees] | tuple[PredictorSpec, Arrays] | str = _booster(estimator, levels)
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

    LightGBM's raw scores must be equal to the bit, other scores to `TOLERANCE`, or to `SINGLE_TOLERANCE` where
    the library computes in float32. Rows with nulls are left out where the library refuses them.

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
    raw, tolerance = _raw(estimator, rows)
    if raw is not None:
        _same(predictor.raw(rows), raw, tolerance, estimator)
    if predictor.spec.kind == "onnx":
        near = GRAPH_TOLERANCE * max(1.0, float(np.std(theirs)))
    elif hasattr(estimator, "tolerance"):
        near = float(estimator.tolerance)
    else:
        near = SINGLE_TOLERANCE if boosters.library(estimator) == "xgboost" else TOLERANCE
    _same(predictor.score(rows), theirs, near, estimator)
    return len(rows)


def _raw(estimator: Any, rows: Floats) -> tuple[Floats | None, float]:
    """Return a boosting library's raw scores, where it tells them, and how near ours have to be."""
    of = boosters.library(estimator)
    if focal.of(estimator) is not None:
        return focal.raw_score(estimator, rows), TOLERANCE
    if of == "lightgbm":
        raw = np.asarray(estimator.booster_.predict(rows, raw_score=True), dtype=np.float64)
        if estimator.boosting_type == "rf":  # the library leaves the mean of a forest to what comes after "raw"
            raw /= estimator.booster_.num_trees()
        return raw, 0.0
    if of == "xgboost":
        return np.asarray(estimator.predict(rows, output_margin=True), dtype=np.float64), SINGLE_TOLERANCE
    if of == "catboost":
        asked = {} if type(estimator).__name__ == "CatBoostRanker" else {"prediction_type": "RawFormulaVal"}
        raw = estimator.predict(boosters.predict_rows(estimator, rows), **asked)
        return np.asarray(raw, dtype=np.float64), TOLERANCE
    return None, 0.0


def _same(ours: Floats, theirs: Floats, tolerance: float, estimator: Any) -> None:
    far = np.abs(ours - theirs) > tolerance * np.maximum(1.0, np.abs(theirs))
    if far.any():
        row = int(far.argmax())
        raise TrainingError(
            f"the flattened {type(estimator).__name__} scores row {row} {ours[row]!r}, the library {theirs[row]!r}",
            remedy="report this with the library's version; the version was not registered",
        )


def _booster(estimator: Any, levels: Sequence[int]) -> tuple[PredictorSpec, Trees] | str:
    of = boosters.library(estimator)
    try:
        return _lightgbm(estimator) if of == "lightgbm" else _json_trees(of, native.model_json(estimator, levels))
    except CorruptError as error:
        return _said(error)


def boosted(of: str, model: bytes) -> tuple[PredictorSpec, Arrays] | str:
    """Return XGBoost's or CatBoost's JSON model, whoever fitted it, as a predictor; else why not."""
    try:
        found = _json_trees(of, model)
    except CorruptError as error:
        return _said(error)
    return found if isinstance(found, str) else (found[0], trees_arrays(found[1]))


def lightgbm_text(text: str) -> tuple[PredictorSpec, Arrays] | str:
    """Return LightGBM's model text, whoever fitted it, as a predictor; else why not."""
    try:
        found = _text_trees(text)
    except CorruptError as error:
        return _said(error)
    return found if isinstance(found, str) else (found[0], trees_arrays(found[1]))


def _said(error: CorruptError) -> str:
    return f"{error.message}; {error.remedy}" if error.remedy else error.message


def _json_trees(of: str, model: bytes) -> tuple[PredictorSpec, Trees] | str:
    trees, objective = (parse_xgboost if of == "xgboost" else parse_catboost)(model)
    if objective in _SIGMOID:
        return PredictorSpec(kind="trees", objective="sigmoid"), trees
    if objective in _IDENTITY:
        return PredictorSpec(kind="trees"), trees
    return f"{_NAMES[of]}'s objective {objective!r} has no neutral form here"


_BOOSTERS = frozenset({"lightgbm", "xgboost", "catboost"})
_NAMES = {"xgboost": "XGBoost", "catboost": "CatBoost"}
_SIGMOID = frozenset({"binary:logistic", "reg:logistic", "Logloss", "CrossEntropy"})
_IDENTITY = frozenset(
    {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "binary:logitraw"}
    | {
        "rank:pairwise",
        "rank:ndcg",
        "rank:map",
        "YetiRank",
        "YetiRankPairwise",
        "QueryRMSE",
        "QuerySoftMax",
        "RMSE",
        "MAE",
        "Quantile",
        "Huber",
        "MAPE",
        "Expectile",
    }
)


_IDENTITY_LIGHTGBM = frozenset(
    {"regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg"}
)


def _lightgbm(estimator: Any) -> tuple[PredictorSpec, Trees] | str:
    text = estimator.booster_.model_to_string()
    loss = focal.of(estimator)
    if loss is not None:
        spec = PredictorSpec(kind="trees", objective="focal", focal=(loss.gamma, *loss.weights))
        return spec, parse_lightgbm(text, base=estimator.focal_start_)
    return _text_trees(text)


def _text_trees(text: str) -> tuple[PredictorSpec, Trees] | str:
    objective = next((line[10:] for line in text.splitlines() if line.startswith("objective=")), "").split()
    name = objective[0] if objective else "custom"
    trees = parse_lightgbm(text)
    if name in ("binary", "cross_entropy"):
        scale = next((float(word[8:]) for word in objective if word.startswith("sigmoid:")), 1.0)
        return PredictorSpec(kind="trees", objective="sigmoid", scale=scale), trees
    if name in _IDENTITY_LIGHTGBM and "sqrt" not in objective:
        return PredictorSpec(kind="trees"), trees
    return f"LightGBM's objective {name!r} has no neutral form here"
