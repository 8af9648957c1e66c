"""Handling an estimator that may come from any library: clone, seed, fit by name, score."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.cores import cores
from tidewheel.errors import TrainingError
from tidewheel.training.fit import boosters, focal
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.taught import as_taught
from tidewheel.training.fit.warm import Start, go_on
from tidewheel.training.fit.warned import Warned

__all__ = ["Fit", "Matrix", "fit", "is_lightgbm", "parameters", "prepare", "score", "shown", "threads"]

Floats = npt.NDArray[np.float64]
MOST_THREADS = 8


@dataclass(frozen=True)
class Fit:
    """A fitted estimator and how it went.

    Attributes
    ----------
    estimator : object
    parameters : dict
        Those it was fitted with, seeds and threads included.
    notes : tuple of str
        Warnings of the library; weights it would not take.
    seconds : float
    """

    estimator: Any
    parameters: dict[str, Any]
    notes: tuple[str, ...]
    seconds: float


def threads() -> int:
    """Return how many threads a learner is given here. A LightGBM fit does not depend on the number."""
    return min(MOST_THREADS, cores())


def is_lightgbm(estimator: Any) -> bool:
    """Tell whether an estimator is LightGBM's, without importing it."""
    return boosters.library(estimator) == "lightgbm"


def prepare(estimator: Any, seed: int, changes: Mapping[str, Any] | None = None, n_threads: int = 0) -> Any:
    """Return a fresh, unfitted copy with `changes` applied, every unset seed set, and made repeatable.

    Raises
    ------
    TrainingError
        When the estimator refuses a parameter.
    """
    fresh = _copy(estimator)
    known = parameters(fresh)
    settings = {name: seed for name, value in known.items() if name.split("__")[-1] in _SEEDS and value is None}
    settings |= boosters.settings(fresh, known, seed, n_threads or threads())
    settings |= changes or {}
    if not settings:
        return fresh
    try:
        return fresh.set_params(**settings)
    except (ValueError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{type(estimator).__name__} refuses {settings}: {error}", remedy="check the names in search"
        ) from error


def fit(estimator: Any, matrix: Matrix, *, callbacks: Sequence[Any] = (), start: Start | None = None) -> Fit:
    """Fit `estimator` (see `prepare`) on a matrix; categories and weights are passed where they are taken.

    One that was declared to stop early is fitted on all but the last rows, and watched on these. LightGBM and
    XGBoost call `callbacks`, of their own kind, after each round. With `start` the fit goes on from that model.

    Raises
    ------
    TrainingError
        Whatever the estimator raised, as the cause.
    """
    return fit_on(estimator, *told_rows(estimator, matrix), callbacks=callbacks, start=start)


def told_rows(estimator: Any, matrix: Matrix) -> tuple[Matrix, Matrix | None, list[str]]:
    """Tell an estimator of its columns; return the rows to fit on, those to stop by if any, and what is to be noted."""
    notes = boosters.name_categories(estimator, matrix)
    stops = boosters.stops_early(estimator, parameters(estimator))
    part, held = boosters.hold_out(matrix) if stops else (matrix, None)
    return part.by_list(), held.by_list() if held else None, notes


def fit_on(
    estimator: Any,
    part: Matrix,
    held: Matrix | None,
    notes: Sequence[str] = (),
    *,
    callbacks: Sequence[Any] = (),
    start: Start | None = None,
) -> Fit:
    """Fit on rows that were cut already (see `told_rows`); otherwise as `fit`."""
    said = list(notes)
    full, part = part, as_taught(part)
    begun: dict[str, Any] = {}
    if start is not None:
        estimator, begun = go_on(estimator, start)
    rows, arguments = boosters.fit_rows(estimator, part)
    arguments |= begun
    arguments |= boosters.watched(estimator, held) if held else {}
    arguments |= focal.fit_arguments(estimator, part, held)
    arguments |= _weighting(estimator, part, said, part is not full)
    arguments |= boosters.lists(estimator, part, held)
    arguments |= boosters.listening(estimator, callbacks) if callbacks else {}
    started = time.monotonic()
    with Warned() as warned:
        try:
            fitted = estimator.fit(rows, part.y, **arguments)
        except Exception as error:
            raise _failed(estimator, "fit", part, error) from error
    said += sorted(set(warned.found))
    estimator = estimator if fitted is None else fitted
    if held:
        said.append(stopped(estimator, held))
    return Fit(estimator, shown(parameters(estimator)), tuple(said), time.monotonic() - started)


def stopped(estimator: Any, held: Matrix) -> str:
    """Say when early stopping ended a fit."""
    return f"kept {boosters.rounds(estimator)} rounds, by the last {len(held.y)} rows"


def score(estimator: Any, x: Floats) -> Floats:
    """Return one number a row: the positive class's probability, its margin, or the predicted number.

    Raises
    ------
    TrainingError
        When the estimator raises, or gives something else than one finite number a row.
    """
    with Warned():  # of names that an array does not have, and of what was noted at fit already
        try:
            scores = _raw_score(estimator, x)
        except Exception as error:
            raise TrainingError(f"{type(estimator).__name__} raised while predicting: {error}") from error
    if scores.shape != (x.shape[0],) or not np.all(np.isfinite(scores)):
        raise TrainingError(f"{type(estimator).__name__} gave no finite number for each of {x.shape[0]} rows")
    return scores


def parameters(estimator: Any) -> dict[str, Any]:
    """Return an estimator's parameters by name, nested ones too; {} when it can't tell."""
    return dict(estimator.get_params(deep=True)) if hasattr(estimator, "get_params") else {}


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON can hold them: what is no plain value, as text."""
    return {name: value if _plain(value) else repr(value) for name, value in sorted(values.items())}


_SEEDS = frozenset({"random_state", "seed"})


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and np.isfinite(value))


def _copy(estimator: Any) -> Any:
    if not hasattr(estimator, "get_params"):
        return copy.deepcopy(estimator)
    from sklearn.base import clone

    return clone(estimator)


def _raw_score(estimator: Any, x: Floats) -> Floats:
    if focal.of(estimator) is not None:
        return focal.score(estimator, x)
    rows = boosters.predict_rows(estimator, x)
    if hasattr(estimator, "predict_proba"):
        probabilities = np.asarray(estimator.predict_proba(rows), dtype=np.float64)
        if probabilities.ndim != 2 or probabilities.shape[1] > 2:
            raise ValueError(f"probabilities of shape {probabilities.shape}; two classes are expected")
        if probabilities.shape[1] == 2:
            return probabilities[:, 1]
        return np.full(x.shape[0], float(estimator.classes_[0]))
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(rows), dtype=np.float64)
    return np.asarray(estimator.predict(rows), dtype=np.float64)


def _weighting(estimator: Any, matrix: Matrix, notes: list[str], taught: bool) -> dict[str, Floats]:
    """Return the weights under the name that `fit` takes them by; a note where it takes none."""
    if np.all(matrix.weight == 1.0):
        return {}
    name = _weight_argument(estimator)
    if not name and taught:
        raise TrainingError(
            f"{type(estimator).__name__}.fit takes no sample_weight: it can't learn what a teacher says of classes",
            remedy="take an estimator that does, or drop teacher",
        )
    if not name:
        notes.append(f"{type(estimator).__name__}.fit takes no sample_weight: the rows' weights were ignored")
    return {name: matrix.weight} if name else {}


def _weight_argument(estimator: Any) -> str:
    """Return the name under which `fit` takes weights, through a pipeline to its last step; "" for none."""
    from sklearn.utils.validation import has_fit_parameter

    steps = getattr(estimator, "steps", None)
    if steps:
        inner = _weight_argument(steps[-1][1])
        return f"{steps[-1][0]}__{inner}" if inner else ""
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else ""


def _failed(estimator: Any, what: str, matrix: Matrix, error: Exception) -> TrainingError:
    null = [name for name, column in zip(matrix.columns, matrix.x.T, strict=True) if np.isnan(column).any()]
    remedy = "change the estimator or its parameters"
    if null and "NaN" in str(error):
        remedy = (
            f"{', '.join(null[:3])} hold nulls: put SimpleImputer before it in a Pipeline, or use tw.transform.fill"
        )
    first_line = str(error).partition("\n")[0]
    return TrainingError(
        f"{type(estimator).__name__} raised in {what}: {type(error).__name__}: {first_line}", remedy=remedy
    )
