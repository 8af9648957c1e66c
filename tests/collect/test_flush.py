from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from collect_sources import NOON
from collect_world import DAY, NOW, World, payments, write_parquet
from test_appender import decision, event

from tidewheel.collect.appending.appender import Appender
from tidewheel.collect.appending.decision_index import DecisionIndex
from tidewheel.collect.keeping import flush as flush_module
from tidewheel.collect.keeping.decisions import Decisions
from tidewheel.collect.keeping.flush import flush
from tidewheel.collect.keeping.history import History
from tidewheel.errors import NotFoundError
from tidewheel.storage.journal.decisions import encode_decision
from tidewheel.storage.journal.writer import JournalWriter
from tidewheel.storage.log.records import NewEvent


def ids(world: World, type: str = "Payment") -> list[str]:
    return list(world.history.scan(type, [])["_id"].to_pylist())


def test_flushed_and_trimmed_events_are_still_history(world: World) -> None:
    world.log.append([event(i) for i in range(100)], now=NOW)
    world.log.append([NewEvent("Dispute", f"d{i}", at=NOON, columns={"payment": f"t{i}"}) for i in range(3)], now=NOW)
    before = world.history.scan("Payment", ["amount", "country"])
    summary = flush(world.log, world.lake, floor=61)
    assert (summary.events, summary.flushed, summary.first) == (103, 103, world.log.first())
    assert 1 < world.log.first() <= 61 or world.log.first() == 1
    world.log.append([event(i) for i in range(100, 120)], now=NOW)
    after = world.history.scan("Payment", ["amount", "country"])
    assert after.slice(0, 100).to_pylist() == before.to_pylist()
    assert ids(world) == [f"t{i}" for i in range(120)]
    assert ids(world, "Dispute") == ["d0", "d1", "d2"]
    assert flush(world.log, world.lake).events == 20
    assert flush(world.log, world.lake, floor=1000).events == 0
    assert world.log.first() == world.log.head()
    assert ids(world) == [f"t{i}" for i in range(120)]


def test_history_joins_imports_lake_and_tail_in_offset_order(world: World, tmp_path: Path) -> None:
    world.ingest(write_parquet(tmp_path / "a.parquet", payments(50)))
    world.log.append([NewEvent("Payment", "live1", at=NOW - DAY, columns={"amount": 1.0})], now=NOW - DAY)
    flush(world.log, world.lake, floor=10**9)
    world.ingest(write_parquet(tmp_path / "b.parquet", payments(10, first=50)), arrived="now", now=NOW)
    world.log.append([NewEvent("Payment", "live2", at=NOW, columns={"amount": 2.0})], now=NOW)
    found = world.history.scan("Payment", ["amount"])
    expected = [*(f"t{i}" for i in range(50)), "live1", *(f"t{i}" for i in range(50, 60)), "live2"]
    assert found["_id"].to_pylist() == expected
    assert found["_offset"].to_pylist() == list(range(1, 63))
    flush(world.log, world.lake, floor=10**9)
    assert world.history.scan("Payment", ["amount"]) == found
    for below in (1, 30, 51, 52, 55, 62, 63, 99):
        assert world.history.scan("Payment", ["amount"], below=below) == found.slice(0, below - 1)
    (first, second) = world.history.imports("Payment")
    assert world.history.import_rows(second, ["amount"]) == found.slice(51, 10)
    assert first.rows == 50


@pytest.mark.parametrize("flushed", [0, 30, 80], ids=["nothing flushed", "a part", "all"])
def test_events_after_an_instant_are_those_of_the_whole_history(world: World, tmp_path: Path, flushed: int) -> None:
    world.ingest(write_parquet(tmp_path / "a.parquet", payments(50)))
    world.log.append([event(i) for i in range(100, 130)], now=NOW)
    flush(world.log, world.lake, floor=flushed)
    world.log.append([event(i) for i in range(130, 140)], now=NOW)
    for kept in (False, True):  # read for itself, and from what a whole scan keeps
        whole = (
            world.history.scan("Payment", ["amount"]) if kept else History(world.lake, world.log).scan("Payment", [])
        )
        instants = whole["_at"].to_pylist()
        for after in (min(instants) - 1, sorted(instants)[30], max(instants)):
            found = world.history.scan("Payment", ["amount"], after=after)
            expected = [id for id, at in zip(whole["_id"].to_pylist(), instants, strict=True) if at > after]
            assert found["_id"].to_pylist() == expected


def test_history_gives_missing_columns_their_declared_type(world: World) -> None:
    numbers = [(name, pa.int64()) for name in ("_at", "_arrived", "_offset")]
    schema = pa.schema([("amount", pa.float64()), ("note", pa.string()), ("_id", pa.string()), *numbers])
    assert world.history.scan("Payment", ["amount", "note"]).schema == schema
    world.log.append([event(1)], now=NOW)
    assert world.history.scan("Payment", ["amount", "note"]).schema == schema
    flush(world.log, world.lake)
    assert world.history.scan("Payment", ["amount", "note"]).schema == schema


def test_history_is_whole_while_events_come_and_are_flushed_and_trimmed(world: World) -> None:
    stop = threading.Event()

    def append_for_ever() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            world.log.append([event(number)], now=NOW)

    def flush_for_ever() -> None:
        while not stop.is_set():
            flush(world.log, world.lake, floor=10**9)

    threads = [threading.Thread(target=append_for_ever), threading.Thread(target=flush_for_ever)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        found = ids(world)
        assert found == [f"t{i}" for i in range(len(found))]
    stop.set()
    for thread in threads:
        thread.join()
    assert ids(world) == [f"t{i}" for i in range(world.log.head() - 1)]


def test_an_import_without_a_record_is_not_seen(world: World) -> None:
    rows = (
        payments(5)
        .cast(payments(5).schema.set(4, pa.field("at", pa.int64())))
        .rename_columns(["id", "card", "amount", "country", "_at"])
    )
    rows = rows.append_column("_arrived", rows["_at"]).append_column("_id", rows["id"])
    rows = rows.append_column("_row", pa.array(range(5))).append_column("_import", pa.array(["lost"] * 5))
    world.lake.write_import("Payment", "lost", rows.to_batches())
    assert ids(world) == []
    world.log.append([event(1)], now=NOW)
    flush(world.log, world.lake)
    assert ids(world) == ["t1"]


SCRIPT = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from collect_world import World
import tidewheel.collect.keeping.flush as module
world, point = World(Path(sys.argv[1])), sys.argv[2]
module.ROWS_A_COMMIT = 700
module.SECONDS_KEPT = 0.0
def dying(real, after):
    calls = []
    def call(*a, **k):
        calls.append(1)
        if len(calls) > after:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*a, **k)
    return call
kind, _, count = point.partition(" ")
if kind == "lake":
    world.lake.append = dying(world.lake.append, int(count))
elif kind == "position":
    world.log.append = dying(world.log.append, int(count))
print("ready", flush=True)
module.flush(world.log, world.lake, journal=world.journal, floor=10**9)
"""


def flush_and_kill(world: World, point: str, delay: float = 0.0) -> None:
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    arguments = [sys.executable, "-c", script, str(world.folder), point]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if delay:
            time.sleep(delay)
            process.kill()
        process.wait(60)
        assert process.returncode in (0, -signal.SIGKILL)


def test_killed_at_any_moment_each_row_is_flushed_once(world: World) -> None:
    events = [event(i) for i in range(3000)]
    disputes = [NewEvent("Dispute", f"d{i}", at=NOON, columns={"payment": "t1"}) for i in range(500)]
    for start in range(0, 3000, 300):
        world.log.append([*events[start : start + 300], *disputes[start // 6 : start // 6 + 50]], now=NOW)
    with JournalWriter.open(world.journal, "w") as journal:
        for i in range(2000):
            journal.append(encode_decision(decision(i)))
    moments = random.Random(5)
    for point in ("lake 0", "lake 1", "position 0", "lake 2", "position 1", "random", "random"):
        flush_and_kill(world, point, moments.uniform(0.0, 0.3) if point == "random" else 0.0)
        assert ids(world) == [f"t{i}" for i in range(3000)]
        assert len(ids(world, "Dispute")) == 500
    flush(world.log, world.lake, journal=world.journal, floor=10**9)
    assert world.lake.count("events/Payment") == 3000
    assert world.lake.count("events/Dispute") == 500
    assert world.lake.count("decisions") == 2000
    assert Decisions(world.lake, world.journal).scan(["event_id"])["event_id"].to_pylist() == [
        f"t{i}" for i in range(2000)
    ]


def test_decisions_are_found_in_journal_and_lake(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    index = DecisionIndex.open(world.folder / "decisions")
    decisions = Decisions(world.lake, world.journal, index)
    records = [decision(i) for i in range(20)]
    assert len(decisions.scan()) == 0
    with (
        JournalWriter.open(world.journal, "w") as journal,
        Appender(world.log, lambda: NOW, journal=world.journal, writer="w", index=index) as appender,
    ):
        for number, record in enumerate(records):
            journal.append(encode_decision(record))
            if number == 9:
                flush(world.log, world.lake, journal=world.journal, index=index)
        assert decisions.scan(["decision_id"])["decision_id"].to_pylist() == [it.decision_id for it in records]
        appender.flush()
    monkeypatch.setattr(flush_module, "SECONDS_KEPT", 0.0)
    for _ in range(2):
        assert [decisions.get(it.decision_id) for it in records] == records
        assert decisions.on_event("Score", "t7") == records[7]
        assert Decisions(world.lake, world.journal).on_event("Score", "t15") == records[15]
        assert len(decisions.scan(service="Score", since=NOW, until=NOW + 1)) == 20
        assert len(decisions.scan(service="Other")) == len(decisions.scan(until=NOW)) == 0
        summary = flush(world.log, world.lake, journal=world.journal, index=index)
    assert summary.segments_removed == 0
    assert not list(world.journal.glob("*.journal"))
    assert decisions.on_event("Score", "nothing") is None
    with pytest.raises(NotFoundError, match="no decision 'nothing'"):
        decisions.get("nothing")
    index.close()


def test_a_segment_that_is_not_shipped_yet_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flush_module, "SECONDS_KEPT", 0.0)
    with JournalWriter.open(world.journal, "w") as journal:
        journal.append(encode_decision(decision(1)))
    assert flush(world.log, world.lake, journal=world.journal).segments_removed == 0
    with Appender(world.log, lambda: NOW, journal=world.journal) as appender:
        appender.flush()
    assert flush(world.log, world.lake, journal=world.journal).segments_removed == 1
    assert ids(world) == ["t1"]
    assert os.listdir(world.journal) == []


def test_the_index_forgets_what_is_old(world: World) -> None:
    index = DecisionIndex.open(world.folder / "decisions")
    records = [decision(i) for i in range(5)]
    with JournalWriter.open(world.journal, "w") as journal:
        for record in records:
            journal.append(encode_decision(record))
    assert index.catch_up(world.journal) == 5
    assert index.prune(NOW) == 0
    assert index.prune(NOW + DAY) == 5
    assert index.find(records[0].decision_id) is None
    assert index.decision_on("Score", "t0") is None
    index.close()
