"""Cross-validation: the model learned again before each earlier cut, and measured after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError, TrainingError
from tidewheel.metrics import Metric as Measure
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.data.split import Fold, require_two_classes
from tidewheel.training.fit.learn import Plan, learn
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]
SPLIT = "folds"


def cross_validate(
    plan: Plan,
    matrix: Matrix,
    levels: list[int],
    folds: Sequence[Fold],
    measures: Sequence[Measure],
    stands_for: Floats,
    progress: Callable[[str, float], None] | None = None,
) -> list[Metric]:
    """Return each metric's mean over the folds, between one standard deviation less and more, and that of each fold.

    Parameters
    ----------
    plan : Plan
        With the parameters chosen: no fold searches again.
    matrix : Matrix
        All rows.
    levels : list of int
        As `learn` takes them.
    folds : sequence of Fold
    measures : sequence of metric
        Of classes, when they ask for labels of two kinds.
    stands_for : float64 array
        Weight of each row among all rows.
    progress : callable, optional

    Raises
    ------
    TrainingError
        A fold can't be learned from or measured on; the error says which.
    """
    values: dict[str, list[float]] = {measure.name: [] for measure in measures}
    for number, fold in enumerate(folds):
        try:
            if measures[0].task == "classification":
                require_two_classes(matrix.y[fold.train], "train")
                require_two_classes(matrix.y[fold.test], "test")
            learned = learn(plan, matrix, levels, fold.train, fold.test)
            score = learned.score(matrix.x[fold.test])
            group = None if matrix.group is None else matrix.group[fold.test]
            for measure in measures:
                values[measure.name].append(measure(matrix.y[fold.test], score, stands_for[fold.test], group))
        except (TrainingError, MetricError) as error:
            raise TrainingError(f"fold {number + 1} of {len(folds)}: {error.message}", remedy=error.remedy) from error
        if progress:
            progress(f"fold {number + 1} of {len(folds)}", (number + 1) / len(folds))
    return [_spread(name, found) for name, found in values.items()] + [
        Metric(f"fold {number + 1}", name, value)
        for name, found in values.items()
        for number, value in enumerate(found)
    ]


def told_folds(metrics: Sequence[Metric]) -> str:
    """Return the means, and how far the folds spread around them, as a sentence."""
    return ", ".join(_told(metric) for metric in metrics if metric.split == SPLIT)


def _told(metric: Metric) -> str:
    spread = "" if metric.high is None or metric.value is None else f" \u00b1 {metric.high - metric.value:.2g}"
    return f"{metric.metric} {metric.value:.4g}{spread}"


def _spread(name: str, values: list[float]) -> Metric:
    mean = float(np.mean(values))
    if len(values) < 2:
        return Metric(SPLIT, name, mean)
    deviation = float(np.std(values, ddof=1))
    return Metric(SPLIT, name, mean, mean - deviation, mean + deviation)
