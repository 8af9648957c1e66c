"""How much changes for people when a candidate takes over, however good both are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tidewheel.metrics.agreement import rank_correlation
from tidewheel.registry.runs.evaluation import Churn
from tidewheel.training.evaluation.material import Material

Floats = npt.NDArray[np.float64]


def churn(material: Material) -> Churn | None:
    """Return how decisions on the test rows move from the champion to the candidate; None without a champion."""
    before, after = material.champion.score, material.score
    if before is None:
        return None
    changed, moves = moved(before, after, material.thresholds, material.weight)
    correlation = rank_correlation(before, after, material.weight)
    return Churn(
        version=material.champion.name,
        rows=after.size,
        service=material.service,
        thresholds=dict(material.thresholds),
        changed=changed,
        moves=moves,
        mean_change=float(np.average(np.abs(after - before), weights=material.weight)),
        rank_correlation=None if np.isnan(correlation) else correlation,
    )


def moved(
    before: Floats, after: Floats, thresholds: Mapping[str, float], weight: Floats | None = None
) -> tuple[float | None, dict[str, int]]:
    """Return the share of rows whose action differs, and how many go from which to which; None without thresholds.

    The share is by weight; how many are rows.

    Examples
    --------
    >>> moved(np.array([0.1, 0.6]), np.array([0.7, 0.6]), {"allow": 0.0, "block": 0.5})
    (0.5, {'allow -> block': 1})
    """
    if not thresholds:
        return None, {}
    names = sorted(thresholds, key=lambda name: thresholds[name])
    levels = np.array([thresholds[name] for name in names])
    one, two = (np.searchsorted(levels, score, side="right") - 1 for score in (before, after))
    differs = one != two
    named = ["(none)", *names]
    counted = Counter(f"{named[one[row] + 1]} -> {named[two[row] + 1]}" for row in np.flatnonzero(differs))
    return float(np.average(differs, weights=weight)), dict(sorted(counted.items()))
