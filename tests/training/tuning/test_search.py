"""Search is repeatable, starts from what was declared, goes on where it was cut off, and survives trials that fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.definitions.ir import Tune
from tidewheel.definitions.models.tuning import Space, choice, float_range, int_range, log_range
from tidewheel.engine import LocalEngine
from tidewheel.errors import TrainingError
from tidewheel.registry.runs.trials import Trial
from tidewheel.training.tuning.search import Search, search
from tidewheel.training.tuning.watch import Watch

SPACE = {"leaves": int_range(2, 50), "rate": log_range(0.001, 1.0), "kind": choice("a", "b")}


def valley(p: Mapping[str, Any], watch: Watch) -> float:
    value = abs(p["leaves"] - 20) + abs(p["rate"] - 0.1) * 10 + (p["kind"] == "a")
    for step in range(1, 9):
        if watch.report(step, value + 8 - step):
            break
    return value


def run(how: Tune, *, seed: int = 0, defaults: Any = None, objective: Any = valley, **other: Any) -> Search:
    given = {"greater_is_better": False, **other}
    return search(given.pop("space", SPACE), defaults or {}, objective, how=how, seed=seed, **given)


def told(found: Search) -> list[Any]:
    return [(t.number, t.parameters, t.value, t.state, t.steps) for t in found.trials]


HOWS = [
    Tune(trials=14),
    Tune(trials=14, pruner="median"),
    Tune(trials=14, sampler="random", parallel=3),
    Tune(trials=14, pruner="median", parallel=3),
    Tune(trials=14, pruner="hyperband", parallel=2),
    Tune(trials=12, sampler="grid"),
    Tune(trials=12, sampler="cmaes", parallel=2),
]


@pytest.mark.parametrize("how", HOWS, ids=lambda how: f"{how.sampler}-{how.pruner or 'none'}-{how.parallel}")
def test_same_seed_same_trials(how: Tune) -> None:
    one, two = run(how, seed=4), run(how, seed=4, engine=LocalEngine(1))
    assert told(one) == told(two)
    assert one.best == two.best
    assert [point.best for point in one.summary.history] == [point.best for point in two.summary.history]


@settings(deadline=None, max_examples=8)
@given(how=st.sampled_from(HOWS), seed=st.integers(0, 5), cut=st.integers(0, 14))
def test_a_search_that_was_cut_off_proposes_what_it_would_have(how: Tune, seed: int, cut: int) -> None:
    whole = run(how, seed=seed)
    known = {trial.number: trial for trial in whole.trials[:cut]}
    asked: list[Any] = []

    def counted(p: Mapping[str, Any], watch: Watch) -> float:
        asked.append(p)
        return valley(p, watch)

    resumed = run(how, seed=seed, known=known, objective=counted)
    assert told(resumed) == told(whole)
    assert len(asked) == max(0, len(whole.trials) - cut)


def test_what_an_engine_runs_it_proposes_no_otherwise() -> None:
    how = Tune(trials=9, pruner="median", parallel=3)
    assert told(run(how, engine=LocalEngine(3))) == told(run(how))


def test_declared_parameters_are_tried_first_where_they_lie_inside() -> None:
    defaults = {"leaves": 31, "rate": 0.1, "kind": "b", "other": 3}
    for sampler in ("tpe", "grid"):
        found = run(Tune(trials=5, sampler=sampler), defaults=defaults)
        assert found.trials[0].parameters == {"leaves": 31, "rate": 0.1, "kind": "b"}
    outside = run(Tune(trials=2), defaults={"leaves": 5000, "rate": None})
    assert outside.trials[0].parameters["leaves"] <= 50


def test_greater_is_better_turns_the_search() -> None:
    found = run(Tune(trials=10), seed=1, objective=lambda p, w: -valley(p, w), greater_is_better=True)
    assert max(t.value for t in found.trials if t.value is not None) == -valley(found.best, Watch())
    assert found.summary.direction == "maximize"


def test_failed_trials_are_kept_and_skipped() -> None:
    def fragile(p: Mapping[str, Any], watch: Watch) -> float:
        if p["kind"] == "a":
            raise TrainingError("boom")
        return valley(p, watch)

    found = run(Tune(trials=12), defaults={"kind": "a"}, objective=fragile)
    assert (found.trials[0].error, found.trials[0].state) == ("boom", "failed")
    assert found.best["kind"] == "b"
    assert found.summary.counts["failed"] >= 1
    with pytest.raises(TrainingError, match="none of 3 trials succeeded: boom"):
        run(Tune(trials=3), space={"kind": choice("a")}, objective=fragile)


def test_a_value_that_is_no_number_is_a_failure() -> None:
    found = run(Tune(trials=3), objective=lambda p, w: 1.0 if p["kind"] == "a" else float("nan"))
    assert {t.error for t in found.trials if t.state == "failed"} <= {"its value is nan"}
    with pytest.raises(TrainingError, match="its value is inf"):
        run(Tune(trials=2), objective=lambda p, w: float("inf"))


def test_a_time_limit_ends_the_search_after_at_least_one_trial() -> None:
    told: list[int] = []
    found = run(Tune(trials=1000, limit=1), progress=lambda trial, asked, best: told.append(asked))
    assert len(found.trials) == 1
    assert told == [1000]
    assert found.summary.stopped == "time limit"


def test_no_gain_ends_the_search() -> None:
    found = run(Tune(trials=100, sampler="random", patience=5), defaults={"leaves": 20, "rate": 0.1, "kind": "b"})
    assert len(found.trials) == 6  # the declared one is the best there is
    assert found.summary.stopped == "no gain in 5 trials"
    assert found.summary.best == 0


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_bad_trials_are_ended_early(pruner: Any, parallel: int) -> None:
    found = run(Tune(trials=30, sampler="random", pruner=pruner, parallel=parallel), seed=3)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.value is None and len(trial.steps) > 0 for trial in pruned)
    assert found.summary.counts["pruned"] == len(pruned)
    assert found.summary.history[-1].best == min(t.value for t in found.trials if t.value is not None)


def test_a_grid_is_walked_once() -> None:
    space: dict[str, Space] = {"depth": int_range(1, 3), "kind": choice("a", "b"), "rate": log_range(0.01, 1.0)}
    found = run(Tune(trials=100, sampler="grid"), space=space, objective=lambda p, w: p["depth"] + p["rate"])
    points = [(t.parameters["depth"], t.parameters["kind"], t.parameters["rate"]) for t in found.trials]
    assert len(set(points)) == len(points) < 100
    assert {depth for depth, _, _ in points} == {1, 2, 3}
    assert {0.01, 1.0} <= {rate for _, _, rate in points}
    assert found.summary.stopped == "every point of the grid was tried"
    declared = {"depth": 2, "kind": "b", "rate": 1.0}
    again = run(Tune(trials=100, sampler="grid"), space=space, defaults=declared, objective=lambda p, w: p["rate"])
    assert [trial.parameters for trial in again.trials].count(declared) == 1
    assert len(again.trials) == len(points)


def test_importance_finds_what_matters() -> None:
    space: dict[str, Space] = {"much": float_range(-1, 1), "little": float_range(-1, 1)}
    found = run(Tune(trials=60), space=space, objective=lambda p, w: p["much"] ** 2 + 0.001 * p["little"])
    assert found.summary.importance["much"] > 0.8
    assert sum(found.summary.importance.values()) == pytest.approx(1.0)


def test_a_record_of_another_search_is_refused() -> None:
    other = Trial(0, {"leaves": 1, "rate": 0.5, "kind": "a"}, 1.0, 0.1)
    with pytest.raises(TrainingError, match="can't be gone on with"):
        run(Tune(trials=3), known={0: other})


def test_an_unknown_range_is_named() -> None:
    strange = Space("zipf")  # type: ignore[arg-type]  # as a newer declaration might say
    with pytest.raises(TrainingError, match="unknown range 'zipf' for x"):
        run(Tune(trials=1), space={"x": strange})


def test_a_choice_may_be_of_any_objects() -> None:
    space = {"layers": choice((10,), (10, 5), None)}
    found = run(
        Tune(trials=6), space=space, defaults={"layers": None},
        objective=lambda p, w: -len(p["layers"] or ()),
    )  # fmt: skip
    assert found.trials[0].parameters == {"layers": None}
    assert found.best["layers"] in space["layers"].choices
