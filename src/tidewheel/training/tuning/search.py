"""Tuning: a sampler proposes parameters in rounds, an objective judges them, every trial is kept as it ends.

Optuna is used by ask and tell, in memory; the catalog is the record. What a round proposes depends on the
seed and on what the rounds before it came to, and nothing else: not on time, threads or machines. So a search
that was killed goes on by asking again from the first round and telling what the record holds, and proposes
what it would have proposed. The first trial is the estimator as declared, so a search can't end worse than no
search on the rows it judges by.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tidewheel.definitions import ir
from tidewheel.engine import Engine, LocalEngine
from tidewheel.errors import TrainingError
from tidewheel.registry.runs.trials import Trial
from tidewheel.training.fit.estimators import shown
from tidewheel.training.tuning import samplers
from tidewheel.training.tuning.space import Space, chosen, declared, distributions
from tidewheel.training.tuning.summary import Summary, summary_of
from tidewheel.training.tuning.watch import Watch

if TYPE_CHECKING:
    import optuna

DEFAULT_TRIALS = 20
Objective = Callable[[Mapping[str, Any], Watch], float]


class Ledger(Protocol):
    """Where trials are kept (`tidewheel.training.tuning.record.Record`, once it is open)."""

    def keep(self, trials: Sequence[Trial]) -> None:
        """Write trials that ended."""


@dataclass(frozen=True)
class Search:
    """Outcome of a search: the best parameters, every trial, and what a report shows of them."""

    best: dict[str, Any]
    trials: tuple[Trial, ...]
    summary: Summary


@dataclass(frozen=True)
class _Asked:
    """A proposal: Optuna's trial, and what an estimator is given."""

    trial: optuna.Trial
    parameters: dict[str, Any]


def search(
    space: Mapping[str, Space],
    defaults: Mapping[str, Any],
    objective: Objective,
    *,
    how: ir.Tune,
    greater_is_better: bool,
    seed: int,
    engine: Engine | None = None,
    known: Mapping[int, Trial] | None = None,
    ledger: Ledger | None = None,
    progress: Callable[[Trial, int, float | None], None] | None = None,
) -> Search:
    """Propose parameters from `space` and keep the best.

    Parameters
    ----------
    space : mapping of str to Space
        As the model declares it, e.g. ``{"num_leaves": tw.int_range(15, 127)}``.
    defaults : mapping
        Parameters of the estimator as declared; tried first.
    objective : callable
        Value of a set of parameters, given a `Watch` to report to. A `TrainingError` marks the trial as failed; the
        search goes on. For an engine other than this process's cores it can be pickled.
    how : ir.Tune
    greater_is_better : bool
    seed : int
        Same seed, same proposals, as long as no time limit cuts in.
    engine : Engine, optional
        Where the trials of a round run: threads of this process by default.
    known : mapping of int to Trial, optional
        What earlier work on the same search came to, by number.
    ledger : Ledger, optional
        Told of each round that ends.
    progress : callable, optional
        Called with each finished trial, the number asked for and the best value so far.

    Raises
    ------
    TrainingError
        When no trial succeeded.

    Examples
    --------
    >>> from tidewheel.definitions.models.tuning import float_range
    >>> found = search(
    ...     {"x": float_range(-4.0, 4.0)}, {"x": 3.0}, lambda p, watch: (p["x"] - 1.0) ** 2,
    ...     how=ir.Tune(trials=30), greater_is_better=False, seed=0,
    ... )
    >>> abs(found.best["x"] - 1.0) < 0.5, found.trials[0].parameters
    (True, {'x': 3.0})
    """
    study = samplers.study_of(how, greater_is_better, seed)
    most = _queue(study, space, defaults, how, seed)
    known = dict(known or {})
    done: list[Trial] = []
    run = _Runner(objective, engine or LocalEngine(how.parallel), how, alone=engine is None and how.parallel == 1)
    spent = sum(trial.seconds for trial in known.values()) / how.parallel
    started = time.monotonic()
    while not (stopped := _stopped(done, how, most, greater_is_better, spent + time.monotonic() - started)):
        asked = [_ask(study, space) for _ in range(min(how.parallel, most - len(done)))]
        fresh = [one for one in asked if one.trial.number not in known]
        made = run.round(fresh)
        if ledger is not None:
            ledger.keep([_written(trial) for trial in made])
        known |= {trial.number: trial for trial in made}
        for one in asked:
            trial = _settled(known[one.trial.number], one)
            _tell(study, one.trial, trial, again=one not in fresh or not run.alone)
            done.append(trial)
            if progress:
                progress(trial, most, _best_value(done, greater_is_better))
    best = _best(done, greater_is_better)
    return Search(best.parameters, tuple(done), summary_of(study, how, done, best.number, stopped))


def _queue(
    study: optuna.Study, space: Mapping[str, Space], defaults: Mapping[str, Any], how: ir.Tune, seed: int
) -> int:
    """Put what is not left to the sampler first; return how many trials there can be."""
    first = declared(space, defaults)
    if first:
        study.enqueue_trial(first)
    if how.sampler != "grid":
        return how.trials
    points = [point for point in samplers.grid(space, how.trials, seed) if point != first]
    for point in points:
        study.enqueue_trial(point)
    return min(how.trials, len(points) + bool(first))


def _ask(study: optuna.Study, space: Mapping[str, Space]) -> _Asked:
    trial = study.ask(distributions(space))
    return _Asked(trial, chosen(space, trial.params))


def _settled(trial: Trial, asked: _Asked) -> Trial:
    """Return a trial with its parameters as they were asked: a record holds some of them as text.

    Raises
    ------
    TrainingError
        A record that is of another search.
    """
    if shown(trial.parameters) != shown(asked.parameters):
        raise TrainingError(
            f"trial {trial.number} of the record has {trial.parameters}, and the sampler proposes {asked.parameters}",
            remedy="train with --no-cache, or another seed: this search can't be gone on with",
        )
    return Trial(trial.number, asked.parameters, trial.value, trial.seconds, trial.error, trial.state, trial.steps)


def _written(trial: Trial) -> Trial:
    return Trial(
        trial.number, shown(trial.parameters), trial.value, trial.seconds, trial.error, trial.state, trial.steps
    )


def _tell(study: optuna.Study, asked: optuna.Trial, trial: Trial, *, again: bool) -> None:
    """Tell the study what came of a trial; `again` when what was reported on the way did not reach it yet."""
    from optuna.trial import TrialState

    if again:
        for step, value in trial.steps:
            asked.report(value, step)
            asked.should_prune()  # Hyperband notes a trial's rung when it is asked
    state = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}[trial.state]
    study.tell(asked, trial.value if trial.state == "complete" else None, state)


def _stopped(done: Sequence[Trial], how: ir.Tune, most: int, greater_is_better: bool, seconds: float) -> str:
    """Return why a search is over, "" while it is not."""
    if len(done) >= most:
        return "trials" if most == how.trials else "every point of the grid was tried"
    if how.patience and _since_best(done, greater_is_better) >= how.patience:
        return f"no gain in {how.patience} trials"
    if done and how.limit and seconds * 1e6 > how.limit:
        return "time limit"
    return ""


def _since_best(done: Sequence[Trial], greater_is_better: bool) -> int:
    """Return how many trials ended since the best one; 0 while none succeeded."""
    good = [trial for trial in done if trial.value is not None]
    return done[-1].number - _best(done, greater_is_better).number if good else 0


def _best_value(done: Sequence[Trial], greater_is_better: bool) -> float | None:
    return _best(done, greater_is_better).value if any(trial.value is not None for trial in done) else None


def _best(trials: Sequence[Trial], greater_is_better: bool) -> Trial:
    sign = -1.0 if greater_is_better else 1.0
    good = [(sign * trial.value, trial.number, trial) for trial in trials if trial.value is not None]
    if not good:
        reason = trials[-1].error if trials else "none was asked for"
        raise TrainingError(f"none of {len(trials)} trials succeeded: {reason}", remedy="narrow the search space")
    return min(good, key=lambda item: item[:2])[2]


@dataclass(frozen=True)
class _Runner:
    """Runs the trials of a round, each of which sees the study as it stood when the round began."""

    objective: Objective
    engine: Engine
    how: ir.Tune
    alone: bool
    """One trial at a time, here: it may report to the study itself."""

    def round(self, asked: Sequence[_Asked]) -> list[Trial]:
        """Return what came of proposals, in their order."""
        if self.alone:
            return [
                _attempted(self.objective, one.trial.number, one.parameters, self._watched(one.trial)) for one in asked
            ]
        study = pickle.dumps([one.trial for one in asked]) if self.how.pruner else b""
        parts = [(place, one.trial.number, one.parameters, study) for place, one in enumerate(asked)]
        return self.engine.map(partial(_remote, self.objective), parts)

    def _watched(self, trial: optuna.Trial) -> Watch:
        return Watch(trial if self.how.pruner else None)


def _remote(objective: Objective, part: tuple[int, int, dict[str, Any], bytes]) -> Trial:
    """Run one trial of a round on a copy of the study."""
    place, number, parameters, study = part
    watch = Watch(pickle.loads(study)[place] if study else None)
    return _attempted(objective, number, parameters, watch)


def _attempted(objective: Objective, number: int, parameters: dict[str, Any], watch: Watch) -> Trial:
    begun = time.monotonic()
    value, error = math.nan, ""
    try:
        value = float(objective(parameters, watch))
        error = "" if math.isfinite(value) else f"its value is {value}"
    except TrainingError as raised:
        error = str(raised)
    seconds, steps = time.monotonic() - begun, tuple(watch.steps)
    if watch.pruned and not error:
        return Trial(number, parameters, None, seconds, "", "pruned", steps)
    return Trial(number, parameters, None if error else value, seconds, error, "failed" if error else "complete", steps)
