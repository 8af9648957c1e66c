"""Going on from a fitted model (warm start, fine-tuning): what each library is given for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.training.fit import boosters, focal
from tidewheel.training.fit.kept import load_catboost, load_lightgbm, load_skops, load_tensors, load_xgboost


@dataclass(frozen=True)
class Start:
    """The model that a fit goes on from; it can be pickled, so that trials may run on another machine.

    Attributes
    ----------
    version : str
        ``Fraud@2``.
    estimator : str
        Name of the class that made it.
    model : bytes
        In its library's own form (see `fit.native`).
    view : ir.View
        What it was fitted on the rows of.
    columns : tuple of str
    levels : dict of str to tuple of str
        Of each category column, in the order of their codes.
    """

    version: str
    estimator: str
    model: bytes
    view: ir.View
    columns: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]


def go_on(estimator: Any, start: Start) -> tuple[Any, dict[str, Any]]:
    """Return the estimator to fit and the arguments of its `fit` by which it goes on from `start`.

    Boosting adds the rounds that the estimator asks for to those there are, a forest its trees; networks and linear
    models begin at the weights there are.

    Raises
    ------
    TrainingError
        It is another estimator's model, or its library can't go on.
    CorruptError
        The model can't be read.
    """
    name = type(estimator).__name__
    if name != start.estimator:
        raise _refused(start, f"it is of {start.estimator}, and the model's estimator is {name}")
    if focal.of(estimator) is not None:
        raise _refused(start, "boosting by focal loss begins at a constant of its own")
    if boosters.is_module(estimator):
        return estimator, {"state": load_tensors(start.model, start.version)}
    of = boosters.library(estimator)
    if of in _ARGUMENTS:
        argument, load = _ARGUMENTS[of]
        return estimator, {argument: load(start.model, start.version)}
    if of == "sklearn":
        return _warm_started(estimator, start), {}
    raise _refused(start, f"nobody knows how {name} goes on from a model")


_ARGUMENTS: dict[str, tuple[str, Callable[[bytes, str], Any]]] = {
    "lightgbm": ("init_model", load_lightgbm),
    "xgboost": ("xgb_model", load_xgboost),
    "catboost": ("init_model", load_catboost),
}


def _warm_started(estimator: Any, start: Start) -> Any:
    """Return scikit-learn's fitted estimator with the parameters of the one declared, told to go on."""
    known = estimator.get_params(deep=False)
    if "warm_start" not in known:
        raise _refused(start, f"{start.estimator} has no warm_start")
    if boosters.is_histogram(estimator):  # its trees hold the bins of the rows that they were grown on
        raise _refused(start, "histogram gradient boosting goes on only over the very rows it was fitted on")
    fitted = load_skops(start.model, start.version)
    more = {"n_estimators": len(fitted.estimators_) + known["n_estimators"]} if "n_estimators" in known else {}
    return fitted.set_params(**known | more | {"warm_start": True})


def _refused(start: Start, why: str) -> TrainingError:
    return TrainingError(
        f"can't go on from {start.version}: {why}",
        remedy="name a version made by the same estimator, or drop init_from",
    )
