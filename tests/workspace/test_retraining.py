"""What has a model trained again, in a keeper over real stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from tests.workspace.shop import SHOP, Order, OrderView, Return, Screen, SentBack, fill

import tidewheel as tw
from tidewheel.errors import DefinitionError
from tidewheel.registry.runs.runs import finish_run, start_run
from tidewheel.rollout import RetrainLoop
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.schedule import Done, Later, Work
from tidewheel.workspace import Workspace
from tidewheel.workspace.rollouts.retraining import retrain_jobs

POLICY = tw.retrain("0 3 * * mon", tz="Europe/Stockholm", missed="skip", on_labels=3, on_age="1us")


class Comes(tw.Model):
    view = OrderView
    label = tw.happened(Return, within="14d")
    estimator = SentBack.estimator
    split = tw.temporal(test="20d")
    metrics = ["roc_auc"]
    retrain = POLICY


class Watch(tw.Service, on=Order):
    model = Comes
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.action("ship")]


DECLARED = [cls for cls in SHOP if cls not in (SentBack, Screen)] + [Comes, Watch]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with tw.open(":memory:", DECLARED) as workspace:
        fill(workspace, tmp_path_factory.mktemp("history"))
        workspace.train("Comes")
        workspace.deploy("Comes@1", service="Watch")
        yield workspace


Look = Callable[[int], str]


def jobs(workspace: Workspace) -> dict[str, tuple[Schedule, Work]]:
    return retrain_jobs(workspace, RetrainLoop(workspace.loop_view()), workspace.project.graph.models[0])


def looks(workspace: Workspace) -> dict[str, Look]:
    """Return the jobs' work by name, told as their history tells it."""

    def told(work: Work, due: int) -> str:
        did = work(due)
        return did.detail if isinstance(did, Done) else did

    return {name: partial(told, work) for name, (_, work) in jobs(workspace).items()}


def test_a_schedule_may_be_a_cron_expression(deployed: Workspace) -> None:
    schedule, _ = jobs(deployed)["retrain Comes"]
    assert (schedule.cron, schedule.tz, schedule.missed) == ("0 3 * * mon", "Europe/Stockholm", "skip")


@pytest.mark.parametrize(
    "wrong",
    [{"every": "hourly"}, {"every": "0 25 * * *"}, {"every": "0 3 * * *", "tz": "Mars"}, {"missed": "none"}, {},
     {"on_labels": -1}],
)  # fmt: skip
def test_what_is_no_schedule(wrong: dict[str, object]) -> None:
    with pytest.raises(DefinitionError):
        tw.retrain(**wrong)  # type: ignore[arg-type]


def test_labels_that_came_ask_for_a_training_once(deployed: Workspace) -> None:
    look = looks(deployed)["labels of Comes"]
    assert look(0).startswith("0 of 3 Return events since run")
    deployed.append([Order(id=f"n{number}", customer="c1", category="toys", amount=1.0) for number in range(3)])
    deployed.append([Return(id=f"b{number}", order=f"n{number}") for number in range(3)])
    before = len(deployed.runs("Comes"))
    assert deployed.runs("Comes").to_arrow()["status"].to_pylist() == ["done"] * before
    last = deployed.runs("Comes")[0].id
    assert look(0).startswith(f"3 new Return events since run {last}: ")
    assert deployed.runs("Comes")[0].cause == f"3 new Return events since run {last}"
    assert len(deployed.runs("Comes")) == before + 1
    assert look(0).startswith("0 of 3 Return events since run")
    deployed.rollback("Watch")


def test_old_data_asks_for_a_training(deployed: Workspace) -> None:
    assert looks(deployed)["age of Comes"](0).startswith("what was learnt from is 0.0 days old: a challenger")
    deployed.rollback("Watch")


def test_a_model_is_not_trained_twice_at_once(deployed: Workspace) -> None:
    run = start_run(deployed.stores.catalog, "Comes")
    found = looks(deployed)
    with pytest.raises(Later, match=f"run {run.id} of Comes is under way"):
        found["retrain Comes"](0)
    assert found["age of Comes"](0).endswith(f"not now: run {run.id} of Comes is under way")
    finish_run(deployed.stores.catalog, run.id, "failed")


def test_a_schedule_waits_while_others_train(deployed: Workspace) -> None:
    run = start_run(deployed.stores.catalog, "Another")
    retrain = looks(deployed)["retrain Comes"]
    with pytest.raises(Later, match=f"1 of at most 1 trainings are under way: {run.id} of Another"):
        retrain(0)
    finish_run(deployed.stores.catalog, run.id, "failed")
    assert retrain(0) == "a challenger runs as canary"
    assert deployed.runs("Comes")[0].cause == "0 3 * * mon Europe/Stockholm, due 1970-01-01T00:00:00+00:00"
