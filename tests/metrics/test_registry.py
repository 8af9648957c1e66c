"""A metric is found by what a model declares, or the mistake is named."""

from __future__ import annotations

import pytest

from tidewheel import metrics
from tidewheel.errors import MetricError

Y, P = [0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.9]


def test_parameters_reach_the_metric() -> None:
    assert metrics.metric("precision_at(recall=0.5)")(Y, P) == metrics.precision_at(Y, P, recall=0.5)
    assert metrics.metric("recall_at(precision=0.9)")(Y, P) == metrics.recall_at(Y, P, precision=0.9)
    assert metrics.metric("accuracy(threshold=0.3)")(Y, P) == metrics.accuracy(Y, P, threshold=0.3)
    assert metrics.metric("calibration_error(bins=5)")(Y, P) == metrics.calibration_error(Y, P, bins=5)
    assert metrics.metric("calibration_error")(Y, P) == metrics.calibration_error(Y, P)


@pytest.mark.parametrize("name", metrics.names())
def test_every_metric_knows_its_direction(name: str) -> None:
    given = {
        "precision_at": "precision_at(recall=0.5)",
        "recall_at": "recall_at(precision=0.9)",
        "coverage_error": "coverage_error(quantile=0.99)",
        "hit_rate": "hit_rate(k=1)",
        "recall_at_k": "recall_at_k(k=3)",
    }
    measure = metrics.metric(given.get(name, name))
    one_list = [0] * len(Y)
    good, bad = (measure(Y, score, group=one_list) for score in ([float(y) for y in Y], [1.0 - y for y in Y]))
    assert (good > bad) == measure.greater_is_better


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("average_precison", "no metric called 'average_precison'.*known metrics.*average_precision"),
        ("precision_at", r"lacks a parameter; write precision_at\(recall=0.9\)"),
        ("precision_at(precision=0.9)", "has no parameter 'precision'"),
        ("precision_at(0.9)", "can't read"),
        ("precision_at(recall='a')", "can't read"),
        ("brier(", "can't read"),
        ("__import__('os')", "can't read"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        metrics.metric(text)
