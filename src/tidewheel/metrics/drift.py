"""Whether two samples come from one distribution, and how far apart they are if not.

Each takes both samples' sizes into account: a reference is a sample too, so what is
compared with noise is the sum of both noises, ``1/n + 1/m``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError

Floats = npt.NDArray[np.float64]
_HALF = 0.5
_EXACT = 10_000
"""Up to so many pairs of values the Kolmogorov-Smirnov test is exact: counting paths costs about as much."""


@dataclass(frozen=True)
class Psi:
    """Population stability index with what its sample sizes allow one to say.

    Attributes
    ----------
    value : float
        Plug-in index, in nats; biased upward by about `noise`.
    low, high : float
        Interval of the index of the two populations. ``low > 0`` means drift beyond noise.
    noise : float
        What the value is expected to be when nothing drifted: ``(bins - 1) (1/n + 1/m)``.
    p_value : float
        Chance of a value at least so large when nothing drifted.
    bins : int
        Bins that hold any row of either sample.
    """

    value: float
    low: float
    high: float
    noise: float
    p_value: float
    bins: int


@dataclass(frozen=True)
class TwoSampleTest:
    """Statistic of a test and the chance of one at least so large under one distribution.

    Attributes
    ----------
    statistic : float
    p_value : float
    degrees : int
        Degrees of freedom (chi-square), 0 where there are none.
    """

    statistic: float
    p_value: float
    degrees: int = 0


def psi(reference: npt.ArrayLike, current: npt.ArrayLike, *, confidence: float = 0.95) -> Psi:
    r"""Population stability index of two histograms over the same bins, with an interval.

    :math:`\sum_b (q_b - p_b) \ln(q_b / p_b)`, the symmetrised Kullback-Leibler divergence of the
    shares (Jeffreys 1946). Half a row is added to each bin, so an empty one stays finite.

    When nothing drifted, the index divided by ``1/n + 1/m`` follows a chi-square law with
    ``bins - 1`` degrees of freedom (Yurdakul 2018, *Statistical properties of population
    stability index*); under a shift, a noncentral one, whose noncentrality is the true index in
    the same unit. The interval inverts that law; for large shifts the unit is widened to the
    delta-method variance.

    Parameters
    ----------
    reference, current : array of counts, shape (bins,)
        See `tidewheel.metrics.bin_counts`; nulls are a bin like any other.
    confidence : float

    Raises
    ------
    MetricError
        When lengths differ, a count is negative, or a sample is empty.

    Examples
    --------
    >>> calm = psi([100, 100, 100], [103, 99, 98])
    >>> calm.low, calm.p_value > 0.5
    (0.0, True)
    >>> psi([100, 100, 100], [200, 60, 40]).low > 0.1
    True
    """
    p_count, q_count = _histograms(reference, current)
    n, m, bins = p_count.sum(), q_count.sum(), p_count.size
    p = (p_count + _HALF) / (n + _HALF * bins)
    q = (q_count + _HALF) / (m + _HALF * bins)
    value = float(np.sum((q - p) * np.log(q / p)))
    unit = float(1.0 / n + 1.0 / m)
    if bins == 1:
        return Psi(value, 0.0, 0.0, 0.0, 1.0, 1)
    low, high = _noncentral(value, bins - 1, max(unit, _wide_unit(p, q, n, m, value)), confidence)
    return Psi(value, low, high, (bins - 1) * unit, _chi_square_tail(value / unit, bins - 1), bins)


def chi_square(first: npt.ArrayLike, second: npt.ArrayLike) -> TwoSampleTest:
    """Two-sample chi-square test of homogeneity over the same bins (Pearson), no continuity correction.

    Bins empty in both samples are left out.

    Examples
    --------
    >>> test = chi_square([10, 20, 30], [15, 15, 30])
    >>> round(test.statistic, 4), test.degrees
    (1.7143, 2)
    """
    a, b = _histograms(first, second)
    n, m = a.sum(), b.sum()
    statistic = float(np.sum((np.sqrt(m / n) * a - np.sqrt(n / m) * b) ** 2 / (a + b)))
    degrees = a.size - 1
    return TwoSampleTest(statistic, _chi_square_tail(statistic, degrees) if degrees else 1.0, degrees)


def kolmogorov_smirnov(first: npt.ArrayLike, second: npt.ArrayLike) -> TwoSampleTest:
    """Two-sample Kolmogorov-Smirnov test, two-sided; nulls (NaN) are left out of both samples.

    The p-value is exact while ``n m`` is at most 10,000; beyond, that of one sample of size
    ``n m / (n + m)``. Compare null shares apart: this test does not see them.

    Raises
    ------
    MetricError
        When a sample holds nothing but nulls.

    Examples
    --------
    >>> kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]).statistic
    0.5
    """
    from scipy.stats import ks_2samp

    a, b = (_without_null(sample) for sample in (first, second))
    found = ks_2samp(a, b, method="exact" if a.size * b.size <= _EXACT else "asymp")
    return TwoSampleTest(float(found.statistic), float(found.pvalue))


def _without_null(sample: npt.ArrayLike) -> Floats:
    column = np.asarray(sample, dtype=np.float64)
    column = np.sort(column[~np.isnan(column)])
    if column.size == 0:
        raise MetricError("a sample holds no value but nulls", remedy="compare null shares with psi instead")
    return column


def _histograms(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise MetricError(f"histograms of shapes {a.shape} and {b.shape}: the same bins are expected")
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))) or min(a.min(initial=0), b.min(initial=0)) < 0:
        raise MetricError("a histogram holds counts: finite and not negative")
    if a.sum() <= 0 or b.sum() <= 0:
        raise MetricError("a sample is empty", remedy="compare over a longer period")
    held = (a + b) > 0
    return a[held], b[held]


def _wide_unit(p: Floats, q: Floats, n: float, m: float, value: float) -> float:
    """Return the unit that gives a noncentral chi-square the delta-method variance of the index."""
    slope_p, slope_q = np.log(p / q) + 1.0 - q / p, np.log(q / p) + 1.0 - p / q
    variance = (p @ slope_p**2 - (p @ slope_p) ** 2) / n + (q @ slope_q**2 - (q @ slope_q) ** 2) / m
    return float(variance / (4.0 * value)) if value > 0.0 else 0.0


def _noncentral(value: float, degrees: int, unit: float, confidence: float) -> tuple[float, float]:
    """Return the noncentralities, in the index's own unit, at which `value` is each end's quantile."""
    tail = (1.0 - confidence) / 2.0
    return tuple(_solve(value / unit, degrees, level) * unit for level in (1.0 - tail, tail))  # type: ignore[return-value]  # a pair


def _solve(x: float, degrees: int, level: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import chdtr, chndtr

    if chdtr(degrees, x) <= level:
        return 0.0
    top = 4.0 * (x + degrees) + 40.0
    return float(brentq(lambda ncp: float(chndtr(x, degrees, ncp)) - level, 0.0, top))


def _chi_square_tail(statistic: float, degrees: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic))
