"""The whole loop in one process: history, training, deploying, deciding, outcomes, reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.workspace.shop import SHOP, CustomerHistory, Order, OrderView, Return, Screen, SentBack, fill

import tidewheel as tw
from tidewheel.errors import ConflictError, NotFoundError, SchemaError
from tidewheel.workspace import Workspace


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Give a workspace with history and two versions."""
    with tw.open(":memory:", SHOP) as workspace:
        fill(workspace, tmp_path_factory.mktemp("history"))
        for seed in (0, 1):
            assert workspace.train(SentBack, seed=seed).deployable
        yield workspace


def one(identity: str, customer: str = "c1", amount: float = 50.0) -> Order:
    return Order(id=identity, customer=customer, category="toys", amount=amount)


def test_the_loop(trained: Workspace) -> None:
    assert [version.name for version in trained.versions(SentBack)] == ["SentBack@2", "SentBack@1"]
    assert trained.compare("SentBack@1", "SentBack@2").same_data
    trained.deploy("SentBack@1", service=Screen)
    before = trained.read(CustomerHistory, customer="c1").orders_30d
    answer = trained.decide(Screen, one("d1"))
    assert (answer.model, answer.fallback) == ("SentBack@1", "")
    assert answer.score is not None
    trained.append(Return(id="back-1", order="d1"))
    after = trained.read(CustomerHistory, customer="c1")
    assert (after.orders_30d - before, after.last_category) == (1, "toys")
    told = trained.why(answer.decision_id)
    assert told.replay.equal
    assert told.replay.score_equal
    assert told.features["customer.orders_30d"] == before, "a decision must not see its own event"
    assert trained.check_features(sample=0).differences == 0
    assert sum(period.decisions for period in trained.report(Screen).totals) == trained.decisions(Screen).num_rows


def test_the_same_event_gets_the_same_answer(trained: Workspace) -> None:
    trained.deploy("SentBack@1")
    first = trained.decide(Screen, one("same"))
    assert trained.decide(Screen, one("same", amount=1.0)) == first
    assert trained.decide("Screen", b'{"id":"same","customer":"c2","category":"toys","amount":2.0}') == first
    assert Counter(trained.decisions(Screen)["event_id"].to_pylist())["same"] == 1


def test_a_rule_comes_before_the_model(trained: Workspace) -> None:
    trained.deploy("SentBack@1")
    answer = trained.decide(Screen, one("huge", amount=20_000.0))
    assert (answer.decision, answer.rule, answer.score) == ("check", "huge", None)


def test_thresholds_are_turned_at_run_time(trained: Workspace) -> None:
    trained.deploy("SentBack@1")
    assert dict(trained.thresholds(Screen)) == {"ship": 0.0, "check": 0.5}
    trained.set_thresholds(Screen, {"check": 0.0001})
    assert trained.decide(Screen, one("turned-1")).decision == "check"
    trained.set_thresholds(Screen, {})
    assert dict(trained.thresholds(Screen))["check"] == 0.5


def test_a_canary_answers_its_share_and_keeps_its_units(trained: Workspace) -> None:
    trained.deploy("SentBack@1")
    trained.deploy("SentBack@2", canary=0.3)
    answers = [trained.decide(Screen, one(f"split-{k}", f"u{k % 200}")) for k in range(400)]
    assert [answer.model for answer in answers[:200]] == [answer.model for answer in answers[200:]]
    share = np.mean([answer.model == "SentBack@2" for answer in answers[:200]])
    assert 0.18 < share < 0.42
    assert {answer.arm for answer in answers} == {"champion", "challenger"}
    trained.rollback(SentBack)
    assert trained.decide(Screen, one("split-after", "u0")).model == "SentBack@1"


def test_deploy_and_rollback_move_a_pointer(trained: Workspace) -> None:
    trained.deploy("SentBack@1")
    trained.deploy("SentBack@2", cause="better")
    assert trained.decide(Screen, one("moved-1")).model == "SentBack@2"
    trained.rollback(Screen, cause="worse")
    assert trained.decide(Screen, one("moved-2")).model == "SentBack@1"
    moves = trained.status(history=True).history
    assert [(move.action, move.cause) for move in moves[:2]] == [("rollback", "worse"), ("deploy", "better")]


def test_live_features_equal_history_as_of_now(trained: Workspace) -> None:
    now = trained.stores.clock.now()
    for customer in ("c1", "c7", "c33", "nobody"):
        live = trained.read(CustomerHistory, customer=customer)
        assert live.as_dict() == trained.read(CustomerHistory, at=now, customer=customer).as_dict()


def test_a_view_is_point_in_time(trained: Workspace) -> None:
    table = trained.view(OrderView)
    rows = trained.history.scan("Order", ["id", "customer"])
    assert table.num_rows == rows.num_rows
    first = [rows["customer"].to_pylist().index(f"c{k}") for k in range(5)]
    assert [table["customer.orders_30d"][row].as_py() for row in first] == [0.0] * 5


def test_what_is_wrong_is_told(trained: Workspace) -> None:
    with pytest.raises(SchemaError, match="amount"):
        trained.append(Order(id="w1", customer="c1", category="toys", amount="dear"))  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="amount"):
        trained.decide(Screen, {"id": "w2", "customer": "c1", "category": "toys"})
    with pytest.raises(NotFoundError, match="Screen"):
        trained.decide("Scren", one("w3"))
    with pytest.raises(NotFoundError, match="did you mean 'SentBack'"):
        trained.train("SentBck")
    with pytest.raises(NotFoundError, match="no version SentBack@9"):
        trained.deploy("SentBack@9")
    assert not {"w1", "w2", "w3"} & set(trained.history.scan("Order", ["id"])["id"].to_pylist())


def test_a_second_event_class_with_the_same_name_is_no_event_of_the_project(trained: Workspace) -> None:
    class Parcel(tw.Event):
        id: tw.Id

    with pytest.raises(SchemaError, match="Parcel is no event of this project"):
        trained.append(Parcel(id="p1"))


def test_history_older_than_the_log_is_refused(trained: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "late.jsonl"
    file.write_text('{"id":"l1","at":"2001-01-01T00:00:00Z","customer":"c1","category":"toys","amount":1.0}\n')
    with pytest.raises(ConflictError, match="arrived now"):
        trained.ingest(str(file), Order)
