"""Rows whose horizon is not over weigh what they stand for: nearly unbiased, where other ways are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from tidewheel.errors import TrainingError
from tidewheel.training.data.young import FEWEST, LEAST, stand_for, young_rows

NEVER = np.iinfo(np.int64).max
HOUR = 3_600_000_000
HORIZON = 240 * HOUR


def simulated(seed: int, slope: float, shift: float) -> dict[str, np.ndarray]:
    """Return rows of a known chance that outcomes come; lately, more do. They come with a mean delay of four days."""
    rng = np.random.default_rng(seed)
    n = 24_000
    at = np.sort(rng.integers(0, 3 * HORIZON, n))
    x = rng.normal(size=n)
    chance = 1 / (1 + np.exp(-(slope * x - 1.5 + shift * (at >= 2 * HORIZON))))
    delay = np.minimum(rng.exponential(96 * HOUR, n), HORIZON - 1).astype(np.int64) + 1
    known_at = np.where(rng.random(n) < chance, at + delay, NEVER)
    return {"at": at, "x": x, "chance": chance, "known_at": known_at}


def fitted(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=1e6).fit(x[:, None], y, sample_weight=weight)


def rates(seed: int, slope: float, shift: float) -> tuple[float, dict[str, float], dict[str, np.ndarray]]:
    """Return the true rate among the young, what each way finds, and its coefficients."""
    rows = simulated(seed, slope, shift)
    at, x, known_at = rows["at"], rows["x"], rows["known_at"]
    until = 3 * HORIZON
    old, between = np.flatnonzero(at <= until - HORIZON), np.flatnonzero(at > until - HORIZON)
    young = young_rows(at, known_at, np.ones(at.size), old, between, until)
    y_old = (known_at[old] != NEVER).astype(float)
    pilot = fitted(x[old], y_old, np.ones(old.size))
    weight = stand_for(young.y, young.come, pilot.predict_proba(x[young.rows][:, None])[:, 1])
    ways = {
        "reweight": fitted(x[young.rows], young.y, weight),
        "drop": pilot,
        "naive": fitted(x[young.rows], young.y, np.ones(young.rows.size)),
    }
    found = {name: float(model.predict_proba(x[young.rows][:, None])[:, 1].mean()) for name, model in ways.items()}
    said = {name: np.array([model.coef_[0, 0], model.intercept_[0]]) for name, model in ways.items()}
    return float(rows["chance"][young.rows].mean()), found, said


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (1.0, 0.6), (2.0, 0.6)])
def test_the_estimate_is_nearly_unbiased_where_others_are_not(slope: float, shift: float) -> None:
    runs = [rates(seed, slope, shift) for seed in range(3)]
    bias = {name: float(np.mean([found[name] / truth - 1 for truth, found, _ in runs])) for name in runs[0][1]}
    assert abs(bias["reweight"]) < 0.08
    assert bias["naive"] < -0.25
    if shift:
        assert bias["drop"] < -0.1
        assert abs(bias["reweight"]) < abs(bias["drop"]) / 2
    mean = np.mean([said["reweight"] for *_, said in runs], axis=0)
    assert mean == pytest.approx([slope, -1.5 + shift], abs=0.2)


def test_with_the_young_ones_a_rate_that_stays_is_known_better() -> None:
    one, all_rows = [], []
    for seed in range(30):
        rows = simulated(seed, 0.0, 0.0)
        part = np.sort(np.random.default_rng(seed).choice(rows["at"].size, 4000, replace=False))
        at, known_at, until = rows["at"][part], rows["known_at"][part], 3 * HORIZON
        old, between = np.flatnonzero(at <= HORIZON), np.flatnonzero(at > HORIZON)
        young = young_rows(at, known_at, np.ones(at.size), old, between, until)
        y = (known_at[old] != NEVER).astype(float)
        weight = stand_for(young.y, young.come, np.full(young.rows.size, y.mean()))
        one.append(y.mean())
        all_rows.append(np.average(np.concatenate([y, young.y]), weights=np.concatenate([np.ones(y.size), weight])))
    truth = 1 / (1 + np.exp(1.5))
    assert np.mean(all_rows) == pytest.approx(truth, rel=0.02)
    assert np.std(all_rows) < 0.85 * np.std(one)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 100) | st.none()), min_size=1, max_size=60),
    st.integers(150, 260),
)
def test_what_is_known_of_the_young_is_that_of_a_plain_loop(rows: list[tuple[int, int | None]], until: int) -> None:
    old_at = list(range(FEWEST))
    at = np.array([*old_at, *(when for when, _ in rows)])
    known = np.array([when + 1 + when % 50 for when in old_at] + [NEVER if d is None else w + d for w, d in rows])
    between = np.flatnonzero(np.arange(at.size) >= FEWEST)
    found = young_rows(at, known, np.ones(at.size), np.arange(FEWEST), between, until)
    delays = [1 + when % 50 for when in old_at]
    expected = []
    for place in between.tolist():
        come = sum(delay < until - at[place] for delay in delays) / FEWEST
        if come >= LEAST:
            expected.append((place, float(known[place] < until), come))
    told = list(zip(found.rows.tolist(), found.y.tolist(), found.come.tolist(), strict=True))
    assert told == pytest.approx(expected) if not expected else np.allclose(told, expected)
    assert found.too_young == between.size - len(expected)


def test_weights_have_the_mass_of_both_classes_in_the_end() -> None:
    chance, come = np.meshgrid(np.linspace(0.01, 0.95, 20), np.linspace(LEAST, 1.0, 20))
    positive, negative = (stand_for(np.full(chance.shape, y), come, chance) for y in (1.0, 0.0))
    assert np.allclose(chance * come * positive, chance)
    assert np.allclose((1 - chance * come) * negative, 1 - chance)


def test_too_few_outcomes_tell_no_delay() -> None:
    at = np.arange(100)
    with pytest.raises(TrainingError, match="0 outcomes among 90 rows"):
        young_rows(at, np.full(100, NEVER), np.ones(100), at[:90], at[90:], 100)
