"""Calibration turns scores into probabilities and keeps their order."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from tidewheel import metrics
from tidewheel.errors import TrainingError
from tidewheel.training.fit.calibrate import Isotonic, beta, calibrated, fit_calibration, platt

RNG = np.random.default_rng(0)
TRUTH = RNG.random(20_000)
Y = (RNG.random(20_000) < TRUTH).astype(float)
SKEWED = TRUTH**3  # well ordered, badly calibrated
ONE = np.ones(20_000)


@pytest.mark.parametrize("kind", ["isotonic", "platt", "beta"])
def test_calibration_mends_what_is_skewed(kind: str) -> None:
    score = SKEWED if kind != "platt" else np.log(TRUTH / (1 - TRUTH)) * 3 - 1
    curve = fit_calibration(kind, score[:10_000], Y[:10_000], ONE[:10_000])  # type: ignore[arg-type]  # parametrised
    p = calibrated(curve, score[10_000:])
    assert metrics.calibration_error(Y[10_000:], p) < 0.02
    assert metrics.roc_auc(Y[10_000:], p) == pytest.approx(metrics.roc_auc(Y[10_000:], score[10_000:]), abs=1e-9)


def test_isotonic_stays_close_to_plain_isotonic_regression() -> None:
    curve = fit_calibration("isotonic", SKEWED, Y, ONE)
    plain = IsotonicRegression().fit(SKEWED, Y).predict(SKEWED)
    assert np.abs(calibrated(curve, SKEWED) - plain).mean() < 0.02
    assert isinstance(curve, Isotonic)
    assert np.all(np.diff(curve.xs) > 0)
    assert np.all(np.diff(curve.ys) > 0)
    assert curve.ys[0] >= 0.0
    assert curve.ys[-1] <= 1.0


def test_isotonic_of_rows_in_the_wrong_order_is_nearly_flat() -> None:
    curve = fit_calibration("isotonic", -SKEWED, Y, ONE)
    p = calibrated(curve, -SKEWED)
    assert p.max() - p.min() < 0.05


def test_platt_equals_unpenalised_logistic_regression_when_rows_are_many() -> None:
    score = np.log(TRUTH / (1 - TRUTH)) * 2
    weight = RNG.choice([1.0, 5.0], 20_000)
    ours = platt(score, Y, weight)
    theirs = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(score[:, None], Y, sample_weight=weight)
    assert ours.a == pytest.approx(theirs.coef_[0, 0], rel=1e-2)
    assert ours.b == pytest.approx(theirs.intercept_[0], abs=1e-2)


def test_platt_of_perfectly_separated_scores_is_finite() -> None:
    curve = platt(np.array([0.0, 0.1, 0.9, 1.0] * 20), np.array([0.0, 0.0, 1.0, 1.0] * 20), np.ones(80))
    assert np.isfinite([curve.a, curve.b]).all()
    assert calibrated(curve, np.array([1.0]))[0] > 0.9


def test_weights_count_as_rows() -> None:
    score, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 1.0, 0.0, 1.0])
    weight = np.array([3.0, 1.0, 2.0, 1.0])
    one = fit_calibration("isotonic", score, y, weight)
    many = fit_calibration(
        "isotonic", np.repeat(score, weight.astype(int)), np.repeat(y, weight.astype(int)), np.ones(7)
    )
    assert isinstance(one, Isotonic)
    assert isinstance(many, Isotonic)
    assert one.ys == pytest.approx(many.ys)


def test_one_class_is_refused() -> None:
    with pytest.raises(TrainingError, match="all 3 rows held out"):
        fit_calibration("isotonic", np.arange(3.0), np.zeros(3), np.ones(3))


def test_beta_equals_unpenalised_logistic_regression_over_both_logarithms() -> None:
    weight = RNG.choice([1.0, 5.0], 20_000)
    ours = beta(SKEWED, Y, weight)
    p = np.clip(SKEWED, 1e-15, 1 - 1e-15)
    theirs = LogisticRegression(C=1e9, tol=1e-12, max_iter=5000).fit(
        np.column_stack([np.log(p), -np.log1p(-p)]), Y, sample_weight=weight
    )
    assert [ours.a, ours.b] == pytest.approx(theirs.coef_[0].tolist(), rel=1e-3)
    assert ours.c == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_beta_leaves_what_is_calibrated_and_never_falls() -> None:
    assert list(beta(TRUTH, Y, ONE)) == pytest.approx([1.0, 1.0, 0.0], abs=0.1)
    curve = beta(1 - TRUTH, Y, ONE)
    assert (curve.a, curve.b) == (0.0, 0.0)
    assert calibrated(curve, np.array([0.0, 0.5, 1.0])) == pytest.approx(Y.mean())


def test_beta_takes_probabilities_only() -> None:
    with pytest.raises(TrainingError, match=r"takes probabilities, found scores from -2 to 3"):
        beta(np.array([-2.0, 3.0]), np.array([0.0, 1.0]), np.ones(2))


@pytest.mark.parametrize("kind", ["isotonic", "platt", "beta"])
@pytest.mark.parametrize("unit", [0.001, 1.0, 1000.0])
def test_weights_count_up_to_a_factor(kind: str, unit: float) -> None:
    weight = np.where(Y == 1.0, 0.01, 1.0)
    score = np.log(TRUTH / (1 - TRUTH)) if kind == "platt" else SKEWED
    one, other = (fit_calibration(kind, score, Y, weight * by) for by in (1.0, unit))  # type: ignore[arg-type]
    assert calibrated(one, score) == pytest.approx(calibrated(other, score))


@pytest.mark.parametrize("kind", ["isotonic", "platt"])
def test_what_stands_for_rare_positives_is_not_softened_up_to_common_ones(kind: str) -> None:
    """Of 100,000 rows, 100 are positive; 1% of the others were kept, so that a positive weighs a hundredth of them."""
    y = np.repeat([1.0, 0.0], [100, 1000])
    score = np.tile(np.linspace(0.1, 0.9, 100), 11)
    weight = np.where(y == 1.0, 0.01, 1.0)
    found = calibrated(fit_calibration(kind, score, y, weight), score)  # type: ignore[arg-type]  # parametrised
    assert np.average(found, weights=weight) == pytest.approx(0.001, rel=0.05)


def test_beta_of_perfectly_separated_scores_is_sure_and_not_certain() -> None:
    score = np.concatenate([np.linspace(0.05, 0.3, 40), np.linspace(0.5, 0.9, 40)])
    curve = fit_calibration("beta", score, np.repeat([0.0, 1.0], 40), np.ones(80))
    told = calibrated(curve, np.array([0.05, 0.3, 0.4, 0.5, 0.9]))
    assert np.all(np.diff(told) > 0.0)
    assert told[0] > 1e-9
    assert told[-1] < 1.0 - 1e-9
