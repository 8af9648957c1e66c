"""Fitting on several workers at once, where the estimator's library can, and on one where not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tidewheel.engine import Engine, GangEngine, LocalEngine
from tidewheel.errors import ConfigError
from tidewheel.training.fit import boosters, estimators, focal
from tidewheel.training.fit.distributed.boosting import Share, boost
from tidewheel.training.fit.distributed.deal import deal
from tidewheel.training.fit.estimators import Fit, Matrix
from tidewheel.training.fit.modules import TorchLearner
from tidewheel.training.fit.warm import Start

LEAST = 100
"""Rows of a worker below which a fit is not shared."""


@dataclass(frozen=True)
class Crew:
    """Who fits.

    Attributes
    ----------
    workers : int
        How many processes share a fit; 1 for none but this one.
    engine : Engine, optional
        Where they run: this machine by default.
    """

    workers: int = 1
    engine: Engine | None = None


def fit_among(
    crew: Crew,
    estimator: Any,
    seed: int,
    changes: Mapping[str, Any],
    threads: int,
    matrix: Matrix,
    start: Start | None = None,
) -> Fit:
    """Prepare an estimator and fit it, on the crew's workers where it can be shared.

    One that goes on from another model (`start`), or learns from a teacher, is not shared. A worker uses as many
    threads as the estimator's `n_jobs` says, or one.

    Raises
    ------
    ConfigError
        The engine runs no workers side by side.
    EngineError
        Workers died time and again, or the cluster has no room for them.
    TrainingError
        What the estimator raised; see `estimators.fit`.
    """
    why = unshared(estimator, matrix, crew.workers, start)
    if crew.workers == 1 or why:
        fit = estimators.fit(estimators.prepare(estimator, seed, changes, threads), matrix, start=start)
        said = (f"not shared among {crew.workers} workers: {why}",) if crew.workers > 1 else ()
        return replace(fit, notes=(*fit.notes, *said))
    engine = gang_of(crew)
    fresh = estimators.prepare(estimator, seed, changes, 1)
    started = time.monotonic()
    shared = _module if boosters.is_module(fresh) else _boosted
    fit = shared(engine, crew.workers, fresh, matrix)
    note = f"shared among {crew.workers} workers, each with about {len(matrix.y) // crew.workers:,} rows"
    return replace(fit, notes=(*fit.notes, note), seconds=time.monotonic() - started)


def unshared(estimator: Any, matrix: Matrix, workers: int, start: Start | None = None) -> str:
    """Return why a fit is done by one worker, "" when it can be shared."""
    if boosters.library(estimator) not in ("lightgbm", "xgboost") and not boosters.is_module(estimator):
        return f"{type(estimator).__name__} can't be; LightGBM, XGBoost and tw.learner.torch can"
    if start is not None or matrix.target is not None:
        return "it learns from another version"
    if focal.of(estimator) is not None:
        return "focal loss begins from the mean of all rows"
    if len(matrix.y) < LEAST * workers:
        return f"{len(matrix.y)} rows are few"
    if np.isin(matrix.y, (0.0, 1.0)).all() and min(np.sum(matrix.y == 0), np.sum(matrix.y == 1)) < workers:
        return "not every worker would see both classes"
    return ""


def gang_of(crew: Crew) -> GangEngine:
    """Return the engine on which workers run side by side."""
    engine: Any = crew.engine or LocalEngine()
    if not hasattr(engine, "gang"):
        raise ConfigError(
            f"{type(engine).__name__} runs no workers side by side, which fit_workers = {crew.workers} asks for",
            where="engine",
            remedy='use engine = "ray", leave engine out for processes of this machine, or set fit_workers = 1',
        )
    found: GangEngine = engine
    return found


def _boosted(engine: GangEngine, workers: int, estimator: Any, matrix: Matrix) -> Fit:
    part, held, notes = estimators.told_rows(estimator, matrix)
    asked = estimators.shown(estimators.parameters(estimator))  # without those of the network
    shares = [Share(estimator, part.take(rows), held) for rows in deal(part.y, workers)]
    fit = engine.gang(boost, shares, cpus=max(1, estimator.get_params().get("n_jobs") or 1))[0]
    assert fit is not None
    return replace(fit, parameters=asked, notes=(*notes, *fit.notes))


def _module(engine: GangEngine, workers: int, learner: TorchLearner, matrix: Matrix) -> Fit:
    from tidewheel.training.fit.distributed.replica import Part, descend

    part, held, notes = estimators.told_rows(learner, matrix)
    drawn = learner.begin(part.x, part.y, part.categories)
    parts = [Part(learner, drawn, part.take(rows), rows, len(part.y), held) for rows in deal(part.y, workers)]
    trained = engine.gang(descend, parts)[0]
    assert trained is not None
    learner.end(trained.state, trained.epochs)
    notes += [estimators.stopped(learner, held)] if held else []
    return Fit(learner, estimators.shown(estimators.parameters(learner)), tuple(notes), 0.0)
