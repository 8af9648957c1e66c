"""Candidates made ahead: a tick's lists are kept, taken while they are young enough, and missed aloud."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from examples.movies import project
from examples.movies.generate import world, write

import tidewheel as tw
from tidewheel.registry.alerts import list_alerts
from tidewheel.runtime.lease import Lease
from tidewheel.serving.deciding.answers import Answer
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.lists import StoredList, lists_id, put_lists
from tidewheel.workspace.events.ticking import make_ticks
from tidewheel.workspace.scores.kept_lists import keep_lists, list_jobs, wanted_lists
from tidewheel.workspace.scores.staleness import look_for_stale, staleness_jobs
from tidewheel.workspace.workspace import Workspace

ROWS = world(datetime.now(UTC) - timedelta(days=3), users=24, movies=90, requests=300)
NIGHT = "stored(Overnight)"
HOUR = 3_600_000_000


class Morning(project.Morning):
    """With time enough on a busy machine."""

    deadline = "60s"


class Steady(project.Steady):
    deadline = "60s"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder: Path = tmp_path_factory.mktemp("movies")
    write(folder, ROWS)
    with tw.open(":memory:", [Morning, Steady, project.Ranker]) as opened:
        for name in ROWS:
            opened.ingest(str(folder / f"{name}.parquet"), name)
        opened.sync()
        opened.train("Ranker")
        for service in ("Overnight", "Morning", "Steady"):
            opened.deploy("Ranker@1", service=service)
        yield opened


@pytest.fixture(scope="module")
def kept(workspace: Workspace) -> str:
    """Make a night's lists, and bring them to where they are read."""
    graph = workspace.project.graph
    (tick,), (wanted,) = graph.ticks, wanted_lists(graph)
    assert "24 of User" in make_ticks(workspace, tick, workspace.stores.clock.now())
    return keep_lists(workspace, wanted, 0)


def asked(workspace: Workspace, service: str, id: str, user: str = "u1", **more: str) -> tuple[Answer, DecisionRecord]:
    answer = workspace.decide(service, {"id": id, "user": user, **more})
    return answer, workspace.serving.finder.by_id(answer.decision_id)


def put(workspace: Workspace, user: str, age: int, items: list[str]) -> None:
    """Keep a list of some age in place of what there is."""
    stores, state_id = workspace.stores, lists_id("Overnight", "User")
    with Lease.acquire(stores.layout.leases / "scores", "a test") as lease:
        writer = stores.scores.writer(0, lease.token)
        put_lists(writer, state_id, {user: StoredList(stores.clock.now() - age, "D1", items)}, 1)
        writer.close()


def test_a_night_s_list_is_the_morning_s_candidates(workspace: Workspace, kept: str) -> None:
    assert kept == "24 lists of Overnight kept by User"
    answer, record = asked(workspace, "Morning", "a1")
    assert {item.source for item in answer.items} == {NIGHT}
    assert answer.age is not None
    assert 0 < answer.age < 600
    assert record.stored == "fresh"
    night = workspace.serving.finder.by_id(record.stored_run)
    assert (night.service, night.inputs["user"]) == ("Overnight", "u1")
    assert {item.id for item in answer.items} <= {item.id for item in night.items}
    assert record.stages[0].name == NIGHT
    told = workspace.why(answer.decision_id)
    assert told.replay.equal
    assert told.replay.score_equal
    again = keep_lists(workspace, wanted_lists(workspace.project.graph)[0], 0)
    assert again == "0 lists of Overnight kept by User", "the same look again keeps nothing"


def test_without_a_young_list_live_sources_are_asked(workspace: Workspace, kept: str) -> None:
    answer, record = asked(workspace, "Morning", "b1", user="nobody")
    assert (record.stored, answer.age) == ("missing", None)
    assert answer.items
    assert NIGHT not in {item.source for item in answer.items}
    assert [stage.note for stage in record.stages[:2]] == ["missing", ""]
    put(workspace, "old", 40 * HOUR, ["m1", "m2"])
    answer, record = asked(workspace, "Morning", "b2", user="old")
    assert (record.stored, record.stored_run) == ("stale", "D1")
    assert record.stored_age > 36 * HOUR
    assert {"m1", "m2"} != {item.id for item in answer.items}
    put(workspace, "young", HOUR, ["m2", "m1"])
    assert sorted(item.id for item in asked(workspace, "Morning", "b3", user="young")[0].items) == ["m1", "m2"]


def test_a_list_stands_in_where_live_sources_give_nothing(workspace: Workspace, kept: str) -> None:
    answer, record = asked(workspace, "Steady", "c1", movie="m7")
    assert record.stored == ""
    assert {item.source for item in answer.items} == {"nearest(Movie.embedding)"}
    answer, record = asked(workspace, "Steady", "c2")
    assert record.stored == "fresh"
    assert {item.source for item in answer.items} == {NIGHT}
    answer, record = asked(workspace, "Steady", "c3", user="nobody")
    assert (record.stored, answer.items) == ("missing", ())


def test_what_was_served_of_kept_lists_replays(workspace: Workspace, kept: str) -> None:
    for k in range(8):
        asked(workspace, "Morning", f"d{k}", user=f"u{k}")
    for service in ("Overnight", "Morning"):
        found = workspace.check_features(service=service, sample=0)
        assert found.checked
        assert found.differences == 0


def test_too_many_misses_raise_an_alert(workspace: Workspace, kept: str) -> None:
    service, graph = workspace.service("Morning"), workspace.project.graph
    assert set(staleness_jobs(workspace, graph)) == {"stored scores Morning", "stored scores Steady"}
    assert set(list_jobs(workspace, graph)) == {"lists Overnight by User"}
    for k in range(30):
        asked(workspace, "Morning", f"e{k}", user=f"stranger {k}")
    assert "without" in look_for_stale(workspace, service, 0)
    (alert,) = [alert for alert in list_alerts(workspace.stores.catalog) if alert.kind == "stored"]
    assert "found no stored list young enough" in alert.message
    assert alert.service == "Morning"
    assert any(one.kind == "stored" for one in workspace.status().alerts)
