"""Focal loss (Lin et al. 2017) for LightGBM: gradient, curvature, where boosting starts, and the way back.

With ``p`` the model's probability of a row's own class, ``z`` its raw score, the loss is
``-a (1 - p)^g log p``, ``a`` being ``alpha`` for positives and ``1 - alpha`` for negatives (1 and 1 without one).
``g = 0`` is the log loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import TrainingError
from tidewheel.registry.models.links import focal_of
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]
_FLATTEST = 1e-6
"""The curvature told to LightGBM: focal loss is not convex, and a step needs a positive one."""


@dataclass(frozen=True)
class Focal:
    """Focal loss as the ``objective`` of an ``LGBMClassifier``; made by ``tw.learner.focal``."""

    gamma: float = 2.0
    alpha: float | None = None

    @property
    def weights(self) -> tuple[float, float]:
        """What a negative and a positive row count."""
        return (1.0, 1.0) if self.alpha is None else (1.0 - self.alpha, self.alpha)

    def __call__(self, y: Floats, raw: Floats, weight: Floats | None = None) -> tuple[Floats, Floats]:
        """Return gradient and curvature by row, as LightGBM takes them."""
        gradient, curvature = gradient_and_curvature(self, y, raw)
        curvature = np.maximum(curvature, _FLATTEST)
        return (gradient, curvature) if weight is None else (gradient * weight, curvature * weight)

    def loss(self, y: Floats, raw: Floats) -> Floats:
        """Return the loss of each row."""
        own, log_own = _own(y, raw)
        return np.asarray(-_share(self, y) * (1.0 - own) ** self.gamma * log_own)

    def start(self, y: Floats, weight: Floats) -> float:
        """Return the raw score that is best for all rows together: where boosting starts.

        Examples
        --------
        >>> round(float(Focal(gamma=0.0).start(np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4))), 6)
        -1.098612
        """
        positives, negatives = float(weight @ y), float(weight @ (1.0 - y))
        both, mass = np.array([0.0, 1.0]), np.array([negatives, positives])
        low, high = -40.0, 40.0
        for _ in range(100):  # the summed gradient rises through zero once: halve what is left
            middle = (low + high) / 2
            slope = float(mass @ gradient_and_curvature(self, both, np.full(2, middle))[0])
            low, high = (middle, high) if slope < 0 else (low, middle)
        return (low + high) / 2


def gradient_and_curvature(focal: Focal, y: Floats, raw: Floats) -> tuple[Floats, Floats]:
    """Return the first and second derivative of the loss by the raw score.

    Examples
    --------
    >>> first, second = gradient_and_curvature(Focal(gamma=0.0), np.array([1.0]), np.array([0.0]))
    >>> first.tolist(), second.tolist()
    ([-0.5], [0.25])
    """
    own, log_own = _own(y, raw)
    share, other = _share(focal, y), 1.0 - own
    power = other**focal.gamma
    inner = focal.gamma * own * log_own - other
    first = share * np.where(y == 1.0, 1.0, -1.0) * power * inner
    second = share * own * power * (other * (focal.gamma * log_own + focal.gamma + 1.0) - focal.gamma * inner)
    return np.asarray(first), np.asarray(second)


def of(estimator: Any) -> Focal | None:
    """Return the focal loss an estimator learns by, if it does."""
    objective = getattr(estimator, "objective", None)
    return objective if isinstance(objective, Focal) else None


def fit_arguments(estimator: Any, matrix: Matrix, held: Matrix | None) -> dict[str, Any]:
    """Return the arguments by which LightGBM starts from the best constant and watches the focal loss."""
    focal = of(estimator)
    if focal is None:
        return {}
    if type(estimator).__name__ != "LGBMClassifier" or not np.isin(matrix.y, (0.0, 1.0)).all():
        raise TrainingError("focal loss is of labels 0 and 1, and of an LGBMClassifier")
    start = focal.start(matrix.y, matrix.weight)
    estimator.focal_start_ = start
    arguments: dict[str, Any] = {"init_score": np.full(len(matrix.y), start)}
    if held is not None:
        arguments["eval_init_score"] = [np.full(len(held.y), start)]
        arguments["eval_metric"] = partial(_watched, focal)
    return arguments


def _watched(focal: Focal, y: Floats, raw: Floats, weight: Floats | None) -> tuple[str, float, bool]:
    """Return the mean loss of the rows to stop by, as LightGBM takes a metric."""
    return "focal", float(np.average(focal.loss(y, raw), weights=weight)), False


def raw_score(estimator: Any, x: Floats) -> Floats:
    """Return the raw scores of a fitted estimator, what it started from among them."""
    raw = np.asarray(estimator.booster_.predict(x, raw_score=True), dtype=np.float64)
    return raw + float(estimator.focal_start_)


def score(estimator: Any, x: Floats) -> Floats:
    """Return the probabilities that focal loss was minimised for."""
    focal = estimator.objective
    scores = [focal_of(raw, focal.gamma, *focal.weights) for raw in raw_score(estimator, x).tolist()]
    return np.array(scores, np.float64)


def _own(y: Floats, raw: Floats) -> tuple[Floats, Floats]:
    """Return the probability of each row's own class, and its logarithm."""
    signed = np.where(y == 1.0, raw, -raw)
    log_own = -np.logaddexp(0.0, -signed)
    return np.exp(log_own), log_own


def _share(focal: Focal, y: Floats) -> Floats:
    negative, positive = focal.weights
    return np.where(y == 1.0, positive, negative)
