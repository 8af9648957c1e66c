"""How a model's parameters are searched: ``tw.tune``.

Examples
--------
>>> import tidewheel as tw
>>> tw.tune.search(trials=50, sampler="tpe", pruner="median", patience=15, parallel=2)
Tune(trials=50, sampler='tpe', pruner='median', patience=15, parallel=2, limit=0)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from tidewheel.definitions import ir
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.places import likely, mistake
from tidewheel.definitions.language.quantities import whole

__all__ = ["choice", "float_range", "int_range", "log_range", "search"]

MOST_PARALLEL = 256


@dataclass(frozen=True)
class Space:
    """The values a parameter may take while tuning; made by `int_range`, `log_range`, `float_range`, `choice`."""

    kind: Literal["int", "float", "log", "choice"]
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()


def search(
    *,
    trials: int = 20,
    sampler: ir.Sampler = "tpe",
    pruner: ir.Pruner = "",
    patience: int = 0,
    parallel: int = 1,
    limit: Duration | None = None,
) -> ir.Tune:
    """Say how the ranges in a model's `search` are tried.

    Parameters
    ----------
    trials : int
        Settings to try at most. The first is the estimator as declared.
    sampler : {"tpe", "random", "grid", "cmaes"}
        Who proposes them. ``"cmaes"`` needs the extra ``cma``.
    pruner : {"", "median", "hyperband"}
        Who ends a trial early, by what it reports while it is fitted: LightGBM and XGBoost each few trees, others
        each fold.
    patience : int
        Stop after so many trials in a row without a better one; 0 is never.
    parallel : int
        Trials in a round. What a round proposes depends on the rounds before it alone, so a search
        comes out the same on any machine.
    limit : duration, optional
        No round begins after it.

    Raises
    ------
    DefinitionError
        A number is out of its range, or there is no such sampler or pruner.
    """
    if sampler not in get_args(ir.Sampler):
        raise mistake(f"no sampler {sampler!r}", likely(str(sampler), get_args(ir.Sampler)))
    if pruner not in get_args(ir.Pruner):
        raise mistake(f"no pruner {pruner!r}", "write 'median' or 'hyperband', or leave it out")
    return ir.Tune(
        trials=whole("trials", trials, 1, 1_000_000),
        sampler=sampler,
        pruner=pruner,
        patience=whole("patience", patience, 0, 1_000_000),
        parallel=whole("parallel", parallel, 1, MOST_PARALLEL),
        limit=0 if limit is None else parse_duration(limit),
    )


def int_range(low: int, high: int) -> Space:
    """Whole numbers from `low` to `high`, both included."""
    return _range("int", low, high)


def float_range(low: float, high: float) -> Space:
    """Numbers from `low` to `high`."""
    return _range("float", low, high)


def log_range(low: float, high: float) -> Space:
    """Positive numbers from `low` to `high`, evenly by their logarithm."""
    if low <= 0:
        raise mistake(f"log_range() starts at {low}, which has no logarithm", "start above 0")
    return _range("log", low, high)


def _range(kind: Literal["int", "float", "log"], low: float, high: float) -> Space:
    if not low < high:
        raise mistake(f"the range from {low} to {high} is empty", "put the lower end first")
    return Space(kind, low, high)


def choice(*values: Any) -> Space:
    """One of some values."""
    if not values:
        raise mistake("choice() of nothing", "write tw.tune.choice('gini', 'entropy')")
    return Space("choice", choices=values)
