"""What LightGBM, XGBoost and CatBoost want to be told: seeds and threads, categories by their levels, early stopping.

Nothing here imports a library: an estimator that is given has imported its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import TrainingError
from tidewheel.training.data.split import tail
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.modules import TorchLearner

Floats = npt.NDArray[np.float64]
HELD_SHARE = 0.1
"""Share of the fit rows, the last ones, that early stopping watches."""
MOST_ONE_HOT = 255
"""Levels up to which CatBoost can split categories one by one."""
_PATIENCE = {
    "lightgbm": ("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change"),
    "xgboost": ("early_stopping_rounds",),
    "catboost": ("early_stopping_rounds", "od_wait", "od_type"),
}


def library(estimator: Any) -> str:
    """Return the library an estimator is of, such as ``"xgboost"``, without importing it."""
    return type(estimator).__module__.split(".")[0]


def is_histogram(estimator: Any) -> bool:
    """Tell scikit-learn's histogram gradient boosting."""
    return type(estimator).__name__.startswith("HistGradientBoosting")


def is_module(estimator: Any) -> bool:
    """Tell what ``tw.learner.torch`` made."""
    return isinstance(estimator, TorchLearner)


def settings(estimator: Any, known: Mapping[str, Any], seed: int, n_threads: int) -> dict[str, Any]:
    """Return the parameters that make a fit repeatable and quiet, where the estimator leaves them open."""
    of = library(estimator)
    if of == "lightgbm":
        found: dict[str, Any] = {"deterministic": True, "force_row_wise": True}
        found |= {"n_jobs": n_threads} if known.get("n_jobs") is None else {}
        return found | ({} if {"verbose", "verbosity"} & set(known) else {"verbosity": -1})
    if of == "xgboost":
        return {"n_jobs": n_threads} if known.get("n_jobs") is None else {}
    if of == "catboost":
        quiet = {"verbose", "logging_level", "silent", "verbose_eval"}
        wanted = [
            ({"random_seed", "random_state"}, "random_seed", seed),
            ({"thread_count"}, "thread_count", n_threads),
            (quiet, "logging_level", "Silent"),
            ({"allow_writing_files"}, "allow_writing_files", False),
            ({"one_hot_max_size"}, "one_hot_max_size", MOST_ONE_HOT),
        ]
        return {name: value for names, name, value in wanted if not names & set(known)}
    return {}


def name_categories(estimator: Any, matrix: Matrix) -> list[str]:
    """Tell an estimator, before its fit, which columns are categories; return what has to be noted."""
    if is_histogram(estimator) and estimator.categorical_features in (None, "from_dtype"):
        few = [place for place in matrix.categories if _top(matrix, place) < estimator.max_bins]
        estimator.set_params(categorical_features=few or None)
    elif library(estimator) == "xgboost" and matrix.categories and estimator.get_params().get("feature_types") is None:
        kinds = ["c" if place in matrix.categories else "q" for place in range(len(matrix.columns))]
        estimator.set_params(feature_types=kinds, enable_categorical=True)
    elif library(estimator) == "catboost":
        many = [matrix.columns[place] for place in matrix.categories if _top(matrix, place) >= MOST_ONE_HOT]
        return [f"more than {MOST_ONE_HOT} levels, taken as numbers by CatBoost: {', '.join(many)}"] if many else []
    return []


def fit_rows(estimator: Any, matrix: Matrix) -> tuple[Any, dict[str, Any]]:
    """Return the rows as an estimator's `fit` takes them, and how it is told of columns."""
    of = library(estimator)
    if of == "lightgbm":
        names = [plain_name(name) for name in matrix.columns]
        return matrix.x, {"feature_name": names, "categorical_feature": list(matrix.categories)}
    if of == "catboost":
        few = [place for place in matrix.categories if _top(matrix, place) < MOST_ONE_HOT]
        return _frame(matrix.x, few), {"cat_features": few}
    told = {"categories": list(matrix.categories)} if _takes(estimator, "categories") else {}
    return matrix.x, told


def predict_rows(estimator: Any, x: Floats) -> Any:
    """Return rows as a fitted estimator's `predict` takes them."""
    return _frame(x, estimator.get_cat_feature_indices()) if library(estimator) == "catboost" else x


def stops_early(estimator: Any, known: Mapping[str, Any]) -> bool:
    """Tell whether an estimator was declared to stop early."""
    if is_histogram(estimator):
        return estimator.early_stopping is True
    if is_module(estimator):
        return bool(known["patience"])
    return any(known.get(name) for name in _PATIENCE.get(library(estimator), ()))


def hold_out(matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Cut the rows, which are in order of time, into those to fit on and the last ones, to stop by.

    Raises
    ------
    TrainingError
        When too few could be held out.
    """
    try:
        fit, held = tail(np.arange(len(matrix.y)), matrix.y, share=HELD_SHARE)
    except TrainingError as error:
        raise TrainingError(f"early stopping: {error.message}", remedy="train without early stopping") from error
    return matrix.take(fit), matrix.take(held)


def watched(estimator: Any, held: Matrix) -> dict[str, Any]:
    """Return the arguments by which `fit` is given rows to stop by."""
    of = library(estimator)
    if is_histogram(estimator) or is_module(estimator):
        return {"X_val": held.x, "y_val": held.y, "sample_weight_val": held.weight}
    if of == "lightgbm":
        return {"eval_set": [(held.x, held.y)], "eval_sample_weight": [held.weight]}
    if of == "xgboost":
        return {"eval_set": [(held.x, held.y)], "sample_weight_eval_set": [held.weight], "verbose": False}
    from catboost import Pool

    rows, told = fit_rows(estimator, held)
    return {"eval_set": Pool(rows, held.y, weight=held.weight, group_id=held.group, **told)}


def lists(estimator: Any, matrix: Matrix, held: Matrix | None) -> dict[str, Any]:
    """Return how a ranker's `fit` is told which rows are a list; {} for what takes no lists.

    XGBoost weighs lists, not rows: a list by the mean of its rows.
    """
    if matrix.group is None:
        return {}
    if _takes(estimator, "group_id"):
        return {"group_id": matrix.group}
    if not _takes(estimator, "group"):
        return {}
    parts = [matrix] if held is None else [matrix, held]
    starts = [_starts(part) for part in parts]
    sizes = [np.diff(np.append(start, len(part.y))) for start, part in zip(starts, parts, strict=True)]
    told: dict[str, Any] = {"group": sizes[0]} | ({"eval_group": sizes[1:]} if held else {})
    if library(estimator) != "xgboost":
        return told
    means = [np.add.reduceat(p.weight, at) / size for p, at, size in zip(parts, starts, sizes, strict=True)]
    return told | {"sample_weight": means[0]} | ({"sample_weight_eval_set": means[1:]} if held else {})


def _starts(matrix: Matrix) -> npt.NDArray[np.int64]:
    """Return where each list begins among rows that stand list by list."""
    assert matrix.group is not None
    return np.flatnonzero(np.append(True, np.diff(matrix.group) != 0))


def listening(estimator: Any, callbacks: Sequence[Any]) -> dict[str, Any]:
    """Have LightGBM or XGBoost call functions of its own kind after each round; return what its `fit` is told."""
    if library(estimator) == "lightgbm":
        return {"callbacks": list(callbacks)}
    estimator.set_params(callbacks=list(callbacks))
    return {}


def rounds(estimator: Any) -> int:
    """Return how many rounds of boosting a fitted estimator kept."""
    of = library(estimator)
    if is_histogram(estimator):
        return int(estimator.n_iter_)
    if is_module(estimator):
        return int(estimator.epochs_)
    if of == "lightgbm":
        return int(estimator.best_iteration_ or estimator.n_iter_)
    return int(estimator.tree_count_) if of == "catboost" else int(estimator.best_iteration) + 1


def plain_name(name: str) -> str:
    """Return a column's name without the characters that LightGBM's model text can't hold."""
    return "".join("_" if char in '",:[]{} \t\n' else char for char in name)


def _takes(estimator: Any, name: str) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(estimator, name))


def _top(matrix: Matrix, place: int) -> float:
    """Return the highest code of a column, the unseen one's not counted apart."""
    return float(np.nanmax(matrix.x[:, place], initial=0.0))


def _frame(x: Floats, categories: Sequence[int]) -> Any:
    """Return rows as CatBoost takes them: category codes as texts, null among them."""
    if not categories:
        return x
    import pandas as pd

    columns: dict[int, Any] = dict(enumerate(x.T))
    for place in categories:
        codes = np.where(np.isnan(x[:, place]), -1, x[:, place]).astype(np.int64)
        texts = [*map(str, range(int(codes.max(initial=0)) + 1)), "null"]
        columns[place] = pd.Categorical.from_codes(np.where(codes < 0, len(texts) - 1, codes), categories=texts)
    return pd.DataFrame(columns)
