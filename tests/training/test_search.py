"""Search is repeatable, starts from what was declared, and survives trials that fail."""

from __future__ import annotations

import pytest

from tidewheel.definitions.models import Space, choice, int_range, log_range
from tidewheel.errors import TrainingError
from tidewheel.training.search import search

SPACE = {"leaves": int_range(2, 50), "rate": log_range(0.001, 1.0), "kind": choice("a", "b")}


def valley(p: dict) -> float:
    return abs(p["leaves"] - 20) + abs(p["rate"] - 0.1) * 10 + (p["kind"] == "a")


def test_same_seed_same_trials() -> None:
    one, two = (search(SPACE, {}, valley, trials=15, greater_is_better=False, seed=4) for _ in range(2))
    assert [(t.parameters, t.value) for t in one.trials] == [(t.parameters, t.value) for t in two.trials]
    assert one.best == two.best


def test_declared_parameters_are_tried_first_where_they_lie_inside() -> None:
    defaults = {"leaves": 31, "rate": 0.1, "kind": "b", "other": 3}
    found = search(SPACE, defaults, valley, trials=5, greater_is_better=False, seed=0)
    assert found.trials[0].parameters == {"leaves": 31, "rate": 0.1, "kind": "b"}
    outside = search(SPACE, {"leaves": 5000, "rate": None}, valley, trials=2, greater_is_better=False, seed=0)
    assert outside.trials[0].parameters["leaves"] <= 50


def test_greater_is_better_turns_the_search() -> None:
    found = search(SPACE, {}, lambda p: -valley(p), trials=10, greater_is_better=True, seed=1)
    assert max(t.value for t in found.trials if t.value is not None) == -valley(found.best)


def test_failed_trials_are_kept_and_skipped() -> None:
    def fragile(p: dict) -> float:
        if p["kind"] == "a":
            raise TrainingError("boom")
        return valley(p)

    found = search(SPACE, {"kind": "a"}, fragile, trials=12, greater_is_better=False, seed=0)
    assert found.trials[0].error == "boom"
    assert found.best["kind"] == "b"
    with pytest.raises(TrainingError, match="none of 3 trials succeeded: boom"):
        search({"kind": choice("a")}, {}, fragile, trials=3, greater_is_better=False, seed=0)


def test_a_time_limit_ends_the_search_after_at_least_one_trial() -> None:
    told: list[int] = []
    found = search(
        SPACE, {}, valley, trials=1000, greater_is_better=False, seed=0, limit=0.0, progress=lambda t, n: told.append(n)
    )
    assert len(found.trials) == 1
    assert told == [1000]


def test_an_unknown_range_is_named() -> None:
    strange = Space("zipf")  # type: ignore[arg-type]  # as a newer declaration might say
    with pytest.raises(TrainingError, match="unknown range 'zipf' for x"):
        search({"x": strange}, {}, lambda p: 0.0, trials=1, greater_is_better=False, seed=0)


def test_a_choice_may_be_of_any_objects() -> None:
    layers = choice((10,), (10, 5), None)
    found = search(
        {"layers": layers}, {"layers": None}, lambda p: len(p["layers"] or ()), trials=6, greater_is_better=True, seed=0
    )
    assert found.trials[0].parameters == {"layers": None}
    assert found.best["layers"] in layers.choices
