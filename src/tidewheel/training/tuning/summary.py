"""What people ask of a search when it is over: how it went on, and which parameters mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidewheel.definitions import ir
from tidewheel.registry.runs.trials import Trial

if TYPE_CHECKING:
    import optuna

LEAST = 6
"""Whole trials below which nothing is said of importance."""


class Point(msgspec.Struct, frozen=True):
    """One trial on the way: its value, and the best one by then."""

    number: int
    value: float | None
    best: float | None
    state: str
    seconds: float


class Summary(msgspec.Struct, frozen=True):
    """A search as a report shows it; kept with its run as the artifact ``tuning``, in JSON."""

    sampler: str
    pruner: str
    direction: str
    best: int
    """Number of the best trial."""
    stopped: str
    """Why it ended: ``trials``, ``no gain in 15 trials``, ``time limit``, ..."""
    counts: dict[str, int]
    """Trials by state."""
    history: list[Point]
    importance: dict[str, float] = {}
    """Share of each parameter in what told good trials from the rest, by PED-ANOVA (Watanabe et al. 2023)."""


def summary_of(study: optuna.Study, how: ir.Tune, done: Sequence[Trial], best: int, stopped: str) -> Summary:
    """Return what a report shows of a search that is over."""
    history: list[Point] = []
    so_far: float | None = None
    pick = max if study.direction.name == "MAXIMIZE" else min
    for trial in done:
        if trial.value is not None:
            so_far = trial.value if so_far is None else pick(so_far, trial.value)
        history.append(Point(trial.number, trial.value, so_far, trial.state, trial.seconds))
    states = [trial.state for trial in done]
    return Summary(
        sampler=how.sampler,
        pruner=how.pruner,
        direction=study.direction.name.lower(),
        best=best,
        stopped=stopped,
        counts={state: states.count(state) for state in sorted(set(states))},
        history=history,
        importance=_importance(study, done),
    )


def _importance(study: optuna.Study, done: Sequence[Trial]) -> dict[str, float]:
    """Return each parameter's share; {} when too few trials, or equal ones, say nothing."""
    values = {trial.value for trial in done if trial.value is not None}
    if len(values) < LEAST:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {name: float(share) for name, share in found.items()}
