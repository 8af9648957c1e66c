"""How far predicted numbers are from the ones that came."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import checks, compiled
from tidewheel.metrics.state import State

Floats = npt.NDArray[np.float64]


def squared_error(y: Floats, score: Floats, weight: Floats) -> State:
    """Squared residual of each row."""
    return State(((score - y) ** 2, weight))


def absolute_error(y: Floats, score: Floats, weight: Floats) -> State:
    """Absolute residual of each row."""
    return State((np.abs(score - y), weight))


def pinball_loss(y: Floats, score: Floats, weight: Floats, quantile: float) -> State:
    """Pinball loss of each row (Koenker, Bassett 1978): least for the label's own quantile."""
    quantile, above = _between(quantile), y - score
    return State((np.maximum(quantile * above, (quantile - 1.0) * above), weight))


def covered(y: Floats, score: Floats, weight: Floats, quantile: float) -> State:
    """1 for each label that its prediction reaches, else 0."""
    return State(((y <= score).astype(np.float64), weight, _between(quantile)))


def _between(quantile: float) -> float:
    if not 0.0 < quantile < 1.0:
        raise MetricError(f"quantile={quantile:g} is not between 0 and 1")
    return quantile


def explained(y: Floats, score: Floats, weight: Floats) -> State:
    """Label and residual of each row."""
    return State((y, y - score, weight))


def root_mean(loss: Floats, weight: Floats, counts: npt.NDArray[np.uint16]) -> float:
    """Square root of the weighted mean."""
    return float(np.sqrt(compiled.weighted_mean(loss, weight, counts)))


def rmse(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Root of the mean squared error, in the label's unit.

    Examples
    --------
    >>> round(rmse([1.0, 2.0, 3.0], [1.0, 2.0, 5.0]), 4)
    1.1547
    """
    return squared_error(*checks.rows(y, score, weight)).value(root_mean, "rmse")


def mae(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean absolute error, in the label's unit.

    Examples
    --------
    >>> round(mae([1.0, 2.0, 3.0], [1.0, 2.0, 5.0]), 4)
    0.6667
    """
    return absolute_error(*checks.rows(y, score, weight)).value(compiled.weighted_mean, "mae")


def r2(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Share of the label's variance explained; 0 is a constant, negative is worse than one.

    Raises
    ------
    MetricError
        When all labels are equal.

    Examples
    --------
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    return explained(*checks.rows(y, score, weight)).value(compiled.r2, "r2")
