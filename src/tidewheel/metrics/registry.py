"""Metrics by name, as models declare them: ``"brier"``, ``"precision_at(recall=0.95)"``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import checks, compiled, listwise, probability, ranking, regression
from tidewheel.metrics.state import State

Floats = npt.NDArray[np.float64]
Task = Literal["classification", "regression", "ranking"]


@dataclass(frozen=True)
class _Family:
    """How a metric is prepared and computed, before its parameters are known."""

    prepare: Callable[..., State]
    function: Callable[..., float]
    task: Task
    greater_is_better: bool
    parameters: Mapping[str, float | None] = field(default_factory=dict)
    in_prepare: bool = False
    needs_probability: bool = False


_LIST_PARAMETERS: Mapping[str, Mapping[str, float | None]] = {
    "ndcg": {"k": 0.0},
    "hit_rate": {"k": 0.0},
    "recall_at_k": {"k": 10.0},
}
_FAMILIES = {
    "average_precision": _Family(ranking.ranked, compiled.average_precision, "classification", True),
    "roc_auc": _Family(ranking.ranked, compiled.roc_auc, "classification", True),
    "precision_at": _Family(ranking.ranked, compiled.precision_at, "classification", True, {"recall": None}),
    "recall_at": _Family(ranking.ranked, compiled.recall_at, "classification", True, {"precision": None}),
    "accuracy": _Family(
        probability.correct, compiled.weighted_mean, "classification", True, {"threshold": 0.5}, in_prepare=True
    ),
    "f1": _Family(probability.taken, compiled.f1, "classification", True, {"threshold": 0.5}, in_prepare=True),
    "brier": _Family(
        probability.squared, compiled.weighted_mean, "classification", False, needs_probability=True
    ),
    "log_loss": _Family(
        probability.logarithmic, compiled.weighted_mean, "classification", False, needs_probability=True
    ),
    "calibration_error": _Family(
        probability.binned, compiled.calibration_error, "classification", False, {"bins": 10.0},
        in_prepare=True, needs_probability=True,
    ),
    "rmse": _Family(regression.squared_error, regression.root_mean, "regression", False),
    "mae": _Family(regression.absolute_error, compiled.weighted_mean, "regression", False),
    "pinball": _Family(
        regression.pinball_loss, compiled.weighted_mean, "regression", False, {"quantile": 0.5}, in_prepare=True
    ),
    "coverage_error": _Family(
        regression.covered, compiled.distance_to, "regression", False, {"quantile": 0.5}, in_prepare=True
    ),
    "r2": _Family(regression.explained, compiled.r2, "regression", True),
    **{
        name: _Family(prepare, compiled.weighted_mean, "ranking", True, _LIST_PARAMETERS.get(name, {}), in_prepare=True)
        for name, prepare in listwise.PER_LIST.items()
    },
}  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A metric with its parameters, ready to be computed on any rows.

    Attributes
    ----------
    name : str
        Canonical, e.g. ``precision_at(recall=0.95)``.
    task : {"classification", "regression", "ranking"}
        One of ranking is the mean over lists, and takes the list of each row as `group`.
    greater_is_better : bool
    needs_probability : bool
        True when scores must be in [0, 1].

    Examples
    --------
    >>> metric("brier")([0, 1], [0.2, 0.9])
    0.025
    """

    name: str
    task: Task
    greater_is_better: bool
    needs_probability: bool
    family: str
    parameters: tuple[float, ...] = ()

    def __call__(
        self,
        y: npt.ArrayLike,
        score: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        group: npt.ArrayLike | None = None,
    ) -> float:
        """Return the metric of these rows; `MetricError` when it is undefined."""
        return self.prepare(y, score, weight, group).value(self.function, self.name)

    def prepare(
        self,
        y: npt.ArrayLike,
        score: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        group: npt.ArrayLike | None = None,
    ) -> State:
        """Check and sort the rows once, for many reweightings."""
        family = _FAMILIES[self.family]
        columns = checks.rows(y, score, weight)
        if family.task == "ranking":
            if group is None:
                raise MetricError(
                    f"{self.name} measures lists, and nothing says which rows are one",
                    remedy="declare group= on the model, a column of its event; or give group=",
                )
            return family.prepare(*columns, group, *self.parameters)
        if family.in_prepare:
            return family.prepare(*columns, *self.parameters)
        state = family.prepare(*columns)
        for value in self.parameters:
            state = state.with_parameter(value)
        return state

    @property
    def function(self) -> Callable[..., float]:
        """Computes the metric from a prepared state's arguments and counts."""
        return _FAMILIES[self.family].function


def names() -> list[str]:
    """Return the names of all metrics.

    Examples
    --------
    >>> "brier" in names()
    True
    """
    return sorted(_FAMILIES)


@lru_cache(maxsize=256)
def metric(text: str) -> Metric:
    """Return the metric that `text` names.

    Parameters
    ----------
    text : str
        A name, with its parameters by keyword where it has any.

    Raises
    ------
    MetricError
        When there is no such metric or parameter.

    Examples
    --------
    >>> metric("precision_at( recall = 0.950 )").name
    'precision_at(recall=0.95)'
    >>> metric("rmse").greater_is_better
    False
    """
    name, given = _parse(text)
    family = _FAMILIES.get(name)
    if family is None:
        raise MetricError(f"no metric called {name!r}", remedy=f"known metrics: {', '.join(names())}")
    unknown = sorted(set(given) - set(family.parameters))
    if unknown:
        raise MetricError(f"{name} has no parameter {unknown[0]!r}", remedy=_signature(name, family))
    parameters = {key: given.get(key, default) for key, default in family.parameters.items()}
    values = tuple(value for value in parameters.values() if value is not None)
    if len(values) < len(parameters):
        raise MetricError(f"{text!r} lacks a parameter", remedy=f"write {_signature(name, family)}")
    shown = ", ".join(f"{key}={value:g}" for key, value in given.items())
    canonical = f"{name}({shown})" if shown else name
    return Metric(canonical, family.task, family.greater_is_better, family.needs_probability, name, values)


def _signature(name: str, family: _Family) -> str:
    inside = ", ".join(f"{key}={'0.9' if value is None else f'{value:g}'}" for key, value in family.parameters.items())
    return f"{name}({inside})" if inside else name


def _parse(text: str) -> tuple[str, dict[str, float]]:
    wrong = MetricError(f"can't read {text!r} as a metric", remedy="write a name, or name(parameter=number)")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise wrong from None
    if isinstance(node, ast.Name):
        return node.id, {}
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args):
        raise wrong
    given: dict[str, float] = {}
    for keyword in node.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg is None or isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong
        given[keyword.arg] = float(value)
    return node.func.id, given
