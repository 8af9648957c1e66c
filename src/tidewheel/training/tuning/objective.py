"""What a set of parameters is worth: fit on the earlier rows, judge on the later ones, over one fold or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError, TrainingError
from tidewheel.metrics import Metric, metric
from tidewheel.training.fit import boosters, estimators
from tidewheel.training.fit.estimators import Matrix
from tidewheel.training.fit.warm import Start
from tidewheel.training.tuning.watch import Watch, callbacks

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Objective:
    """Mean of a metric over folds; it can be pickled, so that a trial may run on another machine.

    Attributes
    ----------
    estimator : object
    measure : str
        The metric, by name.
    seed, threads : int
    matrix : Matrix
    folds : sequence of (int64 array, int64 array)
        Positions to fit on and to judge by.
    start : Start, optional
        The model that each fit goes on from.
    """

    estimator: Any
    measure: str
    seed: int
    threads: int
    matrix: Matrix
    folds: Sequence[tuple[Ints, Ints]]
    start: Start | None = None

    def __call__(self, parameters: Mapping[str, Any], watch: Watch) -> float:
        """Return the value of `parameters`; of what was seen by then, when the watch ends the trial."""
        measure = metric(self.measure)
        values: list[float] = []
        for place, (fit_rows, judge_rows) in enumerate(self.folds):
            values.append(self._fold(parameters, fit_rows, judge_rows, measure, watch))
            mean = float(np.mean(values))
            if watch.pruned or (len(self.folds) > 1 and place + 1 < len(self.folds) and watch.report(place + 1, mean)):
                break
        return float(np.mean(values))

    def _fold(
        self, parameters: Mapping[str, Any], fit_rows: Ints, judge_rows: Ints, measure: Metric, watch: Watch
    ) -> float:
        estimator = estimators.prepare(self.estimator, self.seed, parameters, self.threads)
        judged = self.matrix.take(judge_rows)
        told: list[Any] = []
        if watch.wanted and len(self.folds) == 1:
            told = callbacks(boosters.library(estimator), _rounds(estimator), judged, measure, watch)
        rows = self.matrix.take(fit_rows)
        fitted = estimators.fit(estimator, rows, callbacks=told, start=self.start).estimator
        score = estimators.score(fitted, judged.x)
        try:
            return measure(judged.y, score, judged.true_weight, judged.group)
        except MetricError as error:
            raise TrainingError(error.message, remedy=error.remedy) from error


def _rounds(estimator: Any) -> int:
    return int(estimators.parameters(estimator).get("n_estimators") or 100)
