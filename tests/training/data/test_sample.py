"""Sampling keeps rows by their own name, and what is kept speaks of all rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.training.data.draws import names_of, uniforms
from tidewheel.training.data.sample import choose, of_all_rows, weigh

RNG = np.random.default_rng(3)
KEEP = ir.Sample("keep", (("0", 0.1), ("1", 1.0)))


def ids(n: int) -> np.ndarray:
    return names_of(pa.array([f"r{row}" for row in range(n)]))


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0.05, 1.0), st.floats(0.05, 1.0), st.integers(-5, 5), st.data())
def test_a_row_is_kept_or_not_whatever_the_other_rows(
    n: int, negatives: float, positives: float, seed: int, data: st.DataObject
) -> None:
    y = np.random.default_rng(n).integers(0, 2, n).astype(float)
    steps = [
        ir.Sample("keep", (("0", negatives), ("1", positives)), seed=seed),
        ir.Sample("stratified", (("a", 0.5),), by=("kind",), seed=seed),
    ]
    kinds = names_of(pa.array(["a" if row % 3 else "b" for row in range(n)]))
    whole = choose(steps, y, ids(n), {("kind",): kinds})
    some = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    part = choose(steps, y[some], ids(n)[some], {("kind",): kinds[some]})
    assert some[part.rows].tolist() == sorted(set(some.tolist()) & set(whole.rows.tolist()))
    order = np.random.default_rng(seed + 9).permutation(n)
    turned = choose(steps, y[order], ids(n)[order], {("kind",): kinds[order]})
    assert sorted(order[turned.rows].tolist()) == whole.rows.tolist()


@pytest.mark.parametrize(
    "steps",
    [
        [KEEP],
        [ir.Sample("keep", (("0", 0.2), ("1", 0.5)))],
        [ir.Sample("stratified", (("a", 0.1), ("b", 0.6)), by=("kind",))],
        [ir.Sample("stratified", by=("kind",), rows=3000)],
        [ir.Sample("at_most", rows=8000)],
        [KEEP, ir.Sample("stratified", share=0.5, by=("kind",)), ir.Sample("at_most", rows=4000)],
    ],
)
def test_what_is_kept_stands_for_all(steps: list[ir.Sample]) -> None:
    n = 60_000
    y = (RNG.random(n) < 0.05).astype(float)
    value = RNG.normal(10, 3, n) + y
    kinds = names_of(pa.array(RNG.choice(["a", "b", "c"], n, p=[0.8, 0.15, 0.05]).tolist()))
    kept = choose(steps, y, ids(n), {("kind",): kinds})
    assert kept.rows.size < 0.75 * n
    # Horvitz and Thompson's total, within four standard errors of a Poisson sample
    share = 1.0 / kept.stands_for
    for total in (np.ones(n), y, value, value * y):
        own = total[kept.rows]
        error = np.sqrt(np.sum((1 - share) * (own / share) ** 2))
        assert abs(np.sum(own * kept.stands_for) - total.sum()) < 4 * error + 1e-6


@pytest.mark.parametrize(
    "steps",
    [
        [KEEP],
        [ir.Sample("balanced")],
        [ir.Sample("class_weights", (("0", 1.0), ("1", 25.0)))],
        [ir.Sample("keep", (("0", 0.2), ("1", 0.9))), ir.Sample("balanced")],
    ],
)
def test_odds_times_the_prior_are_those_of_all_rows(steps: list[ir.Sample]) -> None:
    n = 60_000
    x = RNG.normal(size=(n, 1))
    chance = 1 / (1 + np.exp(-(1.2 * x[:, 0] - 3.5)))
    y = (RNG.random(n) < chance).astype(float)
    kept = choose(steps, y, ids(n), {})
    own = y[kept.rows]
    weight, prior = weigh(steps, own, kept.stands_for, kept.odds, {}, kept.prior)
    fitted = LogisticRegression(C=1e6).fit(x[kept.rows], own, sample_weight=weight)
    odds = np.exp(fitted.decision_function(x)) * prior
    found = odds / (1 + odds)
    assert found.mean() == pytest.approx(y.mean(), rel=0.06)
    assert np.abs(found - chance).max() < 0.05
    uncorrected = fitted.predict_proba(x)[:, 1].mean()
    assert uncorrected > 2 * y.mean()
    # And the weights that calibration is given have the classes in the right proportion
    all_rows = of_all_rows(weight, own, prior)
    assert np.average(own, weights=all_rows) == pytest.approx(y.mean(), rel=0.06)


def test_balanced_weights_are_scikit_learn_s() -> None:
    y = (RNG.random(1000) < 0.2).astype(float)
    weight, prior = weigh([ir.Sample("balanced")], y, np.ones(1000), np.ones(1000), {}, 1.0)
    assert weight == pytest.approx(compute_sample_weight("balanced", y))
    assert prior == pytest.approx(y.sum() / (1 - y).sum())


def test_row_weights_multiply_and_bad_ones_are_refused() -> None:
    y, one = np.array([0.0, 1.0, 1.0]), np.ones(3)
    step = ir.Sample("weights", column="amount")
    weight, prior = weigh([step], y, one, one, {"amount": np.array([1.0, 2.0, 3.0])}, 1.0)
    assert (weight.tolist(), prior) == ([0.5, 1.0, 1.5], 1.0)
    for bad in (np.nan, -1.0, np.inf):
        with pytest.raises(TrainingError, match=r"1 of 3 train rows have no weight, a negative or an infinite one"):
            weigh([step], y, one, one, {"amount": np.array([1.0, bad, 1.0])}, 1.0)
    with pytest.raises(TrainingError, match="all train rows are 0"):
        weigh([step], y, one, one, {"amount": np.zeros(3)}, 1.0)


def test_no_steps_change_nothing() -> None:
    own = np.array([1.0, 3.0])
    assert weigh([], np.array([0.0, 1.0]), own, np.ones(2), {}, 1.0) == (pytest.approx(own), 1.0)


def test_draws_are_uniform_and_seeds_have_nothing_to_do_with_each_other() -> None:
    names = ids(20_000)
    one, two, salted = uniforms(names, 0), uniforms(names, 1), uniforms(names, 0, 1)
    counts = np.bincount((one * 20).astype(int), minlength=20)
    assert np.sum((counts - 1000) ** 2 / 1000) < 43.8  # chi-square, 19 degrees of freedom, one in a thousand
    for other in (two, salted):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.03
