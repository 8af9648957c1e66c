"""Tuning: a sampler proposes parameters, an inner temporal cut judges them, every trial is kept.

Optuna is used by ask and tell, in memory. The first trial is the estimator as declared, so a
search can't end worse than no search on the rows it judges by.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tidewheel.errors import TrainingError

if TYPE_CHECKING:
    import optuna

DEFAULT_TRIALS = 20


class Space(Protocol):
    """What a model's declaration says of a parameter (`tidewheel.definitions.models.Space`)."""

    @property
    def kind(self) -> str:
        """``int``, ``float``, ``log`` or ``choice``."""
        ...

    @property
    def low(self) -> float:
        """Lower end of a range."""
        ...

    @property
    def high(self) -> float:
        """Upper end of a range, included."""
        ...

    @property
    def choices(self) -> tuple[Any, ...]:
        """Values of a choice."""
        ...


class Trial(msgspec.Struct, frozen=True):
    """One proposal and how it did: `value` is None when the estimator raised."""

    number: int
    parameters: dict[str, Any]
    value: float | None
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Search:
    """Outcome of a search: the best parameters and every trial."""

    best: dict[str, Any]
    trials: tuple[Trial, ...]


def search(
    space: Mapping[str, Space],
    defaults: Mapping[str, Any],
    objective: Callable[[Mapping[str, Any]], float],
    *,
    trials: int,
    greater_is_better: bool,
    seed: int,
    limit: float | None = None,
    progress: Callable[[Trial, int], None] | None = None,
) -> Search:
    """Propose parameters from `space` and keep the best.

    Parameters
    ----------
    space : mapping of str to Space
        As the model declares it, e.g. ``{"num_leaves": tw.int_range(15, 127)}``.
    defaults : mapping
        Parameters of the estimator as declared; tried first.
    objective : callable
        Value of a set of parameters. A `TrainingError` marks the trial as failed; the search goes on.
    trials : int
    greater_is_better : bool
    seed : int
        Same seed, same proposals, as long as no time limit cuts in.
    limit : float, optional
        Seconds after which no further trial begins.
    progress : callable, optional
        Called with each finished trial and the number asked for.

    Raises
    ------
    TrainingError
        When no trial succeeded.

    Examples
    --------
    >>> from tidewheel.definitions.models import float_range
    >>> found = search(
    ...     {"x": float_range(-4.0, 4.0)}, {"x": 3.0}, lambda p: (p["x"] - 1.0) ** 2,
    ...     trials=30, greater_is_better=False, seed=0,
    ... )
    >>> abs(found.best["x"] - 1.0) < 0.5, found.trials[0].parameters
    (True, {'x': 3.0})
    """
    import optuna

    distributions = {name: _distribution(name, spec) for name, spec in sorted(space.items())}
    study = _study(greater_is_better, seed)
    declared = _declared(space, distributions, defaults)
    if declared:
        study.enqueue_trial(declared)
    done: list[Trial] = []
    started = time.monotonic()
    while len(done) < trials and not (done and limit is not None and time.monotonic() - started > limit):
        asked = study.ask(distributions)
        parameters = {name: _chosen(space[name], value) for name, value in asked.params.items()}
        trial = _attempt(asked.number, parameters, objective)
        study.tell(asked, trial.value, optuna.trial.TrialState.FAIL if trial.value is None else None)
        done.append(trial)
        if progress:
            progress(trial, trials)
    return Search(_best(done, greater_is_better), tuple(done))


def _attempt(number: int, parameters: dict[str, Any], objective: Callable[[Mapping[str, Any]], float]) -> Trial:
    begun = time.monotonic()
    try:
        value = float(objective(parameters))
    except TrainingError as error:
        return Trial(number, parameters, None, time.monotonic() - begun, str(error))
    return Trial(number, parameters, value if math.isfinite(value) else None, time.monotonic() - begun)


def _best(trials: list[Trial], greater_is_better: bool) -> dict[str, Any]:
    sign = -1.0 if greater_is_better else 1.0
    good = [(sign * trial.value, trial.number, trial) for trial in trials if trial.value is not None]
    if not good:
        reason = trials[-1].error if trials else "none was asked for"
        raise TrainingError(f"none of {len(trials)} trials succeeded: {reason}", remedy="narrow the search space")
    return min(good, key=lambda item: item[:2])[2].parameters


def _study(greater_is_better: bool, seed: int) -> optuna.Study:
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(seed=seed)
        return optuna.create_study(direction="maximize" if greater_is_better else "minimize", sampler=sampler)
    finally:
        optuna.logging.set_verbosity(level)


def _distribution(name: str, spec: Space) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if spec.kind == "int":
        return IntDistribution(int(spec.low), int(spec.high))
    if spec.kind in ("float", "log"):
        return FloatDistribution(float(spec.low), float(spec.high), log=spec.kind == "log")
    if spec.kind == "choice":
        return CategoricalDistribution(range(len(spec.choices)))  # by place: a choice may be any object
    raise TrainingError(f"unknown range {spec.kind!r} for {name}", where="search")


def _chosen(spec: Space, value: Any) -> Any:
    return spec.choices[value] if spec.kind == "choice" else value


def _declared(
    space: Mapping[str, Space], distributions: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the declared parameters that lie inside the space, as the sampler writes them."""
    inside: dict[str, Any] = {}
    for name, spec in space.items():
        value = defaults.get(name)
        if spec.kind == "choice":
            places = [place for place, choice in enumerate(spec.choices) if choice is value or choice == value]
            inside |= {name: places[0]} if places and name in defaults else {}
        elif isinstance(value, int | float) and spec.low <= value <= spec.high:
            inside[name] = value
    return {name: inside[name] for name in distributions if name in inside}
