"""A plan's search, if it has one: over folds of the rows to fit on, with the catalog as its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.engine import LocalEngine
from tidewheel.registry.runs.trials import Trial
from tidewheel.training.context import Progress
from tidewheel.training.data.split import tail
from tidewheel.training.fit import estimators
from tidewheel.training.fit.calibrate import SLICE
from tidewheel.training.fit.estimators import Matrix
from tidewheel.training.limited import LimitedObjective
from tidewheel.training.tuning.objective import Objective
from tidewheel.training.tuning.record import search_key
from tidewheel.training.tuning.search import search
from tidewheel.training.tuning.summary import Summary

if TYPE_CHECKING:
    from tidewheel.training.fit.learn import Plan

Ints = npt.NDArray[np.int64]
INNER_SHARE = 0.2
"""Share of the rows to fit on, the last ones, that trials are judged by where no folds are declared."""


@dataclass(frozen=True)
class Tuned:
    """What a search came to: the parameters to fit with, the trials that found them, what a report shows of it."""

    chosen: Mapping[str, Any]
    trials: tuple[Trial, ...] = ()
    summary: Summary | None = None


def tune(plan: Plan, matrix: Matrix, train: Ints, progress: Progress | None = None) -> Tuned:
    """Search among a plan's parameters on the train rows; a plan that has none, or chose already, needs no search."""
    if plan.chosen is not None or not plan.space:
        return Tuned(plan.chosen or {})
    rows = tail(train, matrix.y, share=SLICE)[0] if plan.calibrate else train
    how = _how(plan)
    folds = plan.folds or (tail(rows, matrix.y, share=INNER_SHARE),)
    threads = max(1, plan.threads // how.parallel)
    objective = Objective(plan.estimator, plan.metric.name, plan.seed, threads, matrix, folds, plan.start)
    known: Mapping[int, Trial] = {}
    if plan.record is not None:
        known = plan.record.open(search_key(how, plan.space, objective, plan.limits))

    def told(trial: Trial, asked: int, best: float | None) -> None:
        if progress:
            said = f", best {best:.4g}" if best is not None else ""
            progress(f"search: trial {trial.number + 1} of {asked}{said}", (trial.number + 1) / asked)

    found = search(
        plan.space,
        estimators.parameters(plan.estimator),
        objective if plan.limits is None else LimitedObjective(objective, plan.limits, len(folds)),
        how=how,
        greater_is_better=plan.metric.greater_is_better,
        seed=plan.seed,
        engine=plan.engine if plan.limits is None else plan.engine or LocalEngine(how.parallel),
        known=known,
        ledger=plan.record,
        progress=told,
    )
    return Tuned(found.best, found.trials, found.summary)


def _how(plan: Plan) -> ir.Tune:
    """Return the declared way to tune, with what a caller said over it."""
    how = plan.tune or ir.Tune()
    limits = [limit for limit in (how.limit, round((plan.limit or 0) * 1e6)) if limit > 0]
    if plan.limit is not None and plan.limit <= 0:
        limits = [1]
    return msgspec.structs.replace(how, trials=plan.trials or how.trials, limit=min(limits, default=0))
