"""What every metric asks of its input; anything else is refused whole, and said."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError

Floats = npt.NDArray[np.float64]


def rows(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> tuple[Floats, Floats, Floats]:
    """Return labels, scores and weights as float64 arrays of one length.

    Raises
    ------
    MetricError
        When there is no row, lengths differ, a value is NaN or infinite, or a weight is negative.
    """
    labels, scores = _column(y, "label"), _column(score, "score")
    weights = np.ones(labels.size) if weight is None else _column(weight, "weight")
    if labels.size == 0:
        raise MetricError("no rows to measure", remedy="give at least one label and score")
    if not labels.size == scores.size == weights.size:
        raise MetricError(f"{labels.size} labels, {scores.size} scores and {weights.size} weights: lengths must agree")
    if weights.min() < 0.0 or weights.sum() <= 0.0:
        raise MetricError("weights must not be negative, and some must be positive")
    return labels, scores, weights


def binary(y: Floats) -> Floats:
    """Return `y` when each label is 0 or 1.

    Raises
    ------
    MetricError
        When a label is anything else.
    """
    odd = np.flatnonzero((y != 0.0) & (y != 1.0))
    if odd.size:
        raise MetricError(
            f"label {y[odd[0]]!r} in row {odd[0]}: a classification metric takes 0 and 1",
            remedy="use rmse, mae or r2 for a number",
        )
    return y


def probability(score: Floats) -> Floats:
    """Return `score` when each is in [0, 1].

    Raises
    ------
    MetricError
        When a score is anything else.
    """
    odd = np.flatnonzero((score < 0.0) | (score > 1.0))
    if odd.size:
        raise MetricError(
            f"score {score[odd[0]]!r} in row {odd[0]}: this metric takes probabilities in [0, 1]",
            remedy="calibrate the scores first, or use a ranking metric",
        )
    return score


def _column(values: npt.ArrayLike, what: str) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise MetricError(f"{what}s of shape {array.shape}: one number a row is expected")
    odd = np.flatnonzero(~np.isfinite(array))
    if odd.size:
        raise MetricError(f"{what} {array[odd[0]]} in row {odd[0]} ({odd.size} such rows): every {what} must be finite")
    return array
