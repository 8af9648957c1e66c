"""The loop's states: no canary, a canary that is watched, a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from decision_rows import DAY, HOUR
from fake_view import POLICY, SERVICE, FakeView, decided, graph, linear, together

from tidewheel.definitions import ir
from tidewheel.definitions.ir.ranking import Top
from tidewheel.errors import NotReadyError, TrainingError
from tidewheel.outcomes import Lists, Status
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.pointers import deployments
from tidewheel.registry.pointers.deployments import Deployment, get_deployment
from tidewheel.registry.runs.runs import Verdict
from tidewheel.rollout import RetrainLoop
from tidewheel.rollout.rules import GUARD, LOOP
from tidewheel.storage.catalog.notes import list_notes


@pytest.fixture
def view(tmp_path: Path) -> Iterator[FakeView]:
    made = FakeView(tmp_path)
    made.deploy_first()
    yield made
    made.catalog.close()


def kinds(view: FakeView) -> list[str]:
    loop = ("retrain.", "canary.")
    return [note.kind for note in list_notes(view.catalog) if note.kind.startswith(loop)]


def pointer(view: FakeView) -> Deployment:
    return get_deployment(view.catalog, "Score")


def start(view: FakeView, weight: float) -> RetrainLoop:
    """Start a canary of a version that scores by `weight`, and let three days and its rows pass."""
    view.next_bundle = linear(weight)
    loop = RetrainLoop(view)
    assert loop.retrain("Fraud", "monthly schedule")
    view.rows = decided(1500, view.time, view.time + 3 * DAY, split=view.split())
    view.time += 3 * DAY
    return loop


def test_a_challenger_as_good_is_promoted(view: FakeView) -> None:
    loop = start(view, 3.0)
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "promote"
    assert judgement.evidence["rows"] == 1500
    assert pointer(view).champion == "Fraud@2"
    assert pointer(view).previous == "Fraud@1"
    assert kinds(view) == ["retrain.started", "canary.promote"]
    assert loop.watch(SERVICE) is None, "there is no canary any more"


def test_a_worse_challenger_is_rolled_back(view: FakeView) -> None:
    judgement = start(view, -1.0).watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "rollback"
    assert "worse than Fraud@1 in average_precision on the same 1500 decisions" in judgement.reason
    assert pointer(view).champion == "Fraud@1"
    assert not pointer(view).challenger
    assert kinds(view)[-1] == "canary.rollback"


def test_a_canary_runs_for_its_time(view: FakeView) -> None:
    loop = start(view, 2.0)
    view.time -= HOUR
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "wait"
    assert pointer(view).challenger == "Fraud@2"


def test_a_canary_of_lists_is_judged_by_its_lists(view: FakeView) -> None:
    loop, service = start(view, 2.0), msgspec.structs.replace(SERVICE, ranking=ir.Ranking("Item", (), Top(2)))
    assert view.rows is not None
    n = view.rows.decisions.num_rows
    of_list, rank = np.repeat(np.arange(n), 2), np.tile([1, 2], n)
    ours = np.array(view.rows.decisions["model"].to_pylist()) == "Fraud@2"
    label = np.where(rank == np.where(ours, 1, 2)[of_list], 1.0, 0.0)
    view.shown = Lists(of_list, pa.array(["a", "b"] * n), rank, label, 2, view.rows)
    policy = msgspec.structs.replace(POLICY, metric="mean_reciprocal_rank")
    view.graph = graph(policy)
    judgement = loop.watch(service)
    assert judgement is not None
    assert (judgement.verdict, judgement.evidence["gain"]) == ("promote", 0.5)
    assert pointer(view).champion == "Fraud@2"


def test_nothing_is_promoted_after_an_automatic_rollback_until_a_person_acts(view: FakeView) -> None:
    loop = RetrainLoop(view)
    deployments.deploy(view.catalog, "Score", "Fraud@1", pointer(view).service_version)
    view.next_bundle = linear(3.0)
    assert loop.retrain("Fraud", "monthly schedule")
    deployments.promote(view.catalog, "Score", who=LOOP)
    deployments.rollback(view.catalog, "Score", who=GUARD)
    view.start_by = LOOP
    assert loop.retrain("Fraud", "monthly schedule")
    view.rows = decided(1500, view.time, view.time + 3 * DAY, split=view.split())
    view.time += 3 * DAY
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert (judgement.verdict, "a person must act first" in judgement.reason) == ("wait", True)
    deployments.canary(view.catalog, "Score", "Fraud@3", 0.3, who="ada")
    view.rows = decided(1500, view.time, view.time + 3 * DAY, split=view.split())
    view.time += 3 * DAY
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "promote"


def test_without_outcomes_a_canary_is_given_up_in_the_end(view: FakeView) -> None:
    loop = start(view, 2.0)
    assert view.rows is not None
    view.rows.status[100:] = Status.PENDING
    first = loop.watch(SERVICE)
    assert first is not None
    assert first.verdict == "wait"
    assert "100 outcomes are known, 200 are needed" in first.reason
    view.time += 6 * DAY
    last = loop.watch(SERVICE)
    assert last is not None
    assert last.verdict == "rollback"


def test_a_challenger_that_falls_back_is_rolled_back_at_once(view: FakeView) -> None:
    loop = RetrainLoop(view)
    loop.retrain("Fraud", "monthly schedule")
    split = view.split()
    calm = decided(600, view.time, view.time + HOUR, split=split, challenger="Fraud@1", fallback="previous")
    own = np.array([split(unit).name == "challenger" for unit in calm.decisions["unit"].to_pylist()])
    fine = decided(600, view.time, view.time + HOUR)
    view.rows = together(calm.take(own), fine.take(~own))
    view.time += HOUR
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "rollback"
    assert "100.0% of the units of Fraud@2 got a fallback, 0.0% of the champion's" in judgement.reason


def test_a_challenger_that_cant_be_loaded_is_rolled_back(view: FakeView) -> None:
    loop = start(view, 2.0)
    del view.bundles["Fraud@2"]
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "rollback"
    assert "can't be loaded: Fraud@2 is damaged" in judgement.reason


def test_nothing_is_trained_while_a_canary_runs(view: FakeView) -> None:
    loop = start(view, 2.0)
    assert not loop.retrain("Fraud", "monthly schedule")
    assert len(view.trained) == 1


def test_no_challenger_without_a_version_that_passes(view: FakeView) -> None:
    loop = RetrainLoop(view)
    view.training_fails = TrainingError("no row has a label yet")
    assert not loop.retrain("Fraud", "monthly schedule")
    view.training_fails, view.gates = None, [Verdict("at_least", False, "0.1 < 0.3")]
    assert not loop.retrain("Fraud", "monthly schedule")
    view.gates, view.canary_fails = [], NotReadyError("its features have not caught up")
    assert not loop.retrain("Fraud", "monthly schedule")
    assert kinds(view)[1::2] == ["retrain.failed", "retrain.refused", "canary.failed"]
    assert not pointer(view).challenger


def test_a_pointer_that_was_moved_meanwhile_is_left_alone(view: FakeView, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = start(view, 3.0)
    bundle = view.bundle

    def moved(version: str) -> object:
        if pointer(view).challenger:
            deployments.rollback(view.catalog, "Score", cause="somebody was quicker")
        return bundle(version)

    monkeypatch.setattr(view, "bundle", moved)
    judgement = loop.watch(SERVICE)
    assert judgement is not None
    assert judgement.verdict == "wait"
    assert pointer(view).champion == "Fraud@1"


def test_without_a_policy_nothing_happens(tmp_path: Path) -> None:
    view = FakeView(tmp_path, graph(None))
    view.deploy_first()
    loop = RetrainLoop(view)
    assert not loop.retrain("Fraud", "a wish")
    assert loop.watch(SERVICE) is None
    assert loop.look_for_drift(SERVICE) == []
    view.catalog.close()


def test_before_the_first_deployment_nothing_happens(tmp_path: Path) -> None:
    view = FakeView(tmp_path)
    loop = RetrainLoop(view)
    assert not loop.retrain("Fraud", "monthly schedule")
    assert loop.look_for_drift(SERVICE) == []
    view.catalog.close()


# --- drift -----------------------------------------------------------------------------------------

WEEK = 7 * DAY


def served(view: FakeView, **lately: float) -> None:
    """Let four calm weeks pass, then one as told, and its outcomes mature."""
    calm = decided(2000, view.time, view.time + 4 * WEEK)
    moved = decided(500, view.time + 4 * WEEK, view.time + 5 * WEEK, first=2000, seed=1, **lately)  # type: ignore[arg-type]  # numbers
    view.rows = together(calm, moved)
    view.time += 5 * WEEK


def alerts(view: FakeView) -> list[str]:
    return sorted(alert.subject for alert in list_alerts(view.catalog, "Score", only_open=True))


def test_calm_weeks_raise_nothing(view: FakeView) -> None:
    served(view)
    assert RetrainLoop(view).look_for_drift(SERVICE) == []
    assert alerts(view) == []
    assert view.trained == []


def test_a_feature_that_moved_is_told_but_not_answered(view: FakeView) -> None:
    served(view, at_y=2.0)
    moved = RetrainLoop(view).look_for_drift(SERVICE)
    assert [found.feature for found in moved] == ["y"]
    assert alerts(view) == ["y"]
    assert view.trained == []


def test_scores_that_moved_bring_a_challenger(view: FakeView) -> None:
    served(view, at_x=1.5, risk=-3.0)
    RetrainLoop(view).look_for_drift(SERVICE)
    assert alerts(view) == ["(score)", "x"]
    assert len(view.trained) == 1
    assert "its scores moved" in view.trained[0]
    assert pointer(view).challenger == "Fraud@2"


def test_outcomes_that_moved_bring_a_challenger(view: FakeView) -> None:
    served(view, risk=2.0)
    view.time += DAY  # the last day's outcomes mature
    RetrainLoop(view).look_for_drift(SERVICE)
    assert alerts(view) == ["(outcome)"]
    assert "outcomes moved from 0.5" in view.trained[0]


def test_drift_is_answered_once_in_two_windows(view: FakeView) -> None:
    served(view, at_x=1.5, risk=-3.0)
    loop = RetrainLoop(view)
    view.gates = [Verdict("at_least", False, "")]
    loop.look_for_drift(SERVICE)
    view.time += DAY
    loop.look_for_drift(SERVICE)
    assert len(view.trained) == 1
    loop.retrain("Fraud", "monthly schedule")
    assert len(view.trained) == 2, "the schedule is not held up by it"
    view.time += 13 * DAY
    view.rows = decided(500, view.time - WEEK, view.time, at_x=1.5, seed=3)
    loop.look_for_drift(SERVICE)
    assert len(view.trained) == 3


def test_an_alert_closes_when_the_column_comes_back(view: FakeView) -> None:
    served(view, at_y=2.0)
    loop = RetrainLoop(view)
    loop.look_for_drift(SERVICE)
    view.time += WEEK
    view.rows = decided(500, view.time - WEEK, view.time, first=9000)
    loop.look_for_drift(SERVICE)
    assert alerts(view) == []


def test_a_policy_without_drift_tells_and_trains_nothing(tmp_path: Path) -> None:
    view = FakeView(tmp_path, graph(ir.Retrain("monthly")))
    view.deploy_first()
    served(view, at_x=1.5, risk=-3.0)
    RetrainLoop(view).look_for_drift(SERVICE)
    assert alerts(view) == ["(score)", "x"]
    assert view.trained == []
    view.catalog.close()
