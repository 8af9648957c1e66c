"""Expectations on events, end to end: at the door, in files, in what was logged; alerts and results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.shop import done, tidewheel

import tidewheel as tw
from tidewheel.collect.quality.records import QUALITY
from tidewheel.errors import ExpectationError, SchemaError
from tidewheel.registry.alerts import list_alerts
from tidewheel.workspace import Workspace
from tidewheel.workspace.events.quality import ExpectationStatus

MOST = 5_000


class Reading(tw.Event):
    id: tw.Id
    meter: tw.Key
    value: float
    before: float | None
    unit: tw.Category


class ReadingQuality(tw.expect.Suite, on=Reading):
    possible = tw.expect.between(Reading.value, 0, MOST, policy="quarantine")
    meters = tw.expect.matches(Reading.meter, "m[0-9]+", policy="stop", tolerate=0.5)
    units = tw.expect.in_set(Reading.unit, ["kWh", "MWh"])
    told = tw.expect.null_rate(Reading.before, 0.5, rows=4)
    rising = tw.expect.increasing(Reading.value, by=Reading.meter)
    once = tw.expect.unique(Reading.meter, Reading.value, policy="quarantine")
    alive = tw.expect.fresh("1h")

    @tw.expect.check(Reading.value, Reading.before, policy="quarantine")
    def later(value, before):  # type: ignore[no-untyped-def]  # arrays in, array out
        return np.isnan(before) | (value >= before)


class ByMeter(tw.Features, by=Reading.meter):
    last_value = tw.last(Reading.value)


class Watch(tw.Service, on=Reading):
    rules = [tw.rule("high", Reading.value > 4_000, then="look")]
    decide = tw.thresholds(fine=0.0)


def reading(name: str, value: float, meter: str = "m1", unit: str = "kWh", before: float | None = None) -> Reading:
    return Reading(id=name, meter=meter, value=value, unit=unit, before=before)


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with tw.open(":memory:", [Reading, ReadingQuality, ByMeter, Watch]) as opened:
        yield opened


def status(workspace: Workspace) -> dict[str, ExpectationStatus]:
    return {found.expectation: found for found in workspace.quality(Reading)}


def alerts(workspace: Workspace) -> list[str]:
    return sorted(a.subject for a in list_alerts(workspace.stores.catalog, only_open=True) if a.kind == "quality")


def test_a_row_that_fails_is_put_aside_and_the_others_go_on(workspace: Workspace) -> None:
    outcomes = workspace.append([reading("a", 5.0), reading("b", -1.0), reading("c", 7.0, before=9.0)])
    assert [outcome.status for outcome in outcomes] == ["logged", "quarantined", "quarantined"]
    assert outcomes[1].reason == "value: found -1.0, expected 0 to 5000 (expectation 'possible')"
    bad = workspace.stores.log.bad_rows()
    assert [row.expectation for row in bad] == ["possible", "later"]
    found = status(workspace)
    assert [(found[name].rows, found[name].failing, found[name].quarantined) for name in ("possible", "later")] == [
        (2, 1, 1),
        (2, 1, 1),
    ]
    assert alerts(workspace) == ["later", "possible"]
    assert workspace.retry_quarantine("Reading") == (0, 2)


def test_a_batch_of_which_too_much_fails_is_stopped_and_kept(workspace: Workspace) -> None:
    rows = [reading("a", 1.0), reading("b", 2.0, meter="x"), reading("c", 3.0, meter="y")]
    outcomes = workspace.append(rows)
    assert [outcome.status for outcome in outcomes] == ["quarantined"] * 3
    assert "its batch was stopped by the expectation 'meters'" in outcomes[0].reason
    tolerated = workspace.append([reading("d", 1.0), reading("e", 2.0, meter="x")])
    assert [outcome.status for outcome in tolerated] == ["logged", "quarantined"]
    # Alone, the good row of the stopped batch is fine.
    assert workspace.retry_quarantine("Reading") == (1, 3)


def test_what_only_warns_is_seen_once_it_is_logged(workspace: Workspace) -> None:
    workspace.append([reading("a", 5.0, unit="m3"), reading("b", 4.0), reading("c", 4.0, meter="m2")])
    found = status(workspace)
    assert {name: found[name].failing for name in ("units", "rising", "told")} == {"units": 1, "rising": 1, "told": 3}
    last = found["told"].last
    assert last is not None
    assert not last.judged
    assert alerts(workspace) == ["rising", "units"]
    workspace.append([reading("d", 6.0)])
    assert alerts(workspace) == ["rising", "units"]
    again = status(workspace)
    assert (again["told"].batches, again["units"].rows, again["units"].breaches) == (2, 4, 1)
    assert alerts(workspace) == ["rising", "told", "units"]
    assert status(workspace) == again
    assert [a.times for a in list_alerts(workspace.stores.catalog) if a.subject == "units"] == [1]


def test_a_decision_is_held_to_single_rows(workspace: Workspace) -> None:
    workspace.deploy("Watch")
    good = {"id": "a", "meter": "m1", "value": 4500.0, "unit": "kWh"}
    assert workspace.decide(Watch, good).decision == "look"
    with pytest.raises(SchemaError, match="expected 0 to 5000"):
        workspace.decide(Watch, good | {"id": "b", "value": 9000.0})
    with pytest.raises(SchemaError, match="expectation 'meters'"):
        workspace.decide(Watch, json.dumps(good | {"id": "b", "meter": "q"}).encode())
    assert status(workspace)["units"].rows == 1


def file_of(folder: Path, rows: list[dict[str, object]]) -> str:
    file = folder / "readings.jsonl"
    file.write_text(
        "".join(json.dumps({"at": f"2026-01-01T00:00:{k:02}Z", **row}) + "\n" for k, row in enumerate(rows))
    )
    return str(file)


def row(name: str, value: float, meter: str = "m1") -> dict[str, object]:
    return {"id": name, "meter": meter, "value": value, "unit": "kWh", "before": None}


def test_a_file_is_a_batch(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row("a", 1.0), row("b", 1.0), row("c", 6000.0), row("d", 2.0), row("e", -1.0), row("f", 3.0)]
    summary = workspace.ingest(file_of(tmp_path, rows), Reading)
    assert (summary.accepted, summary.quarantined) == (3, 3)
    assert [(bad.expectation, bad.source) for bad in workspace.stores.log.bad_rows()] == [
        ("once", "readings.jsonl row 2"),
        ("possible", "readings.jsonl row 3"),
        ("possible", "readings.jsonl row 5"),
    ]
    found = status(workspace)
    assert (found["possible"].rows, found["possible"].quarantined, found["rising"].rows) == (5, 2, 3)
    assert workspace.ingest(file_of(tmp_path, rows), Reading).already
    assert status(workspace) == found


def test_a_file_that_is_stopped_takes_nothing_and_is_told(workspace: Workspace, tmp_path: Path) -> None:
    file = file_of(tmp_path, [row("a", 1.0), row("b", 2.0, "x"), row("c", 3.0, "y")])
    with pytest.raises(ExpectationError, match="2 of 3 rows of Reading fail the expectation 'meters', first row 2"):
        workspace.ingest(file, Reading)
    assert workspace.history.scan("Reading", ["id"]).num_rows == 0
    assert workspace.stores.log.bad_rows() == []
    assert alerts(workspace) == ["meters"]
    assert status(workspace)["meters"].breaches == 1


def test_results_are_events_that_go_to_the_lake(workspace: Workspace) -> None:
    workspace.append([reading("a", 5.0)])
    workspace.flush()
    before = workspace.history.scan(QUALITY, ["event", "expectation"])
    assert set(before["expectation"].to_pylist()) >= {"possible", "units", "alive"}
    workspace.flush()
    assert workspace.history.scan(QUALITY, []).num_rows == before.num_rows


PROJECT = """
import tidewheel as tw


class Reading(tw.Event):
    id: tw.Id
    value: float


class ReadingQuality(tw.expect.Suite, on=Reading):
    possible = tw.expect.between(Reading.value, 0, 10, policy="quarantine")
    alive = tw.expect.fresh("1h")
    usual = tw.expect.volume(weeks=3)
"""
HOUR, WEEK = 3_600_000_000, 168 * 3_600_000_000


def replayed(folder: Path) -> Path:
    (folder / "project.py").write_text(PROJECT)
    (folder / "tidewheel.toml").write_text('clock = "replay"\nmax_map = "64MB"\n')
    return folder


def test_freshness_and_volume_go_by_the_clock(tmp_path: Path) -> None:
    with tw.open(replayed(tmp_path)) as workspace:
        event = workspace.project.declaration("Reading")
        number = 0
        for week, count in enumerate((100, 104, 96, 10, 98)):
            workspace.advance(1000 * WEEK + week * WEEK + HOUR // 2)
            workspace.append([event(id=f"r{number + n}", value=1.0) for n in range(count)])
            number += count
            workspace.advance(1000 * WEEK + week * WEEK + HOUR + 1)
            workspace.quality()
            if week == 3:
                assert alerts(workspace) == ["usual"]
                workspace.advance(1000 * WEEK + week * WEEK + 3 * HOUR)
                assert {s.expectation: s.alert for s in workspace.quality()}["alive"]
        found = {s.expectation: s for s in workspace.quality()}
        assert (found["usual"].batches, found["usual"].breaches) > (1, 0)
        assert found["usual"].last is not None
        assert alerts(workspace) == []
        workspace.append([event(id="bad", value=99.0)])
        workspace.quality()
        workspace.advance(workspace.stores.clock.now() + HOUR // 2)
        workspace.append([event(id="ok1", value=9.0)])
        workspace.quality()
        assert alerts(workspace) == ["possible"]
        workspace.advance(workspace.stores.clock.now() + HOUR)
        workspace.append([event(id="ok2", value=9.0)])
        workspace.quality()
        assert "possible" not in alerts(workspace)


def test_the_command_shows_it(tmp_path: Path) -> None:
    folder = replayed(tmp_path)
    (folder / "tidewheel.toml").write_text('max_map = "64MB"\n')
    (folder / "r.csv").write_text("id,value,at\na,5,2026-01-01T00:00:00Z\nb,50,2026-01-01T00:00:01Z\n")
    done("ingest", str(folder / "r.csv"), "--as", "Reading", "--arrived", "now", folder=folder)
    shown = {found["expectation"]: found for found in done("quality", "--json", folder=folder).json}
    assert (shown["possible"]["rows"], shown["possible"]["quarantined"], shown["possible"]["alert"]) == (2, 1, True)
    assert "0 to 10" in done("quality", "Reading", folder=folder).out
    assert tidewheel("quality", "Reding", folder=folder).err.startswith("error: ")
    assert "quality" in done("status", folder=folder).out
