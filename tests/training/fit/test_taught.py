"""Learning from a teacher: what soft labels come to, and that without a say of the teacher nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from tidewheel.errors import TrainingError
from tidewheel.metrics import metric
from tidewheel.training.fit import estimators
from tidewheel.training.fit.learn import Plan, learn
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.taught import as_taught, mixed

RNG = np.random.default_rng(3)
N = 300
X = np.column_stack([RNG.normal(size=N), RNG.normal(size=N)])
TRUE = 1 / (1 + np.exp(-2 * X[:, 0] + X[:, 1]))
Y = (RNG.random(N) < TRUE).astype(float)
WEIGHT = RNG.choice([1.0, 3.0], N)


def rows(target: np.ndarray | None, y: np.ndarray = Y) -> Matrix:
    return Matrix(X, y, WEIGHT, ["a", "b"], [], target=target)


def fitted(estimator: Any, matrix: Matrix) -> Any:
    return estimators.fit(estimators.prepare(estimator, 0, n_threads=1), matrix).estimator


numbers = st.floats(0.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), numbers, st.floats(-8, 8)), min_size=1, max_size=20))
def test_two_rows_of_classes_are_one_of_a_soft_label(told: list[tuple[float, float, float]]) -> None:
    """Their log loss and squared error have the derivatives of the soft label's: every step of a fit is the same."""
    y, target, raw = (np.array(part) for part in zip(*told, strict=True))
    matrix = Matrix(raw[:, None], y, np.full(len(y), 2.0), ["raw"], [], target=target)
    found = as_taught(matrix)
    p = 1 / (1 + np.exp(-found.x[:, 0]))
    soft = 2.0 * (1 / (1 + np.exp(-raw)) - target)
    by_row = np.searchsorted(np.sort(raw), found.x[:, 0])
    gradient = np.bincount(by_row, found.weight * (p - found.y), minlength=len(y))
    expected = np.bincount(np.searchsorted(np.sort(raw), raw), soft, minlength=len(y))
    np.testing.assert_allclose(gradient, expected, atol=1e-12)
    np.testing.assert_allclose(found.weight.sum(), 2.0 * len(y))
    assert set(found.y.tolist()) <= {0.0, 1.0}


def test_a_teacher_without_weight_is_none_to_the_bit() -> None:
    target = mixed(Y, TRUE, 0.0, temperature=3.0)
    for estimator in (LGBMClassifier(n_estimators=10, num_leaves=4), LogisticRegression()):
        alone, taught = fitted(estimator, rows(None)), fitted(estimator, rows(target))
        assert estimators.score(alone, X).tolist() == estimators.score(taught, X).tolist()


def test_a_teacher_alone_is_learned_in_place_of_labels() -> None:
    model = fitted(LogisticRegression(C=1e6), rows(mixed(Y, TRUE, 1.0), Y))
    np.testing.assert_allclose(model.coef_[0], [2.0, -1.0], atol=2e-3)
    hard = fitted(LogisticRegression(C=1e6), rows(None))
    assert np.abs(hard.coef_[0] - [2.0, -1.0]).max() > 0.01


def test_a_number_is_learned_as_the_mean_of_both() -> None:
    amount, said = X[:, 0] * 30 + RNG.normal(size=N), X[:, 0] * 10
    taught = fitted(Ridge(), rows(mixed(amount, said, 0.25, classes=False), amount))
    plain = fitted(Ridge(), rows(None, 0.75 * amount + 0.25 * said))
    assert taught.predict(X).tolist() == plain.predict(X).tolist()


def test_a_temperature_halves_log_odds_and_asks_for_calibration() -> None:
    found = mixed(np.zeros(3), np.array([0.0, 0.9, 1.0]), 1.0, temperature=2.0)
    np.testing.assert_allclose(found, [0.0, 0.75, 1.0])
    plan = Plan(LogisticRegression(), {}, metric("brier"), "", 0, 1, 0, temperature=2.0)
    learned = learn(plan, rows(mixed(Y, TRUE, 0.5, 2.0)), [0, 0], np.arange(200), np.arange(200, N))
    assert (learned.calibration, learned.why_calibrated) == ("beta", "a teacher at temperature 2")


def test_what_can_not_be_taught_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"KNeighborsClassifier.fit takes no sample_weight: it can't learn what a"):
        fitted(KNeighborsClassifier(), rows(mixed(Y, TRUE, 0.5)))
    with pytest.raises(TrainingError, match="are no probabilities"):
        mixed(np.zeros(2), np.array([-1.0, 2.0]), 0.5)


def test_rows_to_stop_by_are_held_out_before_a_teacher_is_heard() -> None:
    model = LGBMClassifier(n_estimators=40, early_stopping_round=3, num_leaves=4)
    notes = [estimators.fit(estimators.prepare(model, 0), rows(t)).notes for t in (None, mixed(Y, TRUE, 0.5))]
    held = [next(note for note in found if note.startswith("kept")).partition("by the last ")[2] for found in notes]
    assert held[0] == held[1]
