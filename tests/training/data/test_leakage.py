"""A column written after the outcome is found out; honest ones are left alone."""

from __future__ import annotations

import numpy as np

from tidewheel.training.data.leakage import suspicious

RNG = np.random.default_rng(2)
N = 4000
DELAY = RNG.exponential(12, N) - 5
LATE = (DELAY > 15).astype(float)
HONEST = LATE + RNG.normal(0, 1.0, N)


def test_the_delay_itself_is_caught_even_with_nulls_and_turned_round() -> None:
    some = np.where(RNG.random(N) < 0.3, np.nan, -DELAY)
    x = np.column_stack([HONEST, DELAY, some])
    found = suspicious(x, LATE, ["honest", "delay", "negative"], [], True)
    assert [finding.column for finding in found] == ["delay", "negative"]
    assert "known when the row happens?" in str(found[0])


def test_a_column_filled_only_after_the_outcome_is_caught() -> None:
    landed = np.where(LATE == 1.0, RNG.random(N), np.nan)
    found = suspicious(landed[:, None], LATE, ["landed"], [], True)
    assert found[0].evidence["by_null"] > 0.99
    assert "whether it is null" in str(found[0])


def test_a_category_that_is_the_answer_is_caught_but_many_levels_are_not() -> None:
    answer = np.where(LATE == 1.0, RNG.integers(0, 3, N), RNG.integers(3, 9, N)).astype(float)
    many = np.arange(N, dtype=float)  # an id: one level a row knows its own label only in-sample
    found = suspicious(np.column_stack([answer, many]), LATE, ["answer", "id"], [0, 1], True)
    assert [finding.column for finding in found] == ["answer"]


def test_numbers_that_copy_the_label() -> None:
    x = np.column_stack([DELAY * 2 + 1, DELAY + RNG.normal(0, 10, N), np.full(N, 3.0)])
    assert [f.column for f in suspicious(x, DELAY, ["copy", "noisy", "constant"], [], False)] == ["copy"]


def test_large_sets_are_sampled_alike_each_time() -> None:
    y = np.tile([0.0, 1.0], 60_000)
    x = np.column_stack([y, RNG.normal(size=120_000)])
    assert suspicious(x, y, ["a", "b"], [], True, seed=1) == suspicious(x, y, ["a", "b"], [], True, seed=1)
