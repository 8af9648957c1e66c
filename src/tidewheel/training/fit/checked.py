"""Whether scores mean what they say: the calibration of every classifier is looked at, before and after its curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidewheel.metrics import Metric as Measure
from tidewheel.metrics import brier, calibration_error, reliability
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.fit.baseline import SPLIT, linear_baseline
from tidewheel.training.fit.learn import Floats, Learned
from tidewheel.training.fit.matrix import Matrix

BEFORE = "uncalibrated"
"""The split of the metrics before calibration."""


def check_calibration(learned: Learned, test: Matrix, score: Floats) -> tuple[list[Metric], dict[str, Any]]:
    """Return the calibration error and Brier score of test rows, and what to keep: the reliability tables.

    Nothing is returned where scores are no probabilities.
    """
    if score.min() < 0.0 or score.max() > 1.0:
        return [], {}
    metrics, table = _looked_at("test", test, score)
    kept: dict[str, Any] = {"kind": learned.calibration, "why": learned.why_calibrated, "after": table}
    if learned.before is not None:
        before = learned.before(test.x)
        if before.min() >= 0.0 and before.max() <= 1.0:
            found, kept["before"] = _looked_at(BEFORE, test, before)
            metrics += found
    return metrics, kept


def yardsticks(
    learned: Learned, measures: Sequence[Measure], train: Matrix, test: Matrix, score: Floats, seed: int
) -> tuple[list[Metric], dict[str, Any]]:
    """Return what stands beside a model's own metrics: a linear baseline, and how well it is calibrated.

    Parameters
    ----------
    learned : Learned
    measures : sequence of metrics.Metric
        Those the model declares; they are in the run already.
    train, test : Matrix
        Of the train rows, the newest ones are enough.
    score : float64 array
        Of the test rows.
    seed : int
    """
    classification = measures[0].task == "classification"
    linear = linear_baseline(measures, train, test, classification, seed)
    found = [Metric(SPLIT, name, value) for name, value in linear.items()]
    if not classification:
        return found, {}
    checked, kept = check_calibration(learned, test, score)
    known = {("test", measure.name) for measure in measures}
    return found + [metric for metric in checked if (metric.split, metric.metric) not in known], kept


def _looked_at(split: str, test: Matrix, score: Floats) -> tuple[list[Metric], dict[str, Any]]:
    weight = test.true_weight
    error, squared = calibration_error(test.y, score, weight), brier(test.y, score, weight)
    table = [row._asdict() for row in reliability(test.y, score, weight)]
    metrics = [Metric(split, "calibration_error", error), Metric(split, "brier", squared)]
    return metrics, {"calibration_error": error, "brier": squared, "reliability": table}
