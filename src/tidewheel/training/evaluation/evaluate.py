"""How good scores are on a side of the split, with intervals, beside a constant and the champion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError, TrainingError
from tidewheel.metrics import Interval, Metric, interval, metric

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RESAMPLES = 200


def chosen_metrics(names: Sequence[str]) -> tuple[list[Metric], bool]:
    """Return the metrics a model declares, and whether they are those of a class.

    Raises
    ------
    TrainingError
        When there is none, or they are for labels of two kinds.

    Examples
    --------
    >>> measures, classification = chosen_metrics(["rmse", "mae"])
    >>> [measure.name for measure in measures], classification
    (['rmse', 'mae'], False)
    """
    chosen = [metric(name) for name in names]
    tasks = {measure.task for measure in chosen}
    if len(tasks) != 1:
        raise TrainingError(
            f"metrics {', '.join(names) or '(none)'} do not say whether the label is a class, a number or a grade",
            remedy="declare metrics of one kind, the leading one first",
        )
    return chosen, tasks == {"classification"}


def evaluate(
    metrics: Sequence[Metric],
    y: Floats,
    score: Floats,
    weight: Floats,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    blocks: Ints | None = None,
    group: Ints | None = None,
) -> dict[str, Interval]:
    """Return each metric with its 95% bootstrap interval, by name; rows of one block are drawn together.

    `group` is the list of each row, for metrics of lists.

    Raises
    ------
    TrainingError
        When a metric can't be computed from these scores.

    Examples
    --------
    >>> y = np.array([0.0, 1.0] * 20)
    >>> evaluate([metric("brier")], y, np.full(40, 0.5), np.ones(40), seed=0)["brier"].value
    0.25
    """
    try:
        return {
            m.name: interval(m, y, score, weight, resamples=resamples, seed=seed, blocks=blocks, group=group)
            for m in metrics
        }
    except MetricError as error:
        raise TrainingError(f"the model can't be measured: {error.message}", remedy=error.remedy) from error


def constant_baseline(
    metrics: Sequence[Metric],
    train_y: Floats,
    train_weight: Floats,
    y: Floats,
    weight: Floats,
    group: Ints | None = None,
) -> dict[str, float]:
    """Return each metric of predicting the train rows' mean label for every row; lists stay in the order of time.

    Examples
    --------
    >>> one = np.ones(4)
    >>> constant_baseline([metric("roc_auc")], np.array([0.0, 1, 0, 1]), one, np.array([0.0, 1, 0, 1]), one)
    {'roc_auc': 0.5}
    """
    guess = np.full(y.size, np.average(train_y, weights=train_weight))
    return {measure.name: measure(y, guess, weight, group) for measure in metrics}
