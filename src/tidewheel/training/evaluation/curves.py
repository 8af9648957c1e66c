"""Curves to draw: thinned to a few hundred points, so that a page holds them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import reliability
from tidewheel.registry.runs.evaluation import Curve
from tidewheel.training.evaluation.material import Material

Floats = npt.NDArray[np.float64]
POINTS = 200
BINS = 10


def curves(material: Material) -> list[Curve]:
    """Return the curves of the candidate, and of whom it is compared with."""
    found = []
    for of, score in material.scores().items():
        if not material.classification:
            found.append(residuals(of, material.y, score, material.weight))
            continue
        found += threshold_curves(of, material.y, score, material.weight)
        if score.min() >= 0.0 and score.max() <= 1.0:
            found.append(reliability_curve(of, material.y, score, material.weight))
    return found


def threshold_curves(of: str, y: Floats, score: Floats, weight: Floats) -> list[Curve]:
    """Return precision against recall, the ROC and the gain curve.

    Rows of equal score enter together, as in scikit-learn's curves.

    Examples
    --------
    >>> y, score = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> one, roc, gain = threshold_curves("candidate", y, score, np.ones(4))
    >>> one.x, one.y
    ([0.0, 0.5, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.6666666666666666, 0.5])
    """
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    ends = np.append(np.flatnonzero(falling[:-1] != falling[1:]), score.size - 1)
    found = np.cumsum((weight * y)[order])[ends]
    taken = np.cumsum(weight[order])[ends]
    if found[-1] <= 0.0 or found[-1] >= taken[-1]:
        return []
    kept = thinned(ends.size)
    found, taken, positives, everyone = found[kept], taken[kept], found[-1], taken[-1]
    recall, start = np.append(0.0, found / positives), [0.0]
    precision = np.append(1.0, found / np.maximum(taken, np.finfo(np.float64).tiny))
    false = np.append(start, (taken - found) / (everyone - positives))
    return [
        Curve(kind="precision_recall", of=of, x=recall.tolist(), y=precision.tolist()),
        Curve(kind="roc", of=of, x=false.tolist(), y=recall.tolist()),
        Curve(kind="gain", of=of, x=np.append(start, taken / everyone).tolist(), y=recall.tolist()),
    ]


def reliability_curve(of: str, y: Floats, score: Floats, weight: Floats) -> Curve:
    """Return the mean score of each bin against its share of positives, with Wilson's interval."""
    bins = reliability(y, score, weight, bins=BINS)
    return Curve(
        kind="reliability",
        of=of,
        x=[row.score for row in bins],
        y=[row.rate for row in bins],
        low=[row.rate_low for row in bins],
        high=[row.rate_high for row in bins],
        rows=[row.n for row in bins],
    )


def residuals(of: str, y: Floats, score: Floats, weight: Floats) -> Curve:
    """Return the mean label of equally full bins of the prediction, with the middle half of the labels."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, min(20, score.size)) if part.size]
    return Curve(
        kind="residuals",
        of=of,
        x=[float(np.average(score[part], weights=weight[part])) for part in parts],
        y=[float(np.average(y[part], weights=weight[part])) for part in parts],
        low=[_quantile(y[part], weight[part], 0.25) for part in parts],
        high=[_quantile(y[part], weight[part], 0.75) for part in parts],
        rows=[int(part.size) for part in parts],
    )


def _quantile(values: Floats, weight: Floats, level: float) -> float:
    """Return the least value at or below which so much of the weight lies; of equal rows NumPy's ``inverted_cdf``."""
    return float(np.quantile(values, level, weights=weight, method="inverted_cdf"))


def thinned(n: int, points: int = POINTS) -> npt.NDArray[np.int64]:
    """Return at most `points` places of `n`, evenly spread, both ends among them."""
    return np.unique(np.linspace(0, n - 1, min(n, points)).round().astype(np.int64))
