"""Confidence sequences: published values, the exact chance of a false alarm, simulated coverage, their limits."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from tidewheel.errors import MetricError
from tidewheel.metrics.sequential import PRIOR, any_mean, bounded_mean, log_evidence

Floats = npt.NDArray[np.float64]


def crossing(mean: float, alpha: float, rows: int) -> float:
    """Return the exact chance that 0-1 data of this mean ever look, within `rows`, as if theirs were another."""
    alive: Floats = np.ones(1)
    crossed = 0.0
    for n in range(1, rows + 1):
        alive = np.append(alive * (1 - mean), 0.0) + np.insert(alive * mean, 0, 0.0)
        out = np.array([log_evidence(k, n, mean) >= -math.log(alpha) if p else False for k, p in enumerate(alive)])
        crossed += float(alive[out].sum())
        alive = np.where(out, 0.0, alive)
    return crossed


@pytest.mark.parametrize(("mean", "alpha"), [(0.01, 0.05), (0.1, 0.01), (0.5, 0.05)])
def test_looking_after_each_row_alarms_falsely_as_rarely_as_promised(mean: float, alpha: float) -> None:
    found = crossing(mean, alpha, 400)
    assert 0.0 < found <= alpha


def test_a_fixed_sample_interval_would_not_bear_it() -> None:
    random = np.random.default_rng(5)
    runs, rows, mean = 400, 1000, 0.1
    totals = np.cumsum(random.random((runs, rows)) < mean, axis=1)[:, 99::10]
    sizes = np.arange(100, rows + 1, 10)
    wald = np.mean([any(map(_wald_misses, run, sizes, [mean] * len(sizes))) for run in totals])
    assert wald > 0.2
    assert missed(totals.astype(np.float64), sizes, mean, 0.05) <= 0.05


def missed(totals: Floats, sizes: npt.NDArray[np.int64], mean: float, alpha: float) -> float:
    """Return the share of runs in which the true mean is outside the bounds at some size."""
    looks = [[log_evidence(t, int(n), mean) for t, n in zip(run, sizes, strict=True)] for run in totals.tolist()]
    return float(np.mean([max(run) >= -math.log(alpha) for run in looks]))


def _wald_misses(total: int, n: int, mean: float) -> bool:
    share = total / n
    return abs(share - mean) > 1.96 * math.sqrt(share * (1 - share) / n)


def test_the_mixture_has_the_published_value() -> None:
    """Beta-binomial mixture at v = 100 tuned there for 0.05, g = 0.2, h = 0.8, of Howard et al.'s own software.

    Its sum of 10 over steps of +0.8 and -0.2 with variance 0.16 are 135 of 625 events at a mean of 0.2.
    """
    r = 12.60056 - 0.16
    assert log_evidence(135, 625, 0.2, (r / 0.8, r / 0.2)) == pytest.approx(-0.6941012, abs=1e-6)


def test_the_normal_mixture_has_the_published_value() -> None:
    """Two-sided normal mixture, of the same software: at v = 100, tuned there for 0.05, the sum may be 30.35209."""
    assert 100 * any_mean(0.0, 1.0, 100, 0.05, n_best=100).high == pytest.approx(30.35209, abs=1e-5)


def test_robbins_inequality_is_the_uniform_mixture() -> None:
    for total, n, mean in ((3, 20, 0.1), (0, 5, 0.3), (40, 41, 0.9)):
        robbins = -math.log((n + 1) * stats.binom.pmf(total, n, mean))
        assert log_evidence(total, n, mean, (1.0, 1.0)) == pytest.approx(robbins)


def test_the_closed_form_is_the_integral_over_the_prior() -> None:
    a, b = PRIOR
    for total, n, mean in ((2.0, 30, 0.05), (7.25, 12, 0.5)):

        def ratio(q: float, total: float = total, n: int = n, mean: float = mean) -> float:
            return float((q / mean) ** total * ((1 - q) / (1 - mean)) ** (n - total) * stats.beta.pdf(q, a, b))

        value, _ = integrate.quad(ratio, 0, 1, limit=200)
        assert log_evidence(total, n, mean) == pytest.approx(math.log(value), abs=1e-6)


@given(n=st.integers(1, 5000), share=st.floats(0, 1), alpha=st.floats(1e-6, 0.5))
def test_the_bounds_are_where_the_evidence_reaches_its_limit(n: int, share: float, alpha: float) -> None:
    total = share * n
    found = bounded_mean(total, n, alpha)
    assert 0.0 <= found.low <= found.mean <= found.high <= 1.0
    for edge in (found.low, found.high):
        if 0.0 < edge < 1.0:
            assert log_evidence(total, n, edge) == pytest.approx(-math.log(alpha), abs=1e-3)
    assert bounded_mean(total, n, alpha / 2).low <= found.low
    mirrored = bounded_mean(n - total, n, alpha)
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-9)


def test_values_between_0_and_1_are_covered_like_coins() -> None:
    values = np.random.default_rng(1).beta(0.5, 4.5, (300, 600))
    sizes = np.arange(10, 601, 10)
    assert missed(np.cumsum(values, axis=1)[:, 9::10], sizes, 0.1, 0.1) <= 0.1


def test_a_true_difference_is_found() -> None:
    random = np.random.default_rng(2)
    total = int((random.random(3000) < 0.03).sum())
    assert bounded_mean(total, 3000, 0.01).low > 0.01


def test_any_mean_covers_skewed_values_at_all_sizes() -> None:
    random = np.random.default_rng(3)
    values = random.exponential(10.0, (300, 1500))
    sizes = np.arange(100, 1500, 25)
    first, second = np.cumsum(values, axis=1), np.cumsum(values**2, axis=1)
    outside = 0
    for mean, square in zip(first / np.arange(1, 1501), second / np.arange(1, 1501), strict=True):
        seen = [any_mean(mean[n - 1], square[n - 1] - mean[n - 1] ** 2, int(n), 0.05, n_best=500) for n in sizes]
        outside += any(not bounds.low <= 10.0 <= bounds.high for bounds in seen)
    assert outside / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_what_can_not_be_bounded() -> None:
    assert any_mean(3.0, 1.0, 1) == (3.0, -math.inf, math.inf)
    for bad in ((-1.0, 5, 0.05), (6.0, 5, 0.05), (1.0, 5, 0.0), (1.0, 5, 1.0)):
        with pytest.raises(MetricError):
            bounded_mean(*bad)
    with pytest.raises(MetricError):
        any_mean(0.0, -1.0, 5)
