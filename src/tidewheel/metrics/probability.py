"""How far scores, read as probabilities, are from what came true."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import checks, compiled
from tidewheel.metrics.state import State

Floats = npt.NDArray[np.float64]
_SMALLEST = float(np.finfo(np.float64).eps)


def squared(y: Floats, score: Floats, weight: Floats) -> State:
    """Loss per row of the Brier score."""
    checks.probability(score)
    return State(((score - checks.binary(y)) ** 2, weight))


def logarithmic(y: Floats, score: Floats, weight: Floats) -> State:
    """Loss per row of the log loss; scores are kept off 0 and 1 by one machine epsilon."""
    p = np.clip(checks.probability(score), _SMALLEST, 1.0 - _SMALLEST)
    return State((-np.where(checks.binary(y) == 1.0, np.log(p), np.log1p(-p)), weight))


def correct(y: Floats, score: Floats, weight: Floats, threshold: float) -> State:
    """1 for each row on the right side of `threshold`, else 0."""
    return State((((score >= threshold) == (checks.binary(y) == 1.0)).astype(np.float64), weight))


def taken(y: Floats, score: Floats, weight: Floats, threshold: float) -> State:
    """Label of each row, and whether its score reaches `threshold`."""
    return State((checks.binary(y), (score >= threshold).astype(np.float64), weight))


def binned(y: Floats, score: Floats, weight: Floats, bins: float) -> State:
    """Bin of each row, by equal widths of the score."""
    if bins < 1 or bins != int(bins):
        raise MetricError(f"{bins} bins: a whole number of at least 1 is expected")
    bin_of = np.minimum((checks.probability(score) * int(bins)).astype(np.int64), int(bins) - 1)
    return State((checks.binary(y), score, weight, bin_of))


def brier(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean squared distance between probability and outcome (Brier 1950). 0 is perfect.

    Examples
    --------
    >>> round(brier([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]), 4)
    0.0375
    """
    return squared(*checks.rows(y, score, weight)).value(compiled.weighted_mean, "brier")


def log_loss(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean negative log likelihood, in nats.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.1, 0.9]), 4)
    0.1054
    """
    return logarithmic(*checks.rows(y, score, weight)).value(compiled.weighted_mean, "log_loss")


def accuracy(
    y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, threshold: float = 0.5
) -> float:
    """Share of rows whose class is told by ``score >= threshold``.

    Examples
    --------
    >>> accuracy([0, 1, 1], [0.2, 0.5, 0.4])
    0.6666666666666666
    """
    return correct(*checks.rows(y, score, weight), threshold).value(compiled.weighted_mean, "accuracy")


def calibration_error(
    y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, bins: int = 10
) -> float:
    """Expected calibration error over bins of equal width (Naeini et al. 2015; Guo et al. 2017).

    Examples
    --------
    >>> round(calibration_error([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.95]), 4)
    0.2
    """
    return binned(*checks.rows(y, score, weight), bins).value(compiled.calibration_error, "calibration_error")


class ReliabilityBin(NamedTuple):
    """One row of a reliability table.

    Attributes
    ----------
    low, high : float
        Smallest and largest score in the bin.
    n : int
        Rows in the bin.
    score, rate : float
        Mean score and share of positives.
    rate_low, rate_high : float
        95% interval of the rate (Wilson 1927).
    """

    low: float
    high: float
    n: int
    score: float
    rate: float
    rate_low: float
    rate_high: float


def reliability(
    y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, bins: int = 10
) -> list[ReliabilityBin]:
    """Mean score against share of positives, in bins of about equally many rows.

    Rows of equal score share a bin, so there may be fewer than `bins`. Rows of no weight are left out; a rate's
    interval is of as many equal rows as its weights are worth (Kish 1965).

    Examples
    --------
    >>> [(row.n, row.score, row.rate) for row in reliability([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.75], bins=2)]
    [(2, 0.25, 0.0), (2, 0.75, 1.0)]
    """
    labels, scores, weights = checks.rows(y, score, weight)
    checks.binary(labels)
    order = np.argsort(scores, kind="stable")
    order = order[weights[order] > 0.0]
    labels, scores, weights = labels[order], scores[order], weights[order]
    cuts = np.searchsorted(scores, scores[np.arange(1, bins) * scores.size // bins], side="left")
    edges = np.unique(np.concatenate([[0], cuts, [scores.size]]))
    return [_bin(labels[a:b], scores[a:b], weights[a:b]) for a, b in pairwise(edges)]


def wilson(positives: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """Interval of a share (Wilson 1927), 95% by default.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(1, 10)]
    [0.0179, 0.4042]
    """
    rate, square = positives / n, z * z
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = z * np.sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    low, high = max(0.0, float(centre - half)), min(1.0, float(centre + half))
    return min(low, rate), max(high, rate)  # of none and of all an end is the rate, but for rounding


def _bin(labels: Floats, scores: Floats, weights: Floats) -> ReliabilityBin:
    score, rate = (float(np.average(values, weights=weights)) for values in (scores, labels))
    worth = float(weights.sum()) ** 2 / float(weights @ weights)
    return ReliabilityBin(float(scores[0]), float(scores[-1]), labels.size, score, rate, *wilson(rate * worth, worth))


class BrierParts(NamedTuple):
    """Brier's score taken apart: ``brier = reliability - resolution + uncertainty + within``.

    Attributes
    ----------
    reliability : float
        How far mean scores of bins are from their rates; 0 is calibrated.
    resolution : float
        How far the bins' rates are from the overall rate; more is better.
    uncertainty : float
        Of the outcome itself: rate x (1 - rate).
    within : float
        What scores and outcomes do inside the bins; 0 when every distinct score is a bin of its own.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier_decomposition(
    y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, bins: int = 10
) -> BrierParts:
    """Take Brier's score apart over bins of equal width (Murphy 1973; the rest by Stephenson, Coelho, Jolliffe 2008).

    Examples
    --------
    >>> parts = brier_decomposition([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.75])
    >>> parts.reliability, parts.resolution, parts.uncertainty, parts.within
    (0.0625, 0.25, 0.25, 0.0)
    """
    labels, scores, weights, bin_of = binned(*checks.rows(y, score, weight), bins).arguments
    mass = np.bincount(bin_of, weights, minlength=bins)
    filled = mass > 0.0
    mass, total = mass[filled], float(weights.sum())
    mean = np.bincount(bin_of, weights * scores, minlength=bins)[filled] / mass
    rate = np.bincount(bin_of, weights * labels, minlength=bins)[filled] / mass
    overall = float(np.average(labels, weights=weights))
    reliability_ = float((mass * (mean - rate) ** 2).sum() / total)
    resolution = float((mass * (rate - overall) ** 2).sum() / total)
    uncertainty = overall * (1.0 - overall)
    whole = float(np.average((scores - labels) ** 2, weights=weights))
    return BrierParts(reliability_, resolution, uncertainty, whole - reliability_ + resolution - uncertainty)
