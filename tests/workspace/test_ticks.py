"""Ticks: for whom, when, each exactly once whatever is killed, and made for the past as they would have been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from tests.workspace.visits import (
    DAY,
    START,
    TONIGHT,
    VISITS,
    Activity,
    Nightly,
    Thanks,
    User,
    Visit,
    active,
    fill,
    visits,
)

import tidewheel as tw
from tidewheel.definitions import compile_declarations, ir
from tidewheel.errors import DefinitionError, InputError
from tidewheel.runtime.due import instant, next_due
from tidewheel.runtime.schedule import known_jobs
from tidewheel.storage.catalog.tables import jobs
from tidewheel.workspace import Workspace
from tidewheel.workspace.events.ticking import job_of, list_ticks, make_ticks, schedule_of, tick_rows
from tidewheel.workspace.opening import open_workspace
from tidewheel.workspace.processes.keeper import Keeper


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tidewheel.toml").write_text("")
    with open_workspace(tmp_path, VISITS) as ws:
        fill(ws, tmp_path)
    return tmp_path


@pytest.fixture
def ws(folder: Path) -> Iterator[Workspace]:
    with open_workspace(folder, VISITS) as workspace:
        yield workspace


def tick_of(ws: Workspace) -> ir.Tick:
    return ws.project.graph.ticks[0]


def logged(ws: Workspace) -> list[tuple[str, str, int]]:
    ws.sync()
    rows = ws.history.scan("Nightly", ["id", "user"]).to_pylist()
    return [(row["id"], row["user"], row["_at"]) for row in rows]


def test_whom_it_is_made_for_is_told_by_history_as_of_the_instant(ws: Workspace) -> None:
    for due in (TONIGHT - 90 * DAY, TONIGHT - 61 * DAY, TONIGHT):
        rows = tick_rows(ws.history, ws.project.graph, tick_of(ws), [due])
        assert rows["user"].to_pylist() == active(due)
    assert "u9" in active(TONIGHT - 90 * DAY)
    assert "u9" not in active(TONIGHT)
    assert not len(tick_rows(ws.history, ws.project.graph, tick_of(ws), [START])), "nobody was known before"
    ws.append(User(id="quiet"))
    now = ws.stores.clock.now() + 1
    assert "quiet" not in tick_rows(ws.history, ws.project.graph, tick_of(ws), [now])["user"].to_pylist()
    everyone = ir.Tick("Nightly", "User", "user", ir.When("daily"))
    assert "quiet" in tick_rows(ws.history, ws.project.graph, everyone, [now])["user"].to_pylist()


def test_ticks_are_put_in_the_log_or_decided_each_once(ws: Workspace) -> None:
    told = make_ticks(ws, tick_of(ws), TONIGHT)
    assert told.endswith("in the log")
    assert [user for _, user, _ in logged(ws)] == active(TONIGHT)
    assert {at for _, _, at in logged(ws)} == {TONIGHT}
    make_ticks(ws, tick_of(ws), TONIGHT)
    assert len(logged(ws)) == len(active(TONIGHT))
    ws.deploy("Thanks")
    later = next_due(schedule_of(tick_of(ws)), TONIGHT)
    for _ in range(2):
        assert make_ticks(ws, tick_of(ws), later).endswith("decided by Thanks")
    decided = ws.decisions(Thanks).to_pylist()
    assert sorted(row["event_id"].partition("@")[0] for row in decided) == active(later)
    assert {row["caller"] for row in decided} == {"tick Nightly"}
    by_user = {row["event_id"].partition("@")[0]: row["decision"] for row in decided}
    assert by_user["u1"] == "thank"
    assert by_user["u8"] == "nothing"
    assert ws.why(decided[0]["decision_id"]).replay.equal
    assert len(logged(ws)) == len(active(TONIGHT)) + len(active(later))


def test_the_scheduler_makes_them_when_they_are_due(ws: Workspace) -> None:
    keeper = Keeper(ws)
    try:
        assert "tick Nightly" in keeper.jobs
        assert known_jobs(ws.stores.catalog)["tick Nightly"] == schedule_of(tick_of(ws))
        assert [run.job for run in keeper.step()] == [], "new: due for the first time after now"
        (run,) = keeper.run_now("tick Nightly")
        assert run.status == "done"
        (status,) = list_ticks(ws.stores, ws.project.graph)
        assert status.last == run
        assert status.next > ws.stores.clock.now()
    finally:
        keeper.close()
    assert len(logged(ws)) > 0


@pytest.mark.parametrize(("what", "times"), [pytest.param("append", 1, marks=pytest.mark.slow), ("decide", 5)])
def test_killed_half_way_each_is_made_exactly_once(folder: Path, what: str, times: int) -> None:
    with open_workspace(folder, VISITS) as ws:
        ws.publish()
        keeper = Keeper(ws)
        keeper.close()
        with ws.stores.catalog.write() as connection:  # it was known before the last due instant
            mine = jobs.c.name == job_of(tick_of(ws))
            connection.execute(sa.update(jobs).where(mine).values(since=START))
        due = schedule_of(tick_of(ws))
    command = [sys.executable, str(Path(__file__).with_name("kill_ticks.py")), str(folder), what]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    killed = subprocess.run([*command, str(times)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    done = subprocess.run([*command, "1000000"], env=environment, check=True, capture_output=True, text=True)
    assert "tick Nightly done 2" in done.stdout
    with open_workspace(folder, VISITS) as ws:
        rows = logged(ws)
        assert len({at for _, _, at in rows}) == 1
        assert sorted(user for _, user, _ in rows) == active(rows[0][2])
        assert next_due(due, rows[0][2]) > ws.stores.clock.now() - 1_000_000
        if what == "decide":
            assert sorted(ws.decisions(Thanks)["event_id"].to_pylist()) == sorted(id for id, _, _ in rows)


def test_ticks_of_the_past_are_those_that_would_have_been(ws: Workspace) -> None:
    done = ws.make_ticks(Nightly, since=TONIGHT - 40 * DAY, until=TONIGHT - 30 * DAY)
    assert done.instants in (9, 10, 11)
    rows = logged(ws)
    dues = sorted({at for _, _, at in rows})
    assert len(dues) == done.instants
    for due in dues:
        assert sorted(user for _, user, at in rows if at == due) == active(due)
    seen = ws.view("UserView").to_pylist()
    for (_, user, at), row in zip(rows, seen, strict=True):
        counted = sum(1 for who, when, _ in visits() if who == user and at - 28 * DAY <= when < at)
        assert abs(row["user.visits_28d"] - counted) <= 1, "but for the window's edge"
    with pytest.raises(InputError, match="never due in the range after the newest one"):
        ws.make_ticks(Nightly, since=TONIGHT - 50 * DAY, until=TONIGHT - 30 * DAY)
    more = ws.make_ticks(Nightly, since=TONIGHT - 50 * DAY, until=TONIGHT - 25 * DAY)
    assert more.first > done.last
    assert len(logged(ws)) == done.made + more.made


def test_a_model_learns_from_ticks_and_scores_them_as_the_service_does(ws: Workspace) -> None:
    made = ws.make_ticks(Nightly, since=TONIGHT - 80 * DAY, until=TONIGHT - 2 * DAY)
    trained = ws.train("Coming")
    assert trained.version is not None
    rows = {row["event_id"]: row for row in ws.score(Nightly, "Coming@1", by=User).to_pylist()}
    assert len(rows) == made.made
    often, seldom = (np.mean([row["score"] for row in rows.values() if row["entity"] == who]) for who in ("u1", "u7"))
    assert often > 5 > 2 > seldom, "it has learned who comes how often"
    ws.deploy("Coming@1", force=True)
    before = ws.stores.clock.now()
    make_ticks(ws, tick_of(ws), TONIGHT)
    answers = {row["event_id"]: row["score"] for row in ws.decisions("Offer").to_pylist()}
    scores = ws.score(Nightly, "Coming@1", since=before, by=User)
    assert dict(zip(scores["event_id"].to_pylist(), scores["score"].to_pylist(), strict=True)) == answers
    assert sorted(scores["entity"].to_pylist()) == active(TONIGHT)


def test_on_a_replayed_clock_they_are_made_when_it_comes_to_them(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text('clock = "replay"\n')
    with open_workspace(tmp_path, VISITS) as ws:
        ws.advance(START)
        ws.deploy("Thanks")
        keeper = Keeper(ws)
        for number, (user, at, minutes) in enumerate(visits()[:40]):
            while ws.stores.clock.now() < at:
                ws.stores.clock.advance(at, wait=0)  # type: ignore[union-attr]  # a replayed one
                keeper.step()
            ws.append(Visit(id=f"v{number}", user=user, minutes=minutes, at=at))
        keeper.close()
        rows = ws.history.scan("Nightly", ["user"]).to_pylist()
        dues = sorted({row["_at"] for row in rows})
        assert len(dues) > 5
        for due in dues:
            assert sorted(row["user"] for row in rows if row["_at"] == due) == active(due)
        assert all(row["_arrived"] == row["_at"] for row in rows)
        assert ws.decisions(Thanks).num_rows == len(rows)


def test_days_on_which_clocks_change() -> None:
    """Sweden's clocks: on 29 March 2026 02:00-03:00 is skipped, on 25 October it comes twice."""
    daily = schedule_of(compile_declarations(Nightly).ticks[0])
    spring = next_due(daily, instant("2026-03-28T12:00:00+01:00"))
    assert spring == instant("2026-03-29T03:00:00+02:00")
    assert next_due(daily, spring) == instant("2026-03-30T02:00:00+02:00")
    autumn = next_due(daily, instant("2026-10-24T12:00:00+02:00"))
    assert autumn == instant("2026-10-25T02:00:00+02:00"), "the first of the two"
    assert next_due(daily, autumn) == instant("2026-10-26T02:00:00+01:00")


def test_what_every_means() -> None:
    def when(every: str) -> ir.When:
        class Other(tw.Tick, each=User, every=every, at="03:00"): ...

        return compile_declarations(Other).ticks[0].when

    assert when("7d").every == "weekly"
    assert when("monthly").every == "monthly"
    assert (when("1h").every, when("1h").interval) == ("interval", 3_600_000_000)
    assert when("0 3 * * mon").cron == "0 3 * * mon"
    for wrong in ("5h", "2d", "10s"):
        with pytest.raises(DefinitionError, match="no part of a day"):
            when(wrong)


def test_what_is_declared_wrongly_is_told() -> None:
    with pytest.raises(DefinitionError, match="for each what"):

        class Nobody(tw.Tick): ...

    class Extra(tw.Tick, each=User):
        user: tw.Ref[User]
        plan: tw.Category

    with pytest.raises(DefinitionError, match="holds its id and a reference"):
        compile_declarations(Extra)

    class Timeless(tw.Tick, each=User, at="25:00"): ...

    with pytest.raises(DefinitionError, match="no time of day"):
        compile_declarations(Timeless)

    class NoCondition(tw.Tick, each=User, where=Activity.visits_28d + 1): ...

    with pytest.raises(DefinitionError, match="no condition"):
        compile_declarations(NoCondition)
    assert Visit.user is not None
