"""Bounds on a mean that hold at every sample size at once, so that one may look after each row and stop at will.

A fixed-sample interval that is looked at daily is wrong on some day far more often than it says. These are
confidence sequences: the chance that the true mean *ever* leaves them is at most `alpha`.
"""

from __future__ import annotations

from math import inf, lgamma, log, sqrt
from typing import NamedTuple

from tidewheel.errors import MetricError

PRIOR = (0.5, 0.5)
"""Jeffreys': the usual mixture where nothing is known of the mean, good for rare events."""
_STEPS = 60


class Bounds(NamedTuple):
    """The mean so far, and what it lies between at this and every other sample size."""

    mean: float
    low: float
    high: float


def log_evidence(total: float, n: int, mean: float, prior: tuple[float, float] = PRIOR) -> float:
    """Return the log of the mixture likelihood ratio against `mean`: the mixture SPRT's statistic.

    Ville's inequality: under `mean`, the chance that it ever reaches ``log(1 / alpha)`` is at most `alpha`.

    Parameters
    ----------
    total : float
        Sum of the observations, each between 0 and 1.
    n : int
        Their number.
    mean : float
        Strictly between 0 and 1.
    prior : tuple of float
        The Beta mixture's parameters.

    Notes
    -----
    ``B(a + S, b + n - S) / (B(a, b) * m**S * (1 - m)**(n - S))``: Robbins, Statistical Methods Related to the Law
    of the Iterated Logarithm, Ann. Math. Stat. 41 (1970), for 0-1 data with the uniform mixture; Howard, Ramdas,
    McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, Ann. Stat. 49 (2021),
    for any data between 0 and 1, whose moment generating function lies below a coin's of the same mean.

    Examples
    --------
    >>> round(log_evidence(10, 100, 0.1), 3), round(log_evidence(30, 100, 0.1), 3)
    (-2.534, 12.835)
    """
    a, b = prior
    mixture = _log_beta(a + total, b + n - total) - _log_beta(a, b)
    return mixture - _times_log(total, mean) - _times_log(n - total, 1.0 - mean)


def bounded_mean(total: float, n: int, alpha: float = 0.05, prior: tuple[float, float] = PRIOR) -> Bounds:
    """Return bounds on the mean of observations between 0 and 1: all means that the evidence does not speak against.

    Parameters
    ----------
    total : float
        Sum of the observations.
    n : int
        Their number.
    alpha : float
        Chance that the mean is ever outside.
    prior : tuple of float
        See `log_evidence`.

    Raises
    ------
    MetricError
        The sum lies outside 0 to n, or `alpha` outside 0 to 1.

    Examples
    --------
    >>> found = bounded_mean(10, 1000)
    >>> found.mean, round(found.low, 4), round(found.high, 4)
    (0.01, 0.0024, 0.0262)
    >>> bounded_mean(0, 0)
    Bounds(mean=nan, low=0.0, high=1.0)
    """
    if not 0.0 < alpha < 1.0 or not -1e-9 <= total <= n + 1e-9:
        raise MetricError(f"a sum of {total:g} over {n} observations between 0 and 1 at alpha {alpha:g}")
    if n == 0:
        return Bounds(float("nan"), 0.0, 1.0)
    total = min(max(total, 0.0), float(n))
    mean, limit = total / n, -log(alpha)

    def edge(outside: float) -> float:
        # The evidence rises from the sample's mean outward: convex in the mean that is asked about.
        inside = mean
        for _ in range(_STEPS):
            middle = (inside + outside) / 2.0
            if log_evidence(total, n, middle, prior) < limit:
                inside = middle
            else:
                outside = middle
        return outside

    return Bounds(mean, edge(0.0) if total > 0 else 0.0, edge(1.0) if total < n else 1.0)


def any_mean(mean: float, variance: float, n: int, alpha: float = 0.05, n_best: int = 1000) -> Bounds:
    """Return bounds on the mean of any observations with a variance, valid as `n` grows (asymptotically).

    Parameters
    ----------
    mean, variance : float
        Of the sample.
    n : int
        Observations.
    alpha : float
        Chance that the mean is ever outside, for large samples.
    n_best : int
        The sample size at which the bounds are to be tightest.

    Notes
    -----
    ``mean +- sd * sqrt((n + r) / n**2 * (2 log(1 / alpha) + log((n + r) / r)))``: Robbins' normal mixture with the
    sample's variance; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and
    asymptotic confidence sequences, Ann. Stat. 52 (2024). The mixture's `r` by Howard et al. (2021).

    Examples
    --------
    >>> [round(end, 3) for end in any_mean(5.0, 4.0, 1000)]
    [5.0, 4.808, 5.192]
    """
    if not 0.0 < alpha < 1.0 or n < 0 or variance < 0.0:
        raise MetricError(f"{n} observations of variance {variance:g} at alpha {alpha:g}")
    if n < 2:
        return Bounds(mean, -inf, inf)
    r = n_best / (-2.0 * log(alpha) + log(1.0 - 2.0 * log(alpha)))
    half = sqrt(variance * (n + r) * (-2.0 * log(alpha) + log((n + r) / r))) / n
    return Bounds(mean, mean - half, mean + half)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _times_log(times: float, value: float) -> float:
    """Return ``times * log(value)``, 0 for no times."""
    if times == 0.0:
        return 0.0
    return times * log(value) if value > 0.0 else -inf
