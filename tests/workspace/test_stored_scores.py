"""Services that use scores computed ahead: their age to the microsecond, the version they are of, what stands in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.workspace.shop import DAY, SHOP, START, Customer, Order, SentBack, fill

import tidewheel as tw
from tidewheel.definitions import compile_declarations, ir
from tidewheel.errors import DefinitionError
from tidewheel.registry.alerts import list_alerts
from tidewheel.serving.deciding.stored import StoredScores
from tidewheel.serving.observing.metrics import Metrics
from tidewheel.storage.scores import put_scores, read_score, scores_id
from tidewheel.storage.state.lmdb_state import StateStore
from tidewheel.workspace import Workspace
from tidewheel.workspace.opening import open_workspace
from tidewheel.workspace.scores.staleness import FEWEST, look_for_stale


class Ahead(tw.Service, on=Order):
    """Takes a score of the last year where there is one; computes it where there is none."""

    model = tw.batch.scores(SentBack, by=Customer, max_age="365d")
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.action("ship")]
    deadline = "5s"


class Ruled(tw.Service, on=Order):
    """Rules before a stored score; without one, the fallback chain and an older score."""

    rules = [tw.rule("huge", Order.amount > 10_000, then="check")]
    model = tw.batch.scores(SentBack, by=Order.customer, max_age="1h", otherwise="fallback")
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.batch.scores(SentBack, by=Customer, max_age="365d", any_version=True), tw.action("check")]
    deadline = "5s"


DECLARED = [*SHOP, Ahead, Ruled]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("stored")
    (folder / "tidewheel.toml").write_text("")
    with open_workspace(folder, DECLARED) as workspace:
        fill(workspace, folder)
        workspace.train("SentBack")
        workspace.deploy("SentBack@1", force=True)
        yield workspace


def decide(ws: Workspace, service: Any, number: int, customer: str = "c1", amount: float = 30.0) -> tuple[Any, Any]:
    given = Order(id=f"{service.__name__}{number}", customer=customer, category="toys", amount=amount)
    answer = ws.decide(service, given)
    return answer, ws.serving.find(answer.decision_id)


def test_a_stored_score_answers_and_says_so(ws: Workspace) -> None:
    live, record = decide(ws, Ahead, 0)
    assert (record.stored, record.stored_run, live.age) == ("missing", "", None)
    done = ws.score_run(Order, "SentBack@1", by=Customer, online=True, service=Ahead, until=START + 120 * DAY)
    newest = {row["entity"]: row for row in ws.scores("SentBack", done.run).to_pylist()}["c1"]
    answer, record = decide(ws, Ahead, 1)
    assert (answer.score, answer.model, answer.fallback) == (newest["score"], "SentBack@1", "")
    assert answer.decision == newest["decision"]
    assert (record.stored, record.stored_run) == ("fresh", done.run)
    assert record.stored_age == record.arrived - newest["instant"]
    assert answer.age == record.stored_age / 1e6
    assert (record.features, record.states) == (b"", []), "nothing was read"
    told = ws.why(answer.decision_id)
    assert (told.stored, told.stored_run, told.replay.done) == ("fresh", done.run, False)
    assert ws.serving.metrics.total("stored", "Ahead", "fresh") == 1
    assert ws.serving.metrics.total("stored", "Ahead", "missing") == 1
    nobody, record = decide(ws, Ahead, 2, customer="c999")
    assert (record.stored, nobody.fallback) == ("missing", "")
    assert nobody.score is not None, "computed live"


def test_rules_come_before_and_the_chain_after(ws: Workspace) -> None:
    answer, record = decide(ws, Ruled, 0, amount=20_000.0)
    assert (answer.rule, answer.decision, answer.age) == ("huge", "check", None)
    answer, record = decide(ws, Ruled, 1)
    assert (answer.fallback, record.stored) == ("stored", "fresh"), "too old for the model, young enough for the chain"
    assert answer.reason.startswith("stale: the stored score of SentBack@1 is")
    assert answer.model == "SentBack@1"
    assert len(record.features) > 0, "read for the rules"
    assert ws.why(answer.decision_id).replay.equal
    answer, record = decide(ws, Ruled, 2, customer="c999")
    assert (answer.fallback, answer.decision, record.stored) == ("action", "check", "missing")


def test_another_versions_scores_are_not_used_unless_declared(ws: Workspace) -> None:
    before, _ = decide(ws, Ruled, 10)
    ws.train("SentBack", seed=1, new=True)
    ws.deploy("SentBack@2", force=True)
    try:
        moved, record = decide(ws, Ahead, 10)
        assert (moved.model, record.stored) == ("SentBack@2", "missing"), "computed live by the new version"
        other, record = decide(ws, Ruled, 11)
        assert (other.model, other.score, record.bundle) == ("SentBack@1", before.score, ""), "any version will do"
    finally:
        ws.rollback("Ahead")
        ws.rollback("Ruled")
    back, record = decide(ws, Ahead, 11)
    assert (back.model, record.stored) == ("SentBack@1", "fresh"), "a rollback finds its scores again"


def test_scores_of_versions_that_nothing_points_at_are_dropped(ws: Workspace) -> None:
    def kept(version: str) -> bool:
        return read_score(ws.stores.scores, scores_id(version, "Customer"), "c1") is not None

    assert kept("SentBack@1")
    for seed in (2, 3):
        trained = ws.train("SentBack", seed=seed, new=True)
        ws.score_run(Order, str(trained.version), by=Customer, online=True, until=START + 60 * DAY)
        assert kept(str(trained.version))
    newest, before = (ws.versions("SentBack")[place].name for place in (0, 1))
    assert kept(newest)
    assert not kept(before), "never deployed"
    assert kept("SentBack@1"), "deployed"


def test_a_killed_models_stored_scores_answer_nothing(ws: Workspace) -> None:
    ws.kill("SentBack")
    try:
        for service in (Ahead, Ruled):
            answer, _ = decide(ws, service, 20)
            assert (answer.fallback, answer.score) == ("action", None)
    finally:
        ws.unkill("SentBack")


def test_an_alert_stands_while_too_many_find_none(ws: Workspace) -> None:
    service = ws.service(Ahead)
    for number in range(100, 100 + FEWEST):
        decide(ws, Ahead, number, customer="c998")
    assert "missing" in look_for_stale(ws, service, 0)
    (alert,) = list_alerts(ws.stores.catalog, "Ahead", only_open=True)
    assert (alert.kind, alert.subject) == ("stored", "SentBack")
    for number in range(200, 200 + 12 * FEWEST):
        decide(ws, Ahead, number)
    look_for_stale(ws, service, 0)
    assert not list_alerts(ws.stores.catalog, "Ahead", only_open=True)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore.open(tmp_path / "scores", 1)
    yield store
    store.close()


def test_the_greatest_age_is_inclusive(kept: StateStore) -> None:
    import pyarrow as pa

    writer = kept.writer(0)
    rows = pa.table(
        {"entity": ["c1", "c1", None, "c2"], "instant": [1000, 900, 950, 1], "score": [0.25, 0.5, 0.1, None]}
    )
    assert put_scores(writer, "M", 3, "Customer", "00ff00ff00ff00ff", rows) == 1, (
        "the newest, of an entity, with a score"
    )
    writer.close()
    stored = StoredScores(kept, ir.Stored(("customer",), "Customer", max_age=60), "M@3")
    read, found = stored.look({"customer": "c1"}, 1060)
    assert (read.kind, read.age, read.run) == ("fresh", 60, "00ff00ff00ff00ff")
    assert found is not None
    assert (found.score, stored.name_of(found)) == (0.25, "M@3")
    read, found = stored.look({"customer": "c1"}, 1061)
    assert (read.kind, read.age, found) == ("stale", 61, None)
    for key in ("c2", None):
        assert stored.look({"customer": key}, 1000)[0].kind == "missing"
    other = StoredScores(kept, ir.Stored(("customer",), "Customer", max_age=60), "M@4")
    assert other.look({"customer": "c1"}, 1000)[0].kind == "missing", "of another version"
    assert scores_id("M@3", "Customer") != scores_id("M@3", "Order")


def test_the_plan_says_what_is_taken(ws: Workspace) -> None:
    told = {declared.name: declared.score for declared in ws.plan().declared if declared.kind == "service"}
    assert told["Ahead"] == "scores stored by Customer, at most 365d old; else SentBack"
    assert told["Ruled"] == "scores stored by Customer, at most 1h old; else the fallback chain"


def test_what_is_declared_wrongly_is_told(ws: Workspace) -> None:
    class Odd(tw.Service, on=Order):
        model = tw.batch.scores(SentBack, by=Order.amount, max_age="1d")

    with pytest.raises(DefinitionError, match="holds a string"):
        compile_declarations(Odd)

    class Elsewhere(tw.Service, on=Order):
        model = tw.batch.scores(SentBack, by=Elsewhere_, max_age="1d")

    with pytest.raises(DefinitionError, match="no path leads"):
        compile_declarations(Elsewhere)
    assert Metrics(0).total("stored") == 0


class Elsewhere_(tw.Entity):
    id: tw.Id
