"""Metrics of lists by name, as models declare them: scikit-learn's per list, and lists drawn whole."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from tidewheel import metrics
from tidewheel.errors import MetricError

RNG = np.random.default_rng(7)
LISTS = np.repeat(RNG.permutation(300), 8)
GRADE = RNG.integers(0, 4, LISTS.size) * (RNG.random(LISTS.size) < 0.5).astype(float)
SCORE = GRADE + RNG.normal(0, 2, LISTS.size)


def by_list(of: np.ndarray) -> np.ndarray:
    return of.reshape(300, 8)


def test_they_are_the_means_of_scikit_learns() -> None:
    ndcg = [ndcg_score(y[None], s[None], k=5) for y, s in zip(by_list(GRADE), by_list(SCORE), strict=True) if y.any()]
    assert metrics.metric("ndcg(k=5)")(GRADE, SCORE, group=LISTS) == pytest.approx(np.mean(ndcg))
    whole = [average_precision_score(y > 0, s) for y, s in zip(by_list(GRADE), by_list(SCORE), strict=True) if y.any()]
    assert metrics.metric("mean_average_precision")(GRADE, SCORE, group=LISTS) == pytest.approx(np.mean(whole))


@pytest.mark.parametrize(
    "name", ["ndcg(k=5)", "mean_average_precision", "mean_reciprocal_rank", "hit_rate(k=1)", "recall_at_k(k=3)"]
)
def test_their_intervals_are_those_of_means_over_lists(name: str) -> None:
    measure = metrics.metric(name)
    found = metrics.interval(measure, GRADE, SCORE, group=LISTS, resamples=2000)
    state = measure.prepare(GRADE, SCORE, None, LISTS)
    values = state.arguments[0][state.arguments[1] > 0]
    assert found.value == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
    shuffled = RNG.permutation(LISTS.size)  # nothing depends on where a list's rows stand
    assert measure(GRADE[shuffled], SCORE[shuffled], group=LISTS[shuffled]) == pytest.approx(found.value)
    gain = metrics.difference(measure, GRADE, GRADE, SCORE, group=LISTS)
    assert gain.value > 0.0
    assert gain.better == 1.0


def test_a_list_weighs_what_its_first_row_does() -> None:
    measure, group = metrics.metric("mean_reciprocal_rank"), np.array([0, 0, 1, 1])
    y, score = np.array([1.0, 0.0, 0.0, 1.0]), np.array([2.0, 1.0, 2.0, 1.0])
    assert measure(y, score, group=group) == 0.75
    assert measure(y, score, [3.0, 9.0, 1.0, 9.0], group) == 0.875


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.metric("ndcg")([1.0], [1.0]), "nothing says which rows are one.*declare group="),
        (lambda: metrics.metric("recall_at_k(k=0.5)")([1.0], [1.0], group=[1]), "the first 0.5 items"),
        (lambda: metrics.metric("ndcg(k=1.5)")([1.0], [1.0], group=[1]), "the first 1.5 items"),
        (lambda: metrics.metric("ndcg")([0.0, 0.0], [1.0, 2.0], group=[1, 2]), "undefined"),
        (lambda: metrics.metric("ndcg")([1.0, 0.0], [1.0, 2.0], group=[1]), "one a row"),
    ],
)
def test_bad_input_is_refused(call: object, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        call()  # type: ignore[operator]  # a lambda each
