"""How good forecasts of a whole distribution are: of ensembles, of quantiles, of intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import checks

Floats = npt.NDArray[np.float64]


def crps_ensemble(y: npt.ArrayLike, members: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    r"""Mean continuous ranked probability score of ensembles (Gneiting and Raftery 2007, equation 20).

    :math:`E|X - y| - E|X - X'| / 2` over the members, in the label's unit; for one member the absolute error.

    Parameters
    ----------
    y : array, shape (n,)
    members : array, shape (n, m)
        Draws of the forecast's distribution, in any order.
    weight : array, shape (n,), optional

    Examples
    --------
    >>> crps_ensemble([0.0], [[-1.0, 1.0]])
    0.5
    """
    labels, forecasts, weights = _rows(y, members, weight)
    size = forecasts.shape[1]
    return crps_quantiles(labels, np.sort(forecasts, axis=1), (np.arange(size) + 0.5) / size, weights)


def crps_quantiles(
    y: npt.ArrayLike, quantiles: npt.ArrayLike, levels: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """Mean continuous ranked probability score of quantiles: twice their mean pinball loss (Laio and Tamea 2007).

    It stands for the integral over all levels, so they should be evenly spread; quantiles at ``(i - 1/2) / m`` give the
    score of the ensemble of `m` to the last digits (Bracher et al. 2021).

    Parameters
    ----------
    y : array, shape (n,)
    quantiles : array, shape (n, m)
        The forecast's quantiles, a column a level.
    levels : array, shape (m,)
        Between 0 and 1.
    weight : array, shape (n,), optional

    Examples
    --------
    >>> round(crps_quantiles([1.0], [[0.0, 0.5, 2.0]], [0.25, 0.5, 0.75]), 4)
    0.5
    """
    labels, forecasts, weights = _rows(y, quantiles, weight)
    at = np.asarray(levels, dtype=np.float64)
    if at.shape != forecasts.shape[1:]:
        raise MetricError(f"{at.size} levels for {forecasts.shape[1]} columns of quantiles: one a column is expected")
    if not np.all((at > 0.0) & (at < 1.0)):
        raise MetricError(f"levels {at.tolist()}: each lies between 0 and 1")
    above = labels[:, None] - forecasts
    loss = 2.0 * np.maximum(at * above, (at - 1.0) * above).mean(axis=1)
    return float(np.average(loss, weights=weights))


def interval_coverage(
    y: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """Share of the labels that lie in their interval, ends included; for 5% and 95% quantiles it should be 0.9.

    Examples
    --------
    >>> interval_coverage([1, 2, 3, 4], [0, 0, 0, 0], [2, 2, 2, 9])
    0.75
    """
    labels, ends, weights = _interval(y, low, high, weight)
    return float(np.average((ends[:, 0] <= labels) & (labels <= ends[:, 1]), weights=weights))


def interval_score(
    y: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, level: float
) -> float:
    """Mean width of intervals, and ``2 / (1 - level)`` times how far labels lie outside (Gneiting, Raftery 2007, 43).

    Lowest for the true quantiles: narrow intervals that hold what they promise.

    Examples
    --------
    >>> round(interval_score([1.0, 5.0], [0.0, 0.0], [2.0, 2.0], level=0.9), 4)
    32.0
    """
    if not 0.0 < level < 1.0:
        raise MetricError(f"level={level:g} is not between 0 and 1")
    labels, ends, weights = _interval(y, low, high, weight)
    outside = np.maximum(0.0, ends[:, 0] - labels) + np.maximum(0.0, labels - ends[:, 1])
    return float(np.average(ends[:, 1] - ends[:, 0] + outside * 2.0 / (1.0 - level), weights=weights))


def _rows(y: npt.ArrayLike, table: npt.ArrayLike, weight: npt.ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    forecasts = np.asarray(table, dtype=np.float64)
    if forecasts.ndim != 2 or not forecasts.shape[1]:
        raise MetricError(f"forecasts of shape {forecasts.shape}: a row a label, and at least one column are expected")
    labels, _, weights = checks.rows(y, forecasts[:, 0], weight)
    odd = np.flatnonzero(~np.isfinite(forecasts).all(axis=1))
    if odd.size:
        raise MetricError(f"a forecast in row {odd[0]} is not finite ({odd.size} such rows)")
    return labels, forecasts, weights


def _interval(
    y: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, weight: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    labels, ends, weights = _rows(y, np.column_stack([low, high]), weight)
    crossed = np.flatnonzero(ends[:, 0] > ends[:, 1])
    if crossed.size:
        raise MetricError(f"the interval of row {crossed[0]} ends before it begins ({crossed.size} such rows)")
    return labels, ends, weights
