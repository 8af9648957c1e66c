"""The part of a run that is the same when it is repeated: gather, check, learn, measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.collect.history import History
from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError
from tidewheel.metrics import Interval
from tidewheel.registry.arrays import pack_arrays
from tidewheel.registry.runs import Metric
from tidewheel.training.context import TrainingContext, pinned
from tidewheel.training.estimators import Matrix
from tidewheel.training.evaluate import chosen_metrics, constant_baseline, evaluate
from tidewheel.training.gather import Gathered, gather
from tidewheel.training.leakage import Finding, suspicious
from tidewheel.training.learn import Learned, Plan, default_estimator, learn
from tidewheel.training.levels import encode, fix_levels
from tidewheel.training.split import require_two_classes
from tidewheel.training.steps import Steps

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What pins a run: given the same, it comes out the same.

    Attributes
    ----------
    as_of : int
        Microseconds; what arrived at or after it is not known.
    head : int
        Log offset; what stands at or after it is not seen.
    seed, threads, trials : int
    chosen : dict, optional
        Parameters of an earlier search, used instead of searching.
    limit : float, optional
        Seconds after which a search begins no further trial.
    """

    as_of: int
    head: int
    seed: int
    threads: int
    trials: int
    chosen: dict[str, Any] | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes
    ----------
    history : History
        Pinned.
    gathered : Gathered
    matrix : Matrix
        All rows, encoded.
    levels : dict of str to list of str
    learned : Learned
    train_score, test_score : float64 arrays
    intervals : dict of str to Interval
        Metrics on the test rows.
    metrics : list of Metric
        Of the splits ``test``, ``train`` and ``baseline`` (a constant, on the test rows).
    findings : list of Finding
        Columns that tell the label suspiciously well.
    predictions : bytes
        Log offset and score of each test row: equal bytes, equal predictions.
    """

    history: History
    gathered: Gathered
    matrix: Matrix
    levels: dict[str, list[str]]
    learned: Learned
    train_score: Floats
    test_score: Floats
    intervals: dict[str, Interval]
    metrics: list[Metric]
    findings: list[Finding]
    predictions: bytes


def execute(context: TrainingContext, model: ir.Model, settings: Settings, steps: Steps) -> Outcome:
    """Run a model's training up to its metrics; nothing is registered."""
    measures, classification = chosen_metrics(model.metrics)
    history = pinned(context.history, settings.head)
    with steps.step("data"):
        gathered = gather(context, model, history, settings.as_of, steps.within)
        data, sides = gathered.data, gathered.sides
        steps.detail(", ".join(f"{count} {what}" for what, count in data.counts.items()))
    with steps.step("check"):
        if classification:
            require_two_classes(data.y[sides.train], "train")
            require_two_classes(data.y[sides.test], "test")
        levels = fix_levels(data.view, data.texts, sides.train)
        columns = data.view.column_names
        categories = [columns.index(name) for name in data.texts]
        matrix = Matrix(encode(data.view, levels), data.y, data.weight, columns, categories)
        findings = suspicious(
            matrix.x[sides.train], data.y[sides.train], columns, categories, classification, settings.seed
        )
        steps.detail("; ".join(map(str, findings)))
    with steps.step("learn"):
        plan = _plan(context, model, settings, classification)
        sizes = [len(levels.get(name, ())) for name in columns]
        learned = learn(plan, matrix, sizes, sides.train, sides.test, steps.within)
        steps.detail(
            f"{len(learned.trials)} trials, fitted in {learned.fit.seconds:.1f} s; {learned.reason}".rstrip("; ")
        )
    with steps.step("measure"):
        train_score, test_score = learned.score(matrix.x[sides.train]), learned.score(matrix.x[sides.test])
        train, test = matrix.take(sides.train), matrix.take(sides.test)
        intervals = evaluate(measures, test.y, test_score, test.weight, seed=settings.seed)
        fitted = evaluate(measures, train.y, train_score, train.weight, seed=settings.seed)
        constant = constant_baseline(measures, train.y, train.weight, test.y, test.weight)
        metrics = [*split_metrics("test", intervals), *split_metrics("train", fitted)]
        metrics += [Metric("baseline", name, value) for name, value in constant.items()]
        steps.detail(", ".join(f"{name} {found.value:.4g}" for name, found in intervals.items()))
    predictions = pack_arrays({"offset": data.offset[sides.test], "score": test_score})
    return Outcome(
        history, gathered, matrix, levels, learned, train_score, test_score, intervals, metrics, findings, predictions
    )


def split_metrics(split: str, intervals: dict[str, Interval]) -> list[Metric]:
    """Return metrics with their intervals as a run keeps them."""
    return [
        Metric(split, name, found.value, *(None if np.isnan(end) else end for end in (found.low, found.high)))
        for name, found in intervals.items()
    ]


def _plan(context: TrainingContext, model: ir.Model, settings: Settings, classification: bool) -> Plan:
    live = context.models.get(model.name)
    if live is None:
        raise NotFoundError(
            f"the declaration of {model.name} is not loaded: only it holds the estimator",
            remedy="train where the project's module can be imported",
        )
    measures, _ = chosen_metrics(model.metrics)
    estimator = getattr(live, "estimator", None)
    return Plan(
        estimator=default_estimator(classification) if estimator is None else estimator,
        space=dict(getattr(live, "search", {}) or {}),
        metric=measures[0],
        calibrate=model.calibrate,
        seed=settings.seed,
        threads=settings.threads,
        trials=settings.trials,
        chosen=settings.chosen,
        limit=settings.limit,
    )
