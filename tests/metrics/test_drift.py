"""Drift measures equal scipy's where it has them, and know what sample sizes allow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tidewheel import metrics
from tidewheel.errors import MetricError

Counts = st.lists(st.integers(0, 500), min_size=3, max_size=8)


@settings(max_examples=100, deadline=None)
@given(Counts, st.data())
def test_chi_square_equals_scipy(first: list[int], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.integers(0, 500), min_size=len(first), max_size=len(first)))
    table = np.array([first, second])
    table = table[:, table.sum(axis=0) > 0]
    if min(table.sum(axis=1), default=0) == 0 or table.shape[1] < 2:
        return
    expected = stats.chi2_contingency(table, correction=False)
    test = metrics.chi_square(first, second)
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert test.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert test.degrees == expected.dof


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_kolmogorov_smirnov_equals_scipy(shift: float, ties: bool) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 400), rng.normal(shift, 1, 150)
    if ties:
        a, b = np.round(a, 1), np.round(b, 1)
    expected = stats.ks_2samp(a, b, method="asymp")
    test = metrics.kolmogorov_smirnov(np.append(a, np.nan), b)
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert test.p_value == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize(("few", "many"), [(1, 1), (1, 2), (1, 100), (3, 4)])
def test_kolmogorov_smirnov_of_few_values_is_exact(few: int, many: int) -> None:
    # Samples that lie wholly apart: two of all the orders in which the values can stand.
    test = metrics.kolmogorov_smirnov(np.arange(few), 1000 + np.arange(many))
    assert test.statistic == 1.0
    assert test.p_value == pytest.approx(min(1.0, 2 / math.comb(few + many, few)))


def test_psi_of_a_known_shift() -> None:
    # 50/50 against 60/40 in the limit of many rows: 0.1 ln(1.2) - 0.1 ln(0.8) = 0.040547
    result = metrics.psi([5_000_000, 5_000_000], [6_000_000, 4_000_000])
    assert result.value == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8), abs=1e-6)
    assert result.low < result.value < result.high
    assert result.p_value < 1e-12


def test_psi_divided_by_both_sizes_is_chi_square_when_nothing_drifted() -> None:
    rng = np.random.default_rng(4)
    shares = np.full(10, 0.1)
    results = [metrics.psi(rng.multinomial(2000, shares), rng.multinomial(300, shares)) for _ in range(400)]
    assert np.mean([r.p_value < 0.05 for r in results]) == pytest.approx(0.05, abs=0.035)
    assert np.mean([r.value for r in results]) == pytest.approx(results[0].noise, rel=0.1)
    assert results[0].noise == pytest.approx(9 * (1 / 2000 + 1 / 300))
    assert np.mean([r.low > 0 for r in results]) < 0.06


@pytest.mark.parametrize("strength", [0.2, 0.5, 1.0, 2.0])
def test_psi_interval_covers_the_true_index(strength: float) -> None:
    rng = np.random.default_rng(5)
    p = np.full(10, 0.1)
    q = p * np.exp(np.linspace(-1, 1, 10) * strength)
    q /= q.sum()
    truth = float(((q - p) * np.log(q / p)).sum())
    hits = 0
    for _ in range(200):
        result = metrics.psi(rng.multinomial(5000, p), rng.multinomial(500, q))
        hits += result.low <= truth <= result.high
    assert hits >= 178  # 190 expected; four standard deviations below


def test_psi_of_bins_that_one_sample_lacks_is_finite() -> None:
    assert np.isfinite(metrics.psi([100, 0, 0], [0, 50, 50]).value)
    assert metrics.psi([100, 0], [50, 0]) == metrics.Psi(0.0, 0.0, 0.0, 0.0, 1.0, 1)


def test_a_null_spike_is_drift() -> None:
    rng = np.random.default_rng(6)
    reference = rng.normal(size=5000)
    current = rng.normal(size=1000)
    edges = metrics.quantile_edges(reference)
    before = metrics.bin_counts(reference, edges)
    assert metrics.psi(before, metrics.bin_counts(current, edges)).p_value > 0.001
    current[:300] = np.nan
    assert metrics.psi(before, metrics.bin_counts(current, edges)).low > 0.2


def test_edges_of_repeated_values_and_outliers() -> None:
    column = np.concatenate([np.zeros(80), np.arange(1, 20), [1e12]])
    edges = metrics.quantile_edges(column)
    counts = metrics.bin_counts(column, edges)
    assert edges[0] == 0.0
    assert counts[0] == 80
    assert counts.sum() == 100
    assert counts[-1] == 0
    assert metrics.quantile_edges([np.nan]).size == 0
    assert metrics.bin_counts([np.nan, 1.0], []).tolist() == [1, 1]
    assert metrics.quantile_edges([5.0, 5.0]).size == 0
    assert metrics.bin_counts(np.arange(1000.0), metrics.quantile_edges(np.arange(1000.0))).tolist() == [100] * 10 + [0]


def test_unfit_histograms_are_refused() -> None:
    for a, b, message in (
        ([1, 2], [1, 2, 3], "same bins"),
        ([0, 0], [1, 2], "empty"),
        ([-1, 2], [1, 2], "not negative"),
        ([float("nan"), 2], [1, 2], "finite"),
    ):
        with pytest.raises(MetricError, match=message):
            metrics.psi(a, b)
    with pytest.raises(MetricError, match="no value but nulls"):
        metrics.kolmogorov_smirnov([float("nan")], [1.0])
