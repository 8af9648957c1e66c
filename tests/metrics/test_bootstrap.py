"""Bootstrap intervals: the resample is multinomial, repeatable, and covers what it should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tidewheel import metrics
from tidewheel.errors import MetricError
from tidewheel.metrics import bootstrap, compiled

RNG = np.random.default_rng(11)


def sample(n: int, rate: float = 0.3, signal: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    y = (RNG.random(n) < rate).astype(float)
    return y, RNG.normal(y * signal, 1.0)


def test_counts_are_those_of_drawing_with_replacement() -> None:
    counts = np.empty(1000, dtype=np.uint16)
    totals = np.zeros(1000)
    squares = 0.0
    for replicate in range(400):
        compiled.draw(1000, bootstrap.replicate_seed(5, replicate), counts)
        assert counts.sum() == 1000
        totals += counts
        squares += float(((counts - 1.0) ** 2).mean())
    assert squares / 400 == pytest.approx(0.999, abs=0.02)  # variance of a multinomial count: 1 - 1/n
    chi = ((totals - 400) ** 2 / 400).sum()
    assert 850 < chi < 1150  # 999 degrees of freedom


def test_a_replicate_equals_measuring_the_drawn_rows() -> None:
    y, score = sample(300)
    score = np.round(score, 1)
    measure = metrics.metric("average_precision")
    state = measure.prepare(y, score)
    counts = np.empty(300, dtype=np.uint16)
    for replicate in range(20):
        compiled.draw(300, bootstrap.replicate_seed(0, replicate), counts)
        assert state.order is not None
        drawn = np.repeat(state.order, counts)
        expected = average_precision_score(y[drawn], score[drawn])
        assert measure.function(*state.arguments, counts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "accuracy(threshold=0.5)"])
def test_interval_covers_the_truth_about_as_often_as_it_says(name: str) -> None:
    y_all, s_all = sample(200_000)
    truth = metrics.metric(name)(y_all, s_all)
    hits = 0
    for k in range(100):
        y, s = sample(400)
        ends = metrics.interval(name, y, s, resamples=200, seed=k)
        hits += ends.low <= truth <= ends.high
    assert hits >= 87  # 95 expected; 87 is four standard deviations below


def test_same_seed_same_bits_with_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    y, score = sample(2000)
    one = metrics.interval("roc_auc", y, score, seed=3, resamples=31)
    monkeypatch.setattr(bootstrap, "_WORTH_A_THREAD", 1)
    monkeypatch.setenv("TIDEWHEEL_THREADS", "3")
    assert metrics.interval("roc_auc", y, score, seed=3, resamples=31) == one
    assert metrics.interval("roc_auc", y, score, seed=4, resamples=31) != one


def test_draws_of_one_class_are_counted_not_hidden() -> None:
    ends = metrics.interval("roc_auc", [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4], resamples=500)
    assert ends.undefined > 50
    assert ends.resamples + ends.undefined == 500


def test_paired_difference_is_sharper_than_two_intervals() -> None:
    y, score = sample(3000)
    better = score + RNG.normal(0, 0.05, 3000) + 0.15 * y
    gain = metrics.difference("average_precision", y, better, score, resamples=400)
    one, two = (metrics.interval("average_precision", y, s, resamples=400) for s in (better, score))
    assert gain.low > 0
    assert gain.better == 1.0
    assert gain.value == pytest.approx(one.value - two.value)
    assert gain.high - gain.low < 0.5 * (one.high - one.low)


def test_lower_is_better_turns_the_sign() -> None:
    y = (RNG.random(500) < 0.5).astype(float)
    good, bad = np.where(y == 1, 0.8, 0.2), np.full(500, 0.5)
    assert metrics.difference("brier", y, good, bad, resamples=50).value > 0
    assert metrics.difference("brier", y, bad, good, resamples=50).better == 0.0
    assert metrics.difference("brier", y, good, good, resamples=50).better == 0.0


def test_weights_stay_with_their_rows() -> None:
    y, score = sample(200)
    doubled = np.ones(200) * 2.0
    assert metrics.interval("average_precision", y, score, doubled) == metrics.interval("average_precision", y, score)


def test_no_resamples_is_refused() -> None:
    with pytest.raises(MetricError, match="confidence=95 is not between 0 and 1"):
        metrics.interval("brier", [0, 1], [0.2, 0.9], confidence=95)
    with pytest.raises(MetricError, match="resamples"):
        metrics.interval("roc_auc", [0, 1], [0.1, 0.2], resamples=0)
