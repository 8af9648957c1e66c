"""Lists are measured as scikit-learn does one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, mean_pinball_loss, ndcg_score

from tidewheel import metrics
from tidewheel.errors import MetricError
from tidewheel.metrics import listwise

RNG = np.random.default_rng(4)


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_each_list_is_scikit_learns(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, rows)
    y, score = rng.integers(0, 3, rows).astype(float), rng.permutation(rows).astype(float)
    names = list(dict.fromkeys(group.tolist()))
    for k in (0, 2):
        found = listwise.ndcg(y, score, group, k=k)
        for name, value in zip(names, found, strict=True):
            mine = group == name
            if mine.sum() > 1 and y[mine].any():
                assert value == pytest.approx(ndcg_score([y[mine]], [score[mine]], k=k or None))
    for name, value in zip(names, listwise.average_precisions(y, score, group), strict=True):
        mine = group == name
        if y[mine].any():
            assert value == pytest.approx(average_precision_score(y[mine] > 0, score[mine]))
        else:
            assert np.isnan(value)


def test_the_worked_example_of_järvelin_and_kekäläinen() -> None:
    grades = [3, 2, 3, 0, 1, 2]
    value = listwise.ndcg(grades, [6, 5, 4, 3, 2, 1], [0] * 6)[0]
    assert value == pytest.approx(0.9608, abs=1e-4)
    exponential = listwise.ndcg(grades, [6, 5, 4, 3, 2, 1], [0] * 6, gain="exponential")[0]
    assert exponential == pytest.approx(0.9488, abs=1e-4)


def test_ranks_and_recalls_by_hand() -> None:
    y, score, group = [0, 1, 1, 0, 0, 2], [3, 2, 1, 9, 8, 7], ["b", "b", "b", "a", "a", "a"]
    assert listwise.reciprocal_ranks(y, score, group).tolist() == [0.5, 1 / 3]
    assert listwise.recalls_at(y, score, group, k=2).tolist() == [0.5, 0.0]
    assert listwise.mean_over_groups(listwise.recalls_at(y, score, group, k=3)) == 1.0


def test_what_can_not_be_measured_is_refused() -> None:
    with pytest.raises(MetricError, match="none of 1 groups"):
        listwise.mean_over_groups(listwise.reciprocal_ranks([0, 0], [1, 2], [1, 1]))
    with pytest.raises(MetricError, match="one a row"):
        listwise.ndcg([0, 1], [1, 2], [1])
    with pytest.raises(MetricError, match="a grade is 0 or more"):
        listwise.ndcg([-1, 1], [1, 2], [1, 1])
    with pytest.raises(MetricError, match="at least 1"):
        listwise.recalls_at([0, 1], [1, 2], [1, 1], k=0)


def test_f1_and_pinball_are_scikit_learns() -> None:
    y, score, weight = (RNG.random(500) < 0.3).astype(float), RNG.random(500), RNG.random(500)
    assert metrics.metric("f1(threshold=0.4)")(y, score, weight) == pytest.approx(
        f1_score(y, score >= 0.4, sample_weight=weight)
    )
    label = RNG.normal(size=500)
    for quantile in (0.1, 0.5, 0.9):
        ours = metrics.metric(f"pinball(quantile={quantile})")(label, score, weight)
        assert ours == pytest.approx(mean_pinball_loss(label, score, sample_weight=weight, alpha=quantile))
    with pytest.raises(MetricError, match="between 0 and 1"):
        metrics.metric("pinball(quantile=1.5)")(label, score)
