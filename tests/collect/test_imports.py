from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from collect_sources import CARD, DISPUTE, NOON
from collect_world import DAY, NOW, World, payments, write_csv, write_parquet

from tidewheel.collect.checking.values import zone_named
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.errors import ConflictError, FileError, LeaseError
from tidewheel.runtime.lease import Lease
from tidewheel.storage.log.records import NewEvent

COLUMNS = ["id", "card", "amount", "country"]


def test_a_file_becomes_history_in_order_of_arrival(world: World, tmp_path: Path) -> None:
    table = payments(1000)
    shuffled = table.take(pa.array(random.Random(1).sample(range(1000), 1000)))
    summary = world.ingest(write_parquet(tmp_path / "p.parquet", shuffled))
    assert (summary.rows, summary.accepted, summary.duplicates, summary.quarantined) == (1000, 1000, 0, 0)
    found = world.history.scan("Payment", COLUMNS)
    assert found["_offset"].to_pylist() == list(range(1, 1001))
    assert found["_arrived"].to_pylist() == sorted(found["_arrived"].to_pylist())
    assert found["_at"] == found["_arrived"]
    assert sorted(found["id"].to_pylist()) == sorted(table["id"].to_pylist())
    assert found["_id"].to_pylist() == found["id"].to_pylist()


def test_rows_that_arrive_together_keep_the_order_of_the_file(world: World, tmp_path: Path) -> None:
    table = payments(100)
    world.ingest(write_parquet(tmp_path / "p.parquet", table.set_column(4, "at", pa.array([NOON] * 100))))
    assert world.history.scan("Payment", COLUMNS)["id"].to_pylist() == table["id"].to_pylist()


def test_the_same_file_again_does_nothing(world: World, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", payments(10))
    first = world.ingest(path)
    again = world.ingest(path.rename(tmp_path / "other-name.parquet"))
    assert again.already
    assert (again.rows, again.accepted, again.offset) == (first.rows, first.accepted, first.offset)
    assert len(world.history.scan("Payment", COLUMNS)) == 10


def test_ids_are_taken_once_within_files_across_files_and_from_the_log(world: World, tmp_path: Path) -> None:
    table = payments(10)
    summary = world.ingest(write_parquet(tmp_path / "a.parquet", pa.concat_tables([table, table.slice(3, 2)])))
    assert (summary.rows, summary.accepted, summary.duplicates) == (12, 10, 2)
    later = payments(5, first=8, start=NOON + DAY)
    summary = world.ingest(write_parquet(tmp_path / "b.parquet", later))
    assert (summary.accepted, summary.duplicates) == (3, 2)
    event = NewEvent("Payment", "t12", at=NOW, columns={})
    assert world.log.append([event], now=NOW)[0].status == "duplicate"
    found = world.history.scan("Payment", COLUMNS)
    assert found["id"].to_pylist() == [f"t{i}" for i in range(13)]


def test_bad_rows_are_put_aside_once_and_the_good_ones_go_in(world: World, tmp_path: Path) -> None:
    rows = [["id", "card", "amount", "country", "at"], ["t1", "c1", "2.5", "SE", "2013-01-01T00:00:00Z"]]
    rows += [["t2", "c1", "lots", "SE", "2013-01-01T00:00:00Z"], ["t3", "c1", "1"], ["t4", "", "1", "SE", "2013-01-01"]]
    path = write_csv(tmp_path / "p.csv", [*rows, ["t5", "c1", "1e9", "SE", "2999-01-01T00:00:00Z"]])
    summary = world.ingest(path)
    assert (summary.rows, summary.accepted, summary.quarantined) == (5, 1, 4)
    world.ingest(path)
    reasons = {row.source: row.reason for row in world.log.bad_rows()}
    assert len(world.log.bad_rows()) == 4
    assert reasons["p.csv row 2"] == "amount: expected a number, found text 'lots'"
    assert reasons["p.csv row 3"] == "3 cells where the header has 5"
    assert "card: missing; at: time 2013-01-01T00:00:00 has no zone" in reasons["p.csv row 4"]
    assert "; 5 minutes are allowed" in reasons["p.csv row 5"]


def test_times_a_little_ahead_are_taken_as_of_now_and_counted(world: World, tmp_path: Path) -> None:
    table = payments(1, start=NOW + 1_000_000)
    assert world.ingest(write_parquet(tmp_path / "p.parquet", table)).clamped == 1
    assert world.history.scan("Payment", [])["_at"].to_pylist() == [NOW]


def test_history_older_than_the_log_is_refused_whole_with_the_remedy(world: World, tmp_path: Path) -> None:
    world.log.append([NewEvent("Payment", "live", at=NOW, columns={"amount": 1.0})], now=NOW)
    path = write_parquet(tmp_path / "p.parquet", payments(10))
    with pytest.raises(ConflictError, match="--arrived now"):
        world.ingest(path)
    assert len(world.history.scan("Payment", ["amount"])) == 1
    summary = world.ingest(path, arrived="now", now=NOW + 5)
    assert (summary.first_arrived, summary.last_arrived) == (NOW + 5, NOW + 5)
    found = world.history.scan("Payment", ["amount"])
    assert found["_at"].to_pylist()[1:] == payments(10)["at"].cast(pa.int64()).to_pylist()


def test_a_column_may_say_when_each_row_was_known(world: World, tmp_path: Path) -> None:
    table = payments(4).append_column("loaded", pa.array([NOON + DAY - i for i in range(4)]))
    summary = world.ingest(write_parquet(tmp_path / "p.parquet", table), options=FileOptions(arrived_column="loaded"))
    assert summary.first_arrived == NOON + DAY - 3
    assert world.history.scan("Payment", [])["_id"].to_pylist() == ["t3", "t2", "t1", "t0"]


def test_an_entitys_table_holds_from_the_beginning_and_may_be_ingested_again(world: World, tmp_path: Path) -> None:
    rows: list[list[object]] = [["id", "issued_in"], ["c1", "SE"], ["c2", ""]]
    assert world.ingest(write_csv(tmp_path / "a.csv", rows), CARD).accepted == 2
    summary = world.ingest(write_csv(tmp_path / "b.csv", [*rows[:2], ["c2", "NO"]]), CARD)
    assert (summary.accepted, summary.duplicates) == (1, 1)
    found = world.history.scan("Card", ["id", "issued_in"])
    assert found.select(["id", "issued_in"]).to_pylist() == [
        {"id": "c1", "issued_in": "SE"},
        {"id": "c2", "issued_in": None},
        {"id": "c2", "issued_in": "NO"},
    ]
    assert found["_at"].to_pylist() == [0, 0, 0]


def test_rows_without_an_id_are_known_by_file_and_row(world: World, tmp_path: Path) -> None:
    table = pa.table({"payment": ["t1", "t1"], "at": [NOON, NOON]})
    assert world.ingest(write_parquet(tmp_path / "d.parquet", table), DISPUTE).accepted == 2
    ids = world.history.scan("Dispute", ["payment"])["_id"].to_pylist()
    assert [name[-2:] for name in ids] == ["-1", "-2"]


def test_mapping_zone_and_dropped_columns(world: World, tmp_path: Path) -> None:
    table = payments(1).drop_columns(["at", "amount"])
    table = table.append_column("eur", pa.array([7])).append_column("when", pa.array(["2013-10-27 02:30"]))
    path = write_parquet(tmp_path / "p.parquet", table.append_column("rest", pa.array([0])))
    options = FileOptions(mapping={"amount": "eur", "at": "when"}, zone=zone_named("Europe/Stockholm"))
    summary = world.ingest(path, options=options)
    assert (summary.accepted, summary.repeated, summary.dropped) == (1, 1, ("rest",))
    assert world.history.scan("Payment", ["amount"])["amount"].to_pylist() == [7.0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["id", "card", "amount", "at"]], "no column 'country'"),
        ([["id", "card", "amount", "country"], ["a", "b", "1", "c"]], "no column says when each Payment happened"),
    ],
)
def test_a_file_without_a_needed_column_is_refused(world: World, tmp_path: Path, rows: Any, said: str) -> None:
    with pytest.raises(FileError, match=said):
        world.ingest(write_csv(tmp_path / "p.csv", rows))


def test_a_file_of_no_rows_is_an_import_of_nothing(world: World, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "p.csv", [["id", "card", "amount", "country", "at"]])
    assert world.ingest(path).rows == 0
    assert world.ingest(path).already
    for note in (world.folder / "imports").glob("*.json"):
        note.write_bytes(b"")  # a power loss may leave it so
    assert world.ingest(path).already
    assert len(world.history.scan("Payment", COLUMNS)) == 0


def test_two_at_once_take_a_file_once(world: World, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", payments(50_000))
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(world.ingest(path).already)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True, True]
    assert len(world.history.scan("Payment", [])) == 50_000


def test_a_second_import_says_who_holds_the_first(world: World, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", payments(5))
    lease = Lease.acquire(world.folder / "imports" / "Payment.lease", "tidewheel ingest --as Payment")
    with lease, pytest.raises(LeaseError, match=str(os.getpid())):
        world.ingest(path, wait=0.05)


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from collect_world import World, NOW
import tidewheel.collect.importing.imports as imports
world, path, point = World(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
if point == "before the lake":
    world.lake.write_import = die
elif point == "before the record":
    world.log.append_import = die
elif point == "in quarantine":
    real, calls = world.log.append, []
    def second(*a, **k):
        calls.append(1)
        return real(*a, **k) if len(calls) == 1 else die()
    imports._BAD_ROWS_AT_ONCE = 3
    world.log.append = second
elif point == "before the note":
    imports._note_summary = die
print("ready", flush=True)
world.ingest(path, arrived=sys.argv[4], now=NOW + int(sys.argv[5]))
print("done", flush=True)
"""


def run_and_kill(world: World, path: Path, point: str, arrived: str = "at", later: int = 0) -> None:
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    arguments = [sys.executable, "-c", script, str(world.folder), str(path), point, arrived, str(later)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if point.startswith("after"):
            time.sleep(float(point.split()[1]))
            process.kill()
        process.wait(60)
        if not point.startswith("after"):
            assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("arrived", ["at", "now"])
@pytest.mark.parametrize("point", ["before the lake", "before the record", "in quarantine", "before the note"])
def test_killed_at_each_point_the_same_command_goes_on(world: World, tmp_path: Path, point: str, arrived: str) -> None:
    lines: list[list[object]] = [["id", "card", "amount", "country", "at"]]
    lines += [[f"t{i}", "c", "x" if i % 4 == 0 else i, "SE", "2013-01-01T00:00:00Z"] for i in range(40)]
    path = write_csv(tmp_path / "p.csv", lines)
    run_and_kill(world, path, point, arrived)
    summary = world.ingest(path, arrived=arrived, now=NOW + 10)
    assert summary.already == (point == "before the note")
    assert (summary.accepted, len(world.log.imports())) == (30, 1)
    assert world.history.scan("Payment", [])["_id"].to_pylist() == [f"t{i}" for i in range(40) if i % 4]
    assert len(world.log.bad_rows()) == 10


def test_killed_at_random_nothing_is_lost_or_doubled(world: World, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", payments(60_000))
    moments = random.Random(7)
    for _ in range(4):
        run_and_kill(world, path, f"after {moments.uniform(0.0, 0.8)}")
        assert len(world.history.scan("Payment", [])) in (0, 60_000)
    world.ingest(path)
    found = world.history.scan("Payment", ["id"])
    assert found["id"].to_pylist() == payments(60_000)["id"].to_pylist()
    assert len(world.log.imports()) == 1


def test_live_events_that_come_during_an_import_refuse_it_at_the_record(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path / "p.parquet", payments(10))
    real = world.lake.write_import

    def late(*given: Any) -> int:
        world.log.append([NewEvent("Payment", "live", at=NOW, columns={"amount": 1.0})], now=NOW)
        return real(*given)

    monkeypatch.setattr(world.lake, "write_import", late)
    with pytest.raises(ConflictError):
        world.ingest(path)
    assert len(world.history.scan("Payment", [])) == 1
    monkeypatch.undo()
    assert world.ingest(path, arrived="now", now=NOW + 1).accepted == 10
    assert len(world.history.scan("Payment", [])) == 11


FULL = """
import resource, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from collect_world import World
from tidewheel.errors import TidewheelError
world = World(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    world.ingest(Path(sys.argv[2]))
except TidewheelError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("room", [60_000, 400_000])
def test_no_room_on_the_disk_is_an_error_and_nothing_is_taken(world: World, tmp_path: Path, room: int) -> None:
    path = write_parquet(tmp_path / "p.parquet", payments(50_000))
    script = FULL.format(tests=str(Path(__file__).parent))
    arguments = [sys.executable, "-c", script, str(world.folder), str(path), str(room)]
    said = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout.startswith(("FullError", "StorageError")), said
    assert len(world.history.scan("Payment", [])) == 0
    assert world.ingest(path).accepted == 50_000
    assert len(world.history.scan("Payment", [])) == 50_000


def test_a_file_that_was_refused_whole_may_be_ingested_by_other_options(world: World, tmp_path: Path) -> None:
    rows = [["id", "card", "amount", "country", "at"]]
    rows += [[f"z{n}", "c1", "5.0", "SE", "2013-01-01 12:00:00"] for n in range(5)] + [["z9", "c1", "dear", "SE", ""]]
    path = write_csv(tmp_path / "p.csv", rows)
    other = world.ingest(write_csv(tmp_path / "other.csv", [rows[0], ["y1", "c1", "5.0", "SE", "2013-01-01 12:00:00"]]))
    for _ in range(2):
        refused = world.ingest(path)
        assert (refused.accepted, refused.quarantined, refused.already, other.quarantined) == (0, 6, False, 1)
        assert len(world.log.bad_rows()) == 7, "a row stands in the quarantine once"
    assert len(world.history.scan("Payment", COLUMNS)) == 0
    assert list(world.history.pieces("Payment", COLUMNS)) == []
    taken = world.ingest(path, options=FileOptions(zone=zone_named("Europe/Stockholm")))
    assert (taken.accepted, taken.quarantined) == (5, 1)
    assert sorted(row.source for row in world.log.bad_rows()) == ["other.csv row 1", "p.csv row 6"]
    assert len(world.history.scan("Payment", COLUMNS)) == 5
    assert world.ingest(path).already


def test_history_reads_over_the_import_of_a_file_without_rows(world: World, tmp_path: Path) -> None:
    world.ingest(write_csv(tmp_path / "p.csv", [["id", "card", "amount", "country", "at"]]))
    assert sum(len(piece) for piece in world.history.pieces("Payment", COLUMNS)) == 0
    world.ingest(write_parquet(tmp_path / "p.parquet", payments(10)))
    assert sum(len(piece) for piece in world.history.pieces("Payment", COLUMNS)) == 10
