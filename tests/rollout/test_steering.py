"""A rollout's life on a catalog and a lake: shadow, ramp, promotion, what guards take back and what they leave."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from decision_rows import HOUR
from fake_view import SERVICE, FakeView, decided, linear, together

import tidewheel as tw
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.predictors import sigmoid
from tidewheel.registry.pointers import deployments
from tidewheel.registry.pointers.deployments import Deployment, get_deployment, history
from tidewheel.registry.pointers.ramps import Ramp, Rollout, find_ramp
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.versions.versions import register
from tidewheel.rollout import Steering
from tidewheel.rollout.rules import GUARD
from tidewheel.rollout.shadow import AT_ONCE, SHADOWS, shadow_scores
from tidewheel.storage.catalog.notes import list_notes

RAMP = Ramp((0.1, 0.5, 1.0), hold=HOUR)


@pytest.fixture
def view(tmp_path: Path) -> Iterator[FakeView]:
    made = FakeView(tmp_path)
    made.deploy_first()
    for weight in (2.0, -1.0):
        version = register(made.catalog, "Fraud", run=start_run(made.catalog, "Fraud").id, bundle="b" * 64)
        made.bundles[version.name] = linear(weight)
    yield made
    made.catalog.close()


def pointer(view: FakeView) -> Deployment:
    return get_deployment(view.catalog, "Score")


def roll_out(view: FakeView, how: Rollout, version: str = "Fraud@2") -> Deployment:
    return deployments.roll_out(view.catalog, "Score", version, how, who="ada")


def serve(view: FakeView, n: int = 1200) -> None:
    """Let an hour pass in which so many decisions are made, the challenger's by the split that stands."""
    view.rows = decided(n, view.time, view.time + HOUR, split=view.split())
    view.time += HOUR


def failing(view: FakeView, n: int = 1200) -> None:
    """Let an hour pass in which the challenger answers nothing itself."""
    rows = decided(n, view.time, view.time + HOUR)
    own = np.array([view.split()(unit).name == "challenger" for unit in rows.decisions["unit"].to_pylist()])
    fallen = decided(n, view.time, view.time + HOUR, fallback="previous")
    view.rows = together(rows.take(~own), fallen.take(own))
    view.time += HOUR


# --- ramp ------------------------------------------------------------------------------------------


def test_a_ramp_goes_up_step_by_step_and_ends_in_a_promotion(view: FakeView) -> None:
    roll_out(view, Rollout("canary", 0.1, RAMP))
    steering = Steering(view)
    assert find_ramp(view.catalog, pointer(view)) == RAMP
    salt, shares = pointer(view).salt, []
    for _ in range(3):
        serve(view)
        shares.append(pointer(view).share)
        steering.step(SERVICE)
        assert pointer(view).salt in (salt, ""), "nobody changes sides"
    assert shares == [0.1, 0.5, 1.0]
    assert (pointer(view).champion, pointer(view).previous) == ("Fraud@2", "Fraud@1")
    told = [(move.action, move.who, move.cause) for move in history(view.catalog, "Score")]
    assert told[:3] == [
        ("promote", GUARD, "it kept to its guards at 100%"),
        ("ramp", GUARD, "it kept to its guards at 50%"),
        ("ramp", GUARD, "it kept to its guards at 10%"),
    ]


def test_a_step_lasts_its_time_and_asks_for_enough_rows(view: FakeView) -> None:
    roll_out(view, Rollout("canary", 0.1, RAMP))
    steering = Steering(view)
    serve(view)
    view.time -= HOUR // 2
    assert steering.step(SERVICE) == "Fraud@2 stays at 10%: for 1h at least"
    view.time += HOUR
    assert view.rows is not None
    view.rows = view.rows.take(np.arange(1200) < 200)
    assert "too few to say" in steering.step(SERVICE)
    assert pointer(view).share == 0.1


def test_a_challenger_that_fails_is_dropped_and_the_next_one_cools_down(view: FakeView) -> None:
    roll_out(view, Rollout("canary", 0.1, RAMP))
    steering = Steering(view)
    failing(view)
    assert steering.step(SERVICE).startswith("taken back: 100.0% of the units of Fraud@2 got a fallback")
    assert pointer(view).challenger == ""
    note = list_notes(view.catalog, kind="rollout.guard")[-1]
    assert (note.body["guard"], note.body["version"]) == ("fallbacks", "Fraud@2")
    roll_out(view, Rollout("canary", 0.1, msgspec.structs.replace(RAMP, hold=HOUR // 4)), "Fraud@3")
    serve(view, 3000)
    view.time -= HOUR // 2
    assert "cooling down for 30min after an automatic drop" in steering.step(SERVICE)
    view.time += HOUR // 2
    assert "raised to 50%" in steering.step(SERVICE)


def test_a_guard_that_is_declared_is_asked(view: FakeView) -> None:
    service = msgspec.structs.replace(SERVICE, guards=(tw.guard.divergence("1%"),))
    roll_out(view, Rollout("canary", 0.5), "Fraud@3")
    serve(view)
    assert "Fraud@3 differs from Fraud@1" in Steering(view).step(service)
    assert not pointer(view).challenger


def test_features_that_are_behind_hold_a_ramp_up(view: FakeView) -> None:
    service = msgspec.structs.replace(SERVICE, guards=(tw.guard.fresh("5min"),))
    roll_out(view, Rollout("canary", 0.1, RAMP))
    steering = Steering(view)
    serve(view)
    view.behind_by = {"Fraud@1": HOUR, "Fraud@2": HOUR}
    assert "behind the log" in steering.step(service)
    assert pointer(view).share == 0.1
    view.behind_by = {"Fraud@2": HOUR}
    assert steering.step(service).startswith("taken back")


def test_a_challenger_that_cant_be_loaded_is_taken_back(view: FakeView) -> None:
    roll_out(view, Rollout("canary", 0.1, RAMP))
    del view.bundles["Fraud@2"]
    assert Steering(view).step(SERVICE) == "taken back: Fraud@2 can't be loaded: Fraud@2 is damaged"


def test_an_ab_test_is_guarded_and_never_promoted(view: FakeView) -> None:
    roll_out(view, Rollout("ab", 0.5))
    steering = Steering(view)
    for _ in range(3):
        serve(view)
        assert steering.step(SERVICE) == "Fraud@2 keeps to its guards"
    assert (pointer(view).mode, pointer(view).share) == ("ab", 0.5)
    failing(view)
    assert steering.step(SERVICE).startswith("taken back")


def test_a_pointer_moved_meanwhile_is_left_alone(view: FakeView, monkeypatch: pytest.MonkeyPatch) -> None:
    roll_out(view, Rollout("canary", 0.1, RAMP))
    serve(view)
    decisions = view.decisions

    def moved(service: str, since: int, until: int, columns: Sequence[str] | None = None) -> pa.Table:
        deployments.rollback(view.catalog, "Score", who="ada")
        return decisions(service, since, until, columns)

    monkeypatch.setattr(view, "decisions", moved)
    assert "was moved meanwhile" in Steering(view).step(SERVICE)
    assert [move.who for move in history(view.catalog, "Score", limit=1)] == ["ada"]


def test_a_shadow_that_would_be_slow_raises_an_alert(view: FakeView, monkeypatch: pytest.MonkeyPatch) -> None:
    service = msgspec.structs.replace(SERVICE, guards=(tw.guard.latency("20ms"),))
    roll_out(view, Rollout("shadow"))
    steering = Steering(view)
    serve(view, 150)
    findings = {finding.guard: finding for finding in steering.findings(service, pointer(view))}
    assert findings["latency 20ms"].figures["rows"] == 150
    assert not findings["latency 20ms"].fired
    serve(view, 150)

    def slow(self: object, words: object, until: int = 0) -> float:
        time.sleep(0.021)
        return 0.5

    monkeypatch.setattr("tidewheel.serving.deciding.predictor.Scorer.__call__", slow)
    assert "alert: " in steering.step(service)
    assert [alert.subject for alert in list_alerts(view.catalog, "Score")] == ["latency 20ms"]
    assert pointer(view).challenger == "Fraud@2"


# --- champions -------------------------------------------------------------------------------------


def test_a_new_champion_that_fails_is_rolled_back_once_and_then_left_to_people(view: FakeView) -> None:
    frozen = pointer(view).service_version
    deployments.deploy(view.catalog, "Score", "Fraud@2", frozen, who="ada")
    deployments.deploy(view.catalog, "Score", "Fraud@3", frozen, who="ada")
    steering = Steering(view)
    view.rows = decided(500, view.time, view.time + HOUR, fallback="previous")
    view.time += HOUR
    assert steering.step(SERVICE).startswith("taken back: 100.0% of the units of Fraud@3")
    assert pointer(view).champion == "Fraud@2"
    view.rows = decided(500, view.time, view.time + HOUR, fallback="previous")
    view.time += HOUR
    assert steering.step(SERVICE) == "no rollout", "the one that was returned to is not new"
    assert pointer(view).champion == "Fraud@2"


def test_an_old_champion_is_not_watched(view: FakeView) -> None:
    deployments.deploy(view.catalog, "Score", "Fraud@2", pointer(view).service_version, who="ada")
    view.time += 25 * HOUR
    assert Steering(view).step(SERVICE) == "no rollout"


# --- shadows ---------------------------------------------------------------------------------------


def test_a_shadow_scores_each_decision_once_with_the_row_that_was_served(view: FakeView) -> None:
    roll_out(view, Rollout("shadow"))
    steering = Steering(view)
    serve(view, 300)
    steering.step(SERVICE)
    steering.step(SERVICE)
    assert view.rows is not None
    first = view.rows
    view.rows = together(first, decided(200, view.time, view.time + HOUR, first=300))
    view.time += HOUR
    steering.step(SERVICE)
    found = shadow_scores(view, pointer(view)).sort_by("decision_id")
    assert found["decision_id"].to_pylist() == [f"d{i:09d}" for i in range(500)]
    rows = view.rows.decisions.sort_by("decision_id")
    x = np.array([np.frombuffer(features)[0] for features in rows["features"].to_pylist()])
    np.testing.assert_array_equal(found["score"].to_numpy(), sigmoid(2.0 * x))  # NumPy's exp has other last bits
    assert pointer(view).share == 1.0
    assert pointer(view).champion == "Fraud@1"


def test_a_shadow_on_another_view_gets_rows_as_of_the_decisions(view: FakeView) -> None:
    view.bundles["Fraud@2"] = linear(0.01, view="v2")
    roll_out(view, Rollout("shadow"))
    serve(view, 50)
    Steering(view).step(SERVICE)
    found = shadow_scores(view, pointer(view)).sort_by("decision_id")["score"].to_numpy()
    np.testing.assert_allclose(found, 1.0 / (1.0 + np.exp(-0.01 * np.arange(50))))


def test_a_shadow_is_compared_also_where_no_guard_asks(view: FakeView) -> None:
    roll_out(view, Rollout("shadow"), "Fraud@3")
    view.rows = decided(400, view.time, view.time + HOUR, score=0.95)
    view.time += HOUR
    steering = Steering(view)
    assert steering.step(SERVICE) == "Fraud@3 keeps to its guards"
    failed, compared = steering.findings(SERVICE, pointer(view))
    assert (failed.guard, compared.guard, compared.fired) == ("fallbacks", "divergence", False)
    assert compared.figures["value"] > 0.9
    assert compared.said.endswith("of 400 decisions")


def test_a_shadow_of_a_share_scores_its_units(view: FakeView) -> None:
    roll_out(view, Rollout("shadow", 0.25))
    view.rows = decided(1200, view.time, view.time + HOUR)
    view.time += HOUR
    Steering(view).step(SERVICE)
    assert 200 < shadow_scores(view, pointer(view)).num_rows < 400


def test_a_shadow_that_differs_alerts_and_goes_on(view: FakeView) -> None:
    service = msgspec.structs.replace(SERVICE, guards=(tw.guard.divergence("5%"),))
    roll_out(view, Rollout("shadow"), "Fraud@3")
    view.rows = decided(2000, view.time, view.time + HOUR, score=0.95)
    view.time += HOUR
    steering = Steering(view)
    assert steering.step(service).startswith("alert: Fraud@3 differs from Fraud@1")
    assert [alert.subject for alert in list_alerts(view.catalog, "Score", only_open=True)] == ["divergence"]
    assert pointer(view).mode == "shadow"


def test_a_shadow_that_cant_score_alerts_and_catches_up_later(view: FakeView) -> None:
    roll_out(view, Rollout("shadow"))
    serve(view, 100)
    whole = view.bundles["Fraud@2"]
    view.bundles["Fraud@2"] = Bundle(msgspec.structs.replace(whole.manifest, columns=("x", "z")), whole.arrays)
    steering = Steering(view)
    steering.step(SERVICE)
    assert not view.lake.exists(SHADOWS)
    alerts = list_alerts(view.catalog, "Score", only_open=True)
    assert [alert.kind for alert in alerts] == ["shadow"]
    view.bundles["Fraud@2"] = whole
    steering.step(SERVICE)
    assert shadow_scores(view, pointer(view)).num_rows == 100
    assert not list_alerts(view.catalog, "Score", only_open=True)


def test_a_long_backlog_is_scored_in_parts(view: FakeView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidewheel.rollout.shadow.AT_ONCE", 40)
    assert AT_ONCE > 40
    roll_out(view, Rollout("shadow"))
    serve(view, 100)
    steering, seen = Steering(view), []
    for _ in range(4):
        steering.step(SERVICE)
        seen.append(shadow_scores(view, pointer(view)).num_rows)
    assert seen[-1] == 100
    assert len(set(seen)) == 3
