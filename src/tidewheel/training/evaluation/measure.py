"""The metrics of a run: of the test rows, of train rows beside them, and of what anybody could do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.metrics import Interval
from tidewheel.metrics import Metric as Measure
from tidewheel.registry.models.arrays import pack_arrays
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.data.findings import Finding
from tidewheel.training.data.gather import Gathered
from tidewheel.training.evaluation.beaten import beaten
from tidewheel.training.evaluation.blocks import blocks_of
from tidewheel.training.evaluation.evaluate import constant_baseline, evaluate
from tidewheel.training.evaluation.spread import spread
from tidewheel.training.fit.baseline import MOST_ROWS, SPLIT, linear_scores
from tidewheel.training.fit.checked import yardsticks
from tidewheel.training.fit.learn import Learned
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]
MOST_TRAIN_ROWS = 50_000
"""An even spread of so many train rows is measured, to lay fit and test side by side."""


@dataclass(frozen=True)
class Measured:
    """Scores, what they come to, and the bytes that say so (see `Outcome`)."""

    test_score: Floats
    intervals: dict[str, Interval]
    metrics: list[Metric]
    predictions: bytes
    calibration: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)


def measure(
    model: ir.Model, measures: Sequence[Measure], gathered: Gathered, matrix: Matrix, learned: Learned, seed: int
) -> Measured:
    """Return what a fitted model scores, and what stands beside it."""
    data, sides = gathered.data, gathered.sides
    test, newest = matrix.take(sides.test), matrix.take(sides.train[-MOST_ROWS:])
    test_score, stands_for = learned.score(test.x), data.weight[sides.train]
    blocks = blocks_of(model, gathered.rows.take(sides.test))
    intervals = evaluate(measures, test.y, test_score, test.weight, seed=seed, blocks=blocks, group=test.group)
    fitted = _on_train(model, measures, gathered, matrix, learned, seed)
    constant = constant_baseline(measures, matrix.y[sides.train], stands_for, test.y, test.weight, test.group)
    metrics = [*split_metrics("test", intervals), *split_metrics("train", fitted)]
    metrics += [Metric("baseline", name, value) for name, value in constant.items()]
    beside, calibration = yardsticks(learned, measures, newest, test, test_score, seed)
    predictions = pack_arrays({"offset": data.offset[sides.test], "score": test_score})
    classification = measures[0].task == "classification"
    guess = np.average(matrix.y[sides.train], weights=stands_for)
    others = {
        "baseline": partial(np.full, len(test.y), guess),
        SPLIT: partial(linear_scores, newest, test.x, classification, seed),
    }
    found = beaten(measures[0], [*metrics, *beside], test, test_score, others, seed=seed, blocks=blocks)
    return Measured(test_score, intervals, [*metrics, *beside], predictions, calibration, found)


def _on_train(
    model: ir.Model, measures: Sequence[Measure], gathered: Gathered, matrix: Matrix, learned: Learned, seed: int
) -> dict[str, Interval]:
    """Return the metrics of an even spread of the train rows: beside the test's they show what was learned by heart."""
    train = gathered.sides.train
    seen = train[spread(train.size, MOST_TRAIN_ROWS, None if matrix.group is None else matrix.group[train])]
    seen = seen if np.ptp(matrix.y[seen]) > 0.0 else train  # a class too rare to be met in a spread
    rows, blocks = matrix.take(seen), blocks_of(model, gathered.rows.take(seen))
    weight, score = gathered.data.weight[seen], learned.score(rows.x)
    return evaluate(measures, rows.y, score, weight, seed=seed, blocks=blocks, group=rows.group)


def split_metrics(split: str, intervals: dict[str, Interval]) -> list[Metric]:
    """Return metrics with their intervals as a run keeps them."""
    return [
        Metric(split, name, found.value, *(None if np.isnan(end) else end for end in (found.low, found.high)))
        for name, found in intervals.items()
    ]
