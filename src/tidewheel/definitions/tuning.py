"""How a model's parameters are searched: ``tw.tune``.

Examples
--------
>>> import tidewheel as tw
>>> tw.tune.search(trials=50, sampler="tpe", pruner="median", patience=15, parallel=2)
Tune(trials=50, sampler='tpe', pruner='median', patience=15, parallel=2, limit=0)
"""

from __future__ import annotations

from typing import get_args

from tidewheel.definitions import ir
from tidewheel.definitions.durations import Duration, parse_duration
from tidewheel.definitions.models import choice, float_range, int_range, log_range
from tidewheel.definitions.places import likely, mistake

__all__ = ["choice", "float_range", "int_range", "log_range", "search"]

MOST_PARALLEL = 256


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
        trials=_count("trials", trials, 1, 1_000_000),
        sampler=sampler,
        pruner=pruner,
        patience=_count("patience", patience, 0, 1_000_000),
        parallel=_count("parallel", parallel, 1, MOST_PARALLEL),
        limit=0 if limit is None else parse_duration(limit),
    )


def _count(name: str, value: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise mistake(f"{name}={value!r} is no whole number from {low} to {high}", f"write {name}={max(low, 1)}")
    return value
