"""Where to put a threshold: what each score would give as one, in precision, recall and cost.

A row is flagged when its score is at the threshold or above; rows of one score are flagged together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import checks

Floats = npt.NDArray[np.float64]


class Curve(NamedTuple):
    """What each distinct score gives as a threshold, the highest first.

    Attributes
    ----------
    threshold : float64 array
    found, flagged : float64 arrays
        Weight of the positives at or above it, and of all rows.
    positives, everyone : float
        Weight of all positives, and of all rows.
    """

    threshold: Floats
    found: Floats
    flagged: Floats
    positives: float
    everyone: float

    @property
    def precision(self) -> Floats:
        """Share of the flagged that are positive."""
        return self.found / np.maximum(self.flagged, np.finfo(np.float64).tiny)

    @property
    def recall(self) -> Floats:
        """Share of the positives that are flagged."""
        return self.found / self.positives

    def cost(self, *, fp: float, fn: float) -> Floats:
        """Return the mean cost of a row: `fp` for each flagged in vain, `fn` for each positive let go."""
        return (fp * (self.flagged - self.found) + fn * (self.positives - self.found)) / self.everyone


class Operating(NamedTuple):
    """One threshold and what it gives.

    Attributes
    ----------
    threshold, precision, recall, flagged : float
        `flagged` is the share of all rows.
    cost : float or None
        Mean cost of a row, where one was stated.
    """

    threshold: float
    precision: float
    recall: float
    flagged: float
    cost: float | None = None


def operating_curve(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Curve:
    """Return what every possible threshold gives.

    Raises
    ------
    MetricError
        When labels are not 0 and 1, or there is no positive.

    Examples
    --------
    >>> curve = operating_curve([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.9])
    >>> curve.threshold.tolist(), curve.precision.round(2).tolist(), curve.recall.tolist()
    ([0.9, 0.4, 0.1], [1.0, 0.67, 0.5], [0.5, 1.0, 1.0])
    """
    labels, scores, weights = checks.rows(y, score, weight)
    checks.binary(labels)
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    ends = np.append(np.flatnonzero(np.diff(falling)), falling.size - 1)
    found, flagged = np.cumsum((labels * weights)[order])[ends], np.cumsum(weights[order])[ends]
    if not found[-1] > 0:
        raise MetricError("no row is positive: a threshold has nothing to find")
    return Curve(falling[ends], found, flagged, float(found[-1]), float(flagged[-1]))


def cheapest(curve: Curve, *, fp: float, fn: float) -> Operating:
    """Return the threshold of least mean cost; of equally cheap ones the highest, which flags fewest.

    For probabilities that are calibrated it is near ``fp / (fp + fn)`` (Elkan 2001). Where flagging nobody is cheapest,
    the threshold is just above the highest score.

    Raises
    ------
    MetricError
        When a cost is negative, or both are 0.

    Examples
    --------
    >>> cheapest(operating_curve([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.9]), fp=1, fn=5).threshold
    0.4
    """
    if not (fp >= 0 and fn >= 0 and fp + fn > 0) or not np.isfinite(fp + fn):
        raise MetricError(f"costs fp={fp:g} and fn={fn:g}", remedy="give numbers from 0, one of them more")
    costs = curve.cost(fp=fp, fn=fn)
    at = int(np.argmin(costs))
    nobody = fn * curve.positives / curve.everyone
    if nobody < costs[at]:
        return Operating(float(np.nextafter(curve.threshold[0], np.inf)), 0.0, 0.0, 0.0, nobody)
    return _at(curve, at, float(costs[at]))


def at_precision(curve: Curve, precision: float) -> Operating:
    """Return the threshold of most recall among those that reach a precision.

    Raises
    ------
    MetricError
        When none does.
    """
    reached = np.flatnonzero(curve.precision >= precision)
    if not reached.size:
        raise MetricError(
            f"no threshold reaches a precision of {precision:g}; the most is {curve.precision.max():.4g}",
            remedy="ask for less",
        )
    return _at(curve, int(reached[-1]))


def at_recall(curve: Curve, recall: float) -> Operating:
    """Return the highest threshold that reaches a recall: the one of fewest rows flagged.

    Raises
    ------
    MetricError
        When it is no share.
    """
    if not 0.0 < recall <= 1.0:
        raise MetricError(f"a recall of {recall:g}", remedy="give a share above 0, up to 1")
    return _at(curve, int(np.argmax(curve.recall >= recall)))


def _at(curve: Curve, place: int, cost: float | None = None) -> Operating:
    return Operating(
        float(curve.threshold[place]),
        float(curve.precision[place]),
        float(curve.recall[place]),
        float(curve.flagged[place] / curve.everyone),
        cost,
    )
