"""From a data set to something that scores: tune, fit, flatten, prove equal, calibrate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.engine import Engine
from tidewheel.errors import TrainingError
from tidewheel.metrics import Metric
from tidewheel.metrics.registry import Task
from tidewheel.registry.models.links import Beta
from tidewheel.registry.models.predictors import Predictor, PredictorSpec
from tidewheel.registry.runs.trials import Trial
from tidewheel.training.context import Progress
from tidewheel.training.data.split import tail
from tidewheel.training.fit import estimators
from tidewheel.training.fit.calibrate import SLICE, Curve, Isotonic, calibrated, fit_calibration
from tidewheel.training.fit.distributed.fit import Crew, fit_among
from tidewheel.training.fit.estimators import Fit, Matrix
from tidewheel.training.fit.flatten import verify
from tidewheel.training.fit.linear import Arrays
from tidewheel.training.fit.necessary import DEFAULT, why_calibrate
from tidewheel.training.fit.neutral import neutral
from tidewheel.training.fit.scoring import score_rows
from tidewheel.training.fit.warm import Start
from tidewheel.training.tuning.record import Record
from tidewheel.training.tuning.summary import Summary
from tidewheel.training.tuning.tune import Tuned, tune

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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
    calibrate : {"", "isotonic", "platt", "beta"}
    seed, threads, trials : int
    chosen : mapping, optional
        Parameters to use without a search.
    limit : float, optional
        Seconds after which no further trial begins.
    tune : ir.Tune, optional
        Sampler, pruner, patience, trials in a round, as declared.
    record : Record, optional
        Where trials are written as they end, and a search that was cut off is found.
    engine : Engine, optional
        Where trials run, and the workers of a fit; this process's cores by default.
    workers : int
        Processes that a fit is shared among.
    folds : sequence of (int64 array, int64 array)
        Positions to fit on and to judge trials by, those of the split where it has any; by default the last rows
        judge.
    tuned : Tuned, optional
        What `tune` found, where it was asked already.
    start : Start, optional
        The model that each fit goes on from.
    temperature : float
        Of the teacher; 1 without one.
    limits : ir.Limits, optional
        What one fit may take.
    """

    estimator: Any
    space: Mapping[str, Any]
    metric: Metric
    calibrate: Literal["", "isotonic", "platt", "beta"]
    seed: int
    threads: int
    trials: int
    chosen: Mapping[str, Any] | None = None
    limit: float | None = None
    tune: ir.Tune | None = None
    record: Record | None = None
    engine: Engine | None = None
    workers: int = 1
    folds: Sequence[tuple[Ints, Ints]] = ()
    tuned: Tuned | None = None
    start: Start | None = None
    temperature: float = 1.0
    limits: ir.Limits | None = None


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
    before : callable, optional
        Rows in, scores before calibration out; None without calibration.
    calibration : {"", "isotonic", "platt", "beta"}
    why_calibrated : str
        What made it necessary where none was declared.
    summary : Summary, optional
        What a report shows of the search.
    """

    fit: Fit
    score: Callable[[Floats], Floats]
    predictor: Predictor | None
    reason: str
    chosen: dict[str, Any]
    trials: tuple[Trial, ...]
    proved: int
    before: Callable[[Floats], Floats] | None = None
    calibration: str = ""
    why_calibrated: str = ""
    summary: Summary | None = None


def default_estimator(task: Task) -> Any:
    """Return the estimator of a model that declares none: LightGBM's, as it comes."""
    from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

    return {"classification": LGBMClassifier, "regression": LGBMRegressor, "ranking": LGBMRanker}[task]()


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
    why = "" if plan.calibrate else why_calibrate(plan.estimator, matrix.take(train), plan.space, plan.temperature)
    plan = replace(plan, calibrate=DEFAULT) if why else plan
    rows, held = tail(train, matrix.y, share=SLICE) if plan.calibrate else (train, train[:0])
    tuned = plan.tuned or tune(plan, matrix, train, progress)
    chosen = dict(tuned.chosen)
    if progress:
        progress("fit", 0.0)
    crew = Crew(plan.workers, plan.engine)
    fit = fit_among(crew, plan.estimator, plan.seed, chosen, plan.threads, matrix.take(rows), plan.start)
    means = _means(matrix.x[rows])
    if why:
        note = f"calibrated ({plan.calibrate}) without being asked to: {why} moves scores off the share of positives"
        fit = replace(fit, notes=(*fit.notes, note))
    found, proved = _proved(fit.estimator, levels, means, matrix.x[np.concatenate([rows[:2000], test])])
    scored = _scored(plan, fit.estimator, found, matrix, held)
    return Learned(
        fit, scored.score, scored.predictor, scored.reason, chosen, tuned.trials, proved,
        scored.before if plan.calibrate else None, plan.calibrate, why, tuned.summary,
    )  # fmt: skip


def _proved(
    estimator: Any, levels: list[int], means: Floats, x: Floats
) -> tuple[tuple[PredictorSpec, Arrays] | str, int]:
    """Return the form that serves and on how many rows it was shown to equal the library.

    Arrays of ours that differ are an error; an ONNX graph that does is not taken.
    """
    found = neutral(estimator, levels, means)
    if isinstance(found, str):
        return found, 0
    try:
        return found, verify(Predictor(*found), estimator, x)
    except TrainingError as error:
        if found[0].kind != "onnx":
            raise
        return f"its ONNX form differs: {error.message}", 0


class _Scored(NamedTuple):
    """A fitted estimator as something that scores."""

    score: Callable[[Floats], Floats]
    before: Callable[[Floats], Floats]
    predictor: Predictor | None
    reason: str


def _scored(
    plan: Plan, estimator: Any, found: tuple[PredictorSpec, Arrays] | str, matrix: Matrix, held: Ints
) -> _Scored:
    """Return what scores: a predictor in a neutral form, or where there is none the library, each calibrated."""
    if isinstance(found, str):
        plain = partial(estimators.score, estimator)
        curve = _curve(plan, plain, matrix.take(held)) if plan.calibrate else None
        return _Scored(partial(_library_score, curve, estimator), plain, None, found)
    bare = Predictor(*found)
    before, predictor = partial(score_rows, bare), bare
    if plan.calibrate:
        by = bare.raw if plan.calibrate == "platt" else before
        predictor = _with_curve(bare, _curve(plan, by, matrix.take(held)))
    return _Scored(partial(score_rows, predictor), before, predictor, "")


def _library_score(curve: Curve | None, estimator: Any, x: Floats) -> Floats:
    return calibrated(curve, estimators.score(estimator, x))


def _curve(plan: Plan, score: Callable[[Floats], Floats], held: Matrix) -> Curve:
    return fit_calibration(plan.calibrate or DEFAULT, score(held.x), held.y, held.true_weight)


def _with_curve(bare: Predictor, curve: Curve) -> Predictor:
    """Return a predictor with a curve over its scores: isotonic and beta over probabilities, Platt's over raw ones."""
    if isinstance(curve, Isotonic):
        spec = msgspec.structs.replace(bare.spec, calibration="isotonic")
        return Predictor(spec, {**bare.arrays, "xs": curve.xs, "ys": curve.ys})
    if isinstance(curve, Beta):
        words: dict[str, Any] = {"slope": curve.a, "second_slope": curve.b, "offset": curve.c, "calibration": "beta"}
    else:
        words = {"slope": curve.a, "offset": curve.b, "calibration": "platt", "objective": "identity"}
    return Predictor(msgspec.structs.replace(bare.spec, **words), bare.arrays)


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
