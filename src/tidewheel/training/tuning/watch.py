"""What a trial tells while it is fitted, and how it is ended early."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tidewheel.errors import MetricError
from tidewheel.metrics import Metric
from tidewheel.training.fit.estimators import Matrix

if TYPE_CHECKING:
    import optuna

REPORTS = 20
"""How often at most a booster is measured while it is fitted."""


class Watch:
    """The ear of one trial.

    Attributes
    ----------
    steps : list of (int, float)
        Values told so far.
    pruned : bool
        The pruner wants the trial to end.
    """

    def __init__(self, asked: optuna.Trial | None = None) -> None:
        self._asked = asked
        self.steps: list[tuple[int, float]] = []
        self.pruned = False

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._asked is not None

    def report(self, step: int, value: float) -> bool:
        """Take a value; return whether the trial should end here."""
        self.steps.append((step, float(value)))
        if self._asked is not None:
            self._asked.report(value, step)
            self.pruned = self.pruned or self._asked.should_prune()
        return self.pruned


def callbacks(library: str, rounds: int, judged: Matrix, metric: Metric, watch: Watch) -> list[Any]:
    """Return what LightGBM or XGBoost is to call after each round, so that every few rounds the model is measured.

    A trial that is to end ends by the library's own way of stopping early, with the model as it is by then.
    """
    every = max(1, rounds // REPORTS)

    def told(done: int, predict: Callable[[], Any]) -> bool:
        if done % every or done >= rounds:
            return False
        try:
            value = metric(judged.y, np.asarray(predict(), dtype=np.float64), judged.true_weight, judged.group)
        except MetricError:  # as of scores that are no probabilities yet: there is nothing to compare
            return False
        return watch.report(done, value)

    if library == "lightgbm":
        return [_lightgbm(judged, told)]
    return [_xgboost(judged, told)] if library == "xgboost" else []


def _lightgbm(judged: Matrix, told: Callable[[int, Callable[[], Any]], bool]) -> Callable[[Any], None]:
    from lightgbm.callback import EarlyStopException

    def after(env: Any) -> None:
        if told(env.iteration + 1 - env.begin_iteration, lambda: env.model.predict(judged.x, num_threads=1)):
            raise EarlyStopException(env.iteration, [])

    return after


def _xgboost(judged: Matrix, told: Callable[[int, Callable[[], Any]], bool]) -> Any:
    import xgboost

    kinds = ["c" if place in judged.categories else "q" for place in range(judged.x.shape[1])]
    told_apart = {"feature_types": kinds, "enable_categorical": True} if judged.categories else {}
    rows = xgboost.DMatrix(judged.x, **told_apart)

    def after(_: Any, model: Any, epoch: int, evals_log: Any) -> bool:
        return told(epoch + 1, lambda: model.predict(rows))

    return type("After", (xgboost.callback.TrainingCallback,), {"after_iteration": after})()
