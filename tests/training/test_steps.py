"""Steps that were done are not done again, and what comes of it is what a fresh run would give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from training_world import DAY, NOW, at, payments, world

from tidewheel.metrics import metric
from tidewheel.registry.runs.runs import Metric, get_run
from tidewheel.registry.runs.steps import StepRecord, step_records
from tidewheel.storage.log.records import NewEvent
from tidewheel.training import TrainingContext, TrainResult, train
from tidewheel.training.execute import Settings, _learner, plan_of
from tidewheel.training.keys import step_key
from tidewheel.training.outputs import forget_all
from tidewheel.training.retries import Retry
from tidewheel.training.steps import Steps

NAMES = ["validate", "data", "split", "fit", "evaluate", "gates", "register"]
KEPT = {"data", "fit", "evaluate"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments(800)) as found:
        yield found


def steps(context: TrainingContext, result: TrainResult) -> dict[str, StepRecord]:
    return {record.step: record for record in step_records(context.catalog, result.run_id)}


def reused(context: TrainingContext, result: TrainResult) -> set[str]:
    return {name for name, record in steps(context, result).items() if record.reused}


def predictions(context: TrainingContext, result: TrainResult) -> str:
    return get_run(context.catalog, result.run_id).artifacts["predictions"]


def measured(result: TrainResult) -> list[Metric]:
    return [found for found in result.metrics if found.split in ("test", "train", "baseline")]


@pytest.mark.parametrize("model", ["Fraud", "Linear", "Neighbours", "Tuned"])
def test_what_is_reused_equals_what_is_computed(context: TrainingContext, model: str) -> None:
    first, second = train(context, model), train(context, model)
    fresh = train(context, model, cache=False)
    assert reused(context, first) == reused(context, fresh) == set()
    assert reused(context, second) == KEPT | ({"tune"} if model == "Tuned" else set())
    assert predictions(context, first) == predictions(context, second) == predictions(context, fresh)
    assert measured(first) == measured(second) == measured(fresh)
    told = steps(context, second)["data"]
    assert told.reused == first.run_id
    assert f"reused from run {first.run_id}" in told.detail
    assert "same definitions, same labels, same history up to offset" in told.detail


def test_every_step_is_recorded_in_order(context: TrainingContext) -> None:
    found = step_records(context.catalog, train(context, "Fraud", cache=False).run_id)
    assert [record.step for record in found] == NAMES
    assert {record.status for record in found} == {"done"}
    assert {record.step for record in found if record.output} == KEPT


def test_another_seed_learns_anew_on_the_same_data(context: TrainingContext) -> None:
    train(context, "Fraud", seed=1)
    assert reused(context, train(context, "Fraud", seed=2)) == {"data"}


def test_a_changed_declaration_learns_anew_on_the_same_data(context: TrainingContext) -> None:
    train(context, "Fraud")
    changed = [
        msgspec.structs.replace(model, calibrate="platt") if model.name == "Fraud" else model
        for model in context.graph.models
    ]
    other = replace(context, graph=msgspec.structs.replace(context.graph, models=tuple(changed)))
    assert reused(context, train(other, "Fraud")) == {"data"}


def test_a_changed_feature_makes_other_data(context: TrainingContext) -> None:
    train(context, "Fraud")
    views = [msgspec.structs.replace(v, columns=v.columns[:-1]) for v in context.graph.views if v.name == "PaymentView"]
    others = [v for v in context.graph.views if v.name != "PaymentView"]
    graph = msgspec.structs.replace(context.graph, views=(*views, *others))
    assert reused(context, train(replace(context, graph=graph), "Fraud")) == set()


def test_time_alone_makes_no_other_data_but_a_label_that_matures_does(context: TrainingContext) -> None:
    first = train(context, "Fraud")
    assert "data" in reused(context, train(at(context, NOW + 1), "Fraud"))
    earlier = train(context, "Fraud", as_of=NOW - 20 * DAY)
    assert reused(context, earlier) == set()
    assert earlier.counts["labelled"] < first.counts["labelled"]


def test_a_new_event_makes_other_data(tmp_path: Path) -> None:
    events = payments(600)
    with world(tmp_path, events[:-1]) as context:
        first = train(context, "Linear")
        context.history._log.append([_later(events[-1])], now=NOW)
        second = train(context, "Linear")
        assert reused(context, second) == set()
        assert predictions(context, second) == predictions(context, train(context, "Linear", cache=False))
        assert first.run_id != second.run_id


def _later(event: NewEvent) -> NewEvent:
    return NewEvent(event.type, event.id, NOW - 1, event.columns, NOW - 1)


def test_outputs_that_are_gone_are_computed_again(context: TrainingContext) -> None:
    before = train(context, "Fraud")
    assert forget_all(context.catalog, context.artifacts) > 0
    after = train(context, "Fraud")
    assert reused(context, after) == set()
    assert predictions(context, before) == predictions(context, after)


def test_a_damaged_output_is_computed_again(context: TrainingContext) -> None:
    first = train(context, "Linear", seed=5)
    path = context.artifacts.get(steps(context, first)["fit"].output)
    path.chmod(0o644)
    path.write_bytes(b"something else")
    assert "fit" not in reused(context, train(context, "Linear", seed=5))


def test_a_step_is_tried_again_and_says_so(context: TrainingContext) -> None:
    run = train(context, "Linear").run_id
    told: list[str] = []
    tried: list[int] = []

    def unsteady() -> int:
        tried.append(1)
        if len(tried) < 3:
            raise ConnectionError("gone")
        return 7

    found = Steps(context.catalog, run, lambda what, share: told.append(what))
    assert found.run("unsteady", unsteady, retry=Retry(5, 0.0)) == 7
    assert step_records(context.catalog, run)[-1].attempts == 3
    assert "unsteady: attempt 1 failed (gone); again" in told
    with pytest.raises(ConnectionError):
        found.run("hopeless", _fail, retry=Retry(2, 0.0))
    last = step_records(context.catalog, run)[-1]
    assert (last.status, last.attempts) == ("failed", 2)


def _fail() -> None:
    raise ConnectionError("gone")


def test_a_run_tells_of_its_own_search_also_where_its_fit_is_reused(context: TrainingContext) -> None:
    found = {trials: train(context, "Tuned", trials=trials, seed=21) for trials in (1, 2, 3)}
    assert any("fit" in reused(context, result) for result in found.values())
    for trials, result in found.items():
        assert get_run(context.catalog, result.run_id).parameters["trials"] == trials


def test_a_default_learner_depends_on_what_the_metrics_are_of(context: TrainingContext) -> None:
    model, settings = context.model("Fraud"), Settings(NOW, 0, 0, 1, 0)
    of = {
        task: _learner(
            context, model, settings, replace(plan_of(context, model, settings, True, ""), metric=metric(task))
        )
        for task in ("brier", "log_loss", "rmse")
    }
    assert step_key("fit", of["brier"]) == step_key("fit", of["log_loss"]) != step_key("fit", of["rmse"])
