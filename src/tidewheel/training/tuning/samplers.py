"""Who proposes parameters, and who ends a trial early: Optuna's, by name."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tidewheel.definitions import ir
from tidewheel.errors import MissingExtraError
from tidewheel.training.tuning.space import Space

if TYPE_CHECKING:
    import optuna

STARTUP = 5
"""Trials that end undisturbed before the median pruner compares with them."""


def study_of(how: ir.Tune, greater_is_better: bool, seed: int) -> optuna.Study:
    """Return an empty study in memory.

    Raises
    ------
    MissingExtraError
        CMA-ES without its package.
    """
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        # Hyperband draws a trial's bracket from the study's name, so that has to be one and the same
        return optuna.create_study(
            study_name="tidewheel",
            direction="maximize" if greater_is_better else "minimize",
            sampler=_sampler(how, seed),
            pruner=_pruner(how.pruner),
        )
    finally:
        optuna.logging.set_verbosity(level)


def _sampler(how: ir.Tune, seed: int) -> optuna.samplers.BaseSampler:
    from optuna import samplers

    if how.sampler == "cmaes":
        if importlib.util.find_spec("cmaes") is None:
            raise MissingExtraError("CMA-ES needs the package cmaes", remedy="pip install 'tidewheel[cma]'")
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return tpe(seed, parallel=how.parallel > 1) if how.sampler == "tpe" else samplers.RandomSampler(seed=seed)


def tpe(seed: int, *, parallel: bool = False) -> optuna.samplers.BaseSampler:
    """Return the sampler that `sampler="tpe"` names. Parameters are proposed together: better ones, for less."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of both arguments, which Optuna has had since 2020
        # The liar keeps proposals of one round from being all alike.
        return TPESampler(seed=seed, multivariate=True, constant_liar=parallel)


def _pruner(name: str) -> optuna.pruners.BasePruner:
    from optuna import pruners

    if name == "median":
        return pruners.MedianPruner(n_startup_trials=STARTUP)
    return pruners.HyperbandPruner() if name == "hyperband" else pruners.NopPruner()


def grid(space: Mapping[str, Space], trials: int, seed: int) -> list[dict[str, Any]]:
    """Return the points of a grid in an order drawn by `seed`: every choice, and evenly placed values of each range.

    A range gets as many values as keep the grid near `trials` points, at least two. A choice is named by its place.

    Examples
    --------
    >>> from tidewheel.definitions.models.tuning import choice, int_range
    >>> points = grid({"depth": int_range(1, 3), "kind": choice("a", "b")}, 6, seed=0)
    >>> len(points), {point["depth"] for point in points}
    (6, {1, 2, 3})
    """
    ranges = [name for name, spec in space.items() if spec.kind != "choice"]
    choices = int(np.prod([len(spec.choices) for spec in space.values() if spec.kind == "choice"]))
    most = max(2, round((trials / choices) ** (1 / len(ranges)))) if ranges else 0
    axes = {name: _places(spec, most) for name, spec in sorted(space.items())}
    points = [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]
    return [points[place] for place in np.random.default_rng(seed).permutation(len(points))]


def _places(spec: Space, most: int) -> list[Any]:
    if spec.kind == "choice":
        return list(range(len(spec.choices)))
    if spec.kind == "int":
        return sorted({round(value) for value in np.linspace(spec.low, spec.high, most)})
    even = np.geomspace if spec.kind == "log" else np.linspace
    inner = [float(value) for value in even(spec.low, spec.high, most)]
    return [float(spec.low), *inner[1:-1], float(spec.high)]  # the ends to the bit: they must lie in the range
