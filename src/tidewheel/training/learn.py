"""From a data set to something that scores: tune, fit, flatten, prove equal, calibrate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError, TrainingError
from tidewheel.metrics import Metric
from tidewheel.registry.predictors import Predictor, PredictorSpec
from tidewheel.training import estimators
from tidewheel.training.calibrate import SLICE, Isotonic, Platt, calibrated, fit_calibration
from tidewheel.training.context import Progress
from tidewheel.training.estimators import Fit, Matrix
from tidewheel.training.flatten import flatten, verify
from tidewheel.training.scoring import score_rows
from tidewheel.training.search import Trial, search
from tidewheel.training.split import tail

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
INNER_SHARE = 0.2
"""Share of the rows to fit on, the last ones, that trials are judged by."""


@dataclass(frozen=True)
class Plan:
    """How to learn: what a declaration, a caller and a machine decided.

    Attributes
    ----------
    estimator : object
    space : mapping
        Search space; empty for no search.
    metric : Metric
        The leading one, by which trials are judged.
    calibrate : {"", "isotonic", "platt"}
    seed, threads, trials : int
    chosen : mapping, optional
        Parameters to use without a search.
    limit : float, optional
        Seconds after which no further trial begins.
    """

    estimator: Any
    space: Mapping[str, Any]
    metric: Metric
    calibrate: str
    seed: int
    threads: int
    trials: int
    chosen: Mapping[str, Any] | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Learned:
    """A fitted, calibrated model.

    Attributes
    ----------
    fit : Fit
    score : callable
        Rows in, one score a row.
    predictor : Predictor or None
        None when the estimator has no neutral form.
    reason : str
        Why not.
    chosen : dict
        Parameters found by the search.
    trials : tuple of Trial
    proved : int
        Rows on which the predictor was shown to equal the library.
    """

    fit: Fit
    score: Callable[[Floats], Floats]
    predictor: Predictor | None
    reason: str
    chosen: dict[str, Any]
    trials: tuple[Trial, ...]
    proved: int


def default_estimator(classification: bool) -> Any:
    """Return the estimator of a model that declares none: LightGBM's, as it comes."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    return LGBMClassifier() if classification else LGBMRegressor()


def learn(
    plan: Plan, matrix: Matrix, levels: list[int], train: Ints, test: Ints, progress: Progress | None = None
) -> Learned:
    """Learn from the train rows.

    Parameters
    ----------
    plan : Plan
    matrix : Matrix
        All rows.
    levels : list of int
        Per column the number of category levels, 0 for numbers.
    train, test : int64 arrays
        Positions, in order of time. Test rows are used for nothing but to prove the predictor equal.

    Raises
    ------
    TrainingError
        When the estimator fails, or there are too few rows to hold some out.
    """
    rows, held = tail(train, matrix.y, share=SLICE) if plan.calibrate else (train, train[:0])
    chosen, trials = _tuned(plan, matrix, rows, progress)
    if progress:
        progress("fit", 0.0)
    fit = estimators.fit(estimators.prepare(plan.estimator, plan.seed, chosen, plan.threads), matrix.take(rows))
    means = _means(matrix.x[rows])
    found = flatten(fit.estimator, levels, means)
    if isinstance(found, str):
        score = _library_score(plan, fit.estimator, matrix, held)
        return Learned(fit, score, None, found, dict(chosen), trials, 0)
    spec, arrays = found
    bare = Predictor(spec, arrays)
    proved = verify(bare, fit.estimator, matrix.x[np.concatenate([rows[:2000], test])])
    predictor = _calibrated(plan, bare, matrix, held)
    return Learned(fit, partial(score_rows, predictor), predictor, "", dict(chosen), trials, proved)


def _tuned(
    plan: Plan, matrix: Matrix, rows: Ints, progress: Progress | None
) -> tuple[Mapping[str, Any], tuple[Trial, ...]]:
    if plan.chosen is not None or not plan.space:
        return plan.chosen or {}, ()
    fit_rows, judge_rows = tail(rows, matrix.y, share=INNER_SHARE)
    part, judged = matrix.take(fit_rows), matrix.take(judge_rows)

    def objective(parameters: Mapping[str, Any]) -> float:
        estimator = estimators.prepare(plan.estimator, plan.seed, parameters, plan.threads)
        score = estimators.score(estimators.fit(estimator, part).estimator, judged.x)
        try:
            return plan.metric(judged.y, score, judged.weight)
        except MetricError as error:
            raise TrainingError(error.message, remedy=error.remedy) from error

    def told(trial: Trial, asked: int) -> None:
        if progress:
            progress(f"search: trial {trial.number + 1} of {asked}", (trial.number + 1) / asked)

    found = search(
        plan.space,
        estimators.parameters(plan.estimator),
        objective,
        trials=plan.trials,
        greater_is_better=plan.metric.greater_is_better,
        seed=plan.seed,
        limit=plan.limit,
        progress=told,
    )
    return found.best, found.trials


def _calibrated(plan: Plan, bare: Predictor, matrix: Matrix, held: Ints) -> Predictor:
    """Return the predictor with the curve that the held-out rows ask for: isotonic of scores, Platt's of raw ones."""
    if not plan.calibrate:
        return bare
    x, y, weight = matrix.x[held], matrix.y[held], matrix.weight[held]
    raw = bare.raw(x) if plan.calibrate == "platt" else bare.score(x)
    curve = _curve(plan.calibrate, raw, y, weight)
    if isinstance(curve, Platt):
        return Predictor(_with(bare.spec, calibration="platt", slope=curve.a, offset=curve.b), bare.arrays)
    spec = _with(bare.spec, calibration="isotonic")
    return Predictor(spec, {**bare.arrays, "xs": curve.xs, "ys": curve.ys})


def _library_score(plan: Plan, estimator: Any, matrix: Matrix, held: Ints) -> Callable[[Floats], Floats]:
    if not plan.calibrate:
        return lambda x: estimators.score(estimator, x)
    curve = _curve(plan.calibrate, estimators.score(estimator, matrix.x[held]), matrix.y[held], matrix.weight[held])
    return lambda x: calibrated(curve, estimators.score(estimator, x))


def _curve(kind: str, score: Floats, y: Floats, weight: Floats) -> Isotonic | Platt:
    return fit_calibration("platt" if kind == "platt" else "isotonic", score, y, weight)


def _with(spec: PredictorSpec, **changes: Any) -> PredictorSpec:
    return msgspec.structs.replace(spec, **changes)


def _means(x: Floats) -> Floats:
    held = ~np.isnan(x)
    return np.asarray(np.where(held, x, 0.0).sum(axis=0) / np.maximum(held.sum(axis=0), 1))


def gain_of(estimator: Any, columns: list[str]) -> dict[str, float]:
    """Return each column's share of what the trees gained by splitting on it; {} where the library can't tell.

    Not causal, and shared between columns that say the same: a hint for people, kept with the run.
    """
    if estimators.is_lightgbm(estimator):
        gains = estimator.booster_.feature_importance("gain")
    else:
        gains = getattr(estimator, "feature_importances_", None)
    if gains is None or not np.sum(gains) > 0:
        return {}
    shares = np.asarray(gains, dtype=np.float64) / float(np.sum(gains))
    return dict(sorted(zip(columns, shares.tolist(), strict=True), key=lambda item: -item[1]))
