"""Scores of distributions, against their definitions and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tidewheel.errors import MetricError
from tidewheel.metrics import crps_ensemble, crps_quantiles, interval, interval_coverage, interval_score, metric

NUMBERS = st.floats(-1e3, 1e3)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (4, 7), elements=NUMBERS), arrays(np.float64, 4, elements=NUMBERS))
def test_an_ensembles_score_is_that_of_its_definition(members: np.ndarray, y: np.ndarray) -> None:
    far = np.abs(members - y[:, None]).mean(axis=1)
    apart = np.abs(members[:, :, None] - members[:, None, :]).mean(axis=(1, 2))
    assert crps_ensemble(y, members) == pytest.approx(np.mean(far - apart / 2), rel=1e-9, abs=1e-9)


def test_many_quantiles_of_a_normal_law_give_its_closed_form() -> None:
    """Gneiting and Raftery 2007, equation 21."""
    y = np.linspace(-3, 3, 13)
    closed = np.mean(y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi))
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = np.tile(stats.norm.ppf(levels), (y.size, 1))
    assert crps_quantiles(y, quantiles, levels) == pytest.approx(closed, abs=1e-3)
    assert crps_ensemble(y, quantiles[:, ::-1]) == pytest.approx(crps_quantiles(y, quantiles, levels), rel=1e-12)


def test_true_intervals_cover_what_they_say_and_score_best() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    width = float(stats.norm.ppf(0.95))
    one = np.ones(y.size)
    assert interval_coverage(y, -width * one, width * one) == pytest.approx(0.9, abs=0.01)
    scores = [interval_score(y, -w * one, w * one, level=0.9) for w in (0.7 * width, width, 1.3 * width)]
    assert min(scores) == scores[1]
    assert interval_coverage([0.0, 2.0], [0.0, 0.0], [1.0, 1.0], [3.0, 1.0]) == 0.75


def test_coverage_of_one_quantile_is_a_metric_with_an_interval() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=5000)
    found = interval("coverage_error(quantile=0.9)", y, np.full(5000, stats.norm.ppf(0.8)))
    assert found.value == pytest.approx(0.1, abs=0.02)
    assert found.low < 0.1 < found.high
    assert metric("coverage_error(quantile=0.5)")([1, 2, 3, 4], [2, 2, 2, 2]) == 0.0
    assert not metric("coverage_error").greater_is_better


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: crps_quantiles([1.0], [[1.0, 2.0]], [0.5]), "1 levels for 2 columns"),
        (lambda: crps_quantiles([1.0], [[1.0, 2.0]], [0.0, 1.0]), "between 0 and 1"),
        (lambda: crps_ensemble([1.0], [1.0]), "a row a label"),
        (lambda: crps_ensemble([1.0], [[1.0, np.nan]]), "in row 0 is not finite"),
        (lambda: interval_coverage([1.0, 1.0], [0.0, 2.0], [1.0, 1.0]), "row 1 ends before it begins"),
        (lambda: interval_score([1.0], [0.0], [2.0], level=1.0), "level=1"),
    ],
)
def test_bad_input_is_refused(call: object, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        call()  # type: ignore[operator]  # a lambda each
