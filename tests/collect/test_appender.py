from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import wait
from pathlib import Path

import pytest
from collect_sources import NOON
from collect_world import NOW, World

from tidewheel.collect.appending.appender import Appender
from tidewheel.collect.appending.decision_index import DecisionIndex, read_place
from tidewheel.collect.keeping.flush import flush
from tidewheel.errors import FullError, OverloadedError, StorageError
from tidewheel.storage.journal.decisions import DecisionIds, DecisionRecord, encode_decision
from tidewheel.storage.journal.writer import JournalWriter
from tidewheel.storage.log.records import BadRow, LogRecord, NewEvent

IDS = DecisionIds()


def event(number: int) -> NewEvent:
    return NewEvent("Payment", f"t{number}", at=NOON, columns={"amount": float(number)})


def decision(number: int) -> DecisionRecord:
    return DecisionRecord(
        decision_id=IDS.new(NOW), event_id=f"t{number}", service="Score", event_type="Payment", unit=f"t{number}",
        instant=NOW, at=NOON, arrived=NOW, states=[("s", "k", 3)], inputs={"amount": float(number)}, view="v",
        features=b"\0" * 8, texts={}, model="Fraud@1", bundle="b", service_version="1", thresholds={"allow": 0.0},
        arm="champion", propensity=1.0, rule="", fallback="", reason="", score=0.5, decision="allow", explored=False,
        timings=[1, 2, 3, 4, 5],
    )  # fmt: skip


def logged(world: World) -> Counter[str]:
    return Counter(record.id for record in world.log.read(1, 1_000_000) if isinstance(record, LogRecord))


def test_many_threads_share_commits_and_each_gets_its_own_outcomes(world: World) -> None:
    rung: list[int] = []
    with Appender(world.log, lambda: NOW, committed=rung.append) as appender:
        futures = {number: appender.submit([event(number), event(number % 5)]) for number in range(500)}
        outcomes = {number: future.result(10) for number, future in futures.items()}
    assert set(logged(world)) == {f"t{i}" for i in range(500)}
    for number, (first, second) in outcomes.items():
        assert first.status == ("logged" if number >= 5 or number == 0 else first.status)
        assert world.log.seen("Payment", f"t{number}") == first.offset
        assert second.offset == world.log.seen("Payment", f"t{number % 5}")
    assert rung[-1] == world.log.head()
    assert len(rung) < 500


def test_bad_rows_go_to_quarantine_in_order_with_the_good_ones(world: World) -> None:
    with Appender(world.log, lambda: NOW) as appender:
        bad = BadRow("Payment", "amount: missing", b"{}")
        late = NewEvent("Payment", "t2", at=NOW + 10**12, columns={})
        outcomes = appender.submit([event(1), bad, late]).result(10)
    assert [outcome.status for outcome in outcomes] == ["logged", "quarantined", "quarantined"]
    assert outcomes[1].reason == "amount: missing"
    assert len(world.log.bad_rows()) == 2


def test_too_many_waiting_are_refused(world: World) -> None:
    appender = Appender(world.log, lambda: NOW, limit=10)
    appender.submit([event(i) for i in range(8)])
    with pytest.raises(OverloadedError, match="8 rows are waiting"):
        appender.submit([event(i) for i in range(8, 12)])
    appender.start()
    appender.flush()
    assert appender.waiting() == 0
    appender.close()
    with pytest.raises(StorageError, match="closed"):
        appender.submit([event(1)])
    assert len(logged(world)) == 8


def test_a_full_disk_is_told_to_who_waits_and_the_thread_lives_on(world: World) -> None:
    real = world.log.append

    def full(*given: object, **more: object) -> list[object]:
        raise FullError("no space left on the disk")

    world.log.append = full  # type: ignore[assignment]  # a disk that is full
    with Appender(world.log, lambda: NOW) as appender:
        with pytest.raises(FullError):
            appender.submit([event(1)]).result(10)
        world.log.append = real  # type: ignore[method-assign]
        assert appender.submit([event(1)]).result(10)[0].status == "logged"


def test_closing_with_a_full_disk_does_not_hang(world: World) -> None:
    def full(*given: object, **more: object) -> list[object]:
        raise FullError("no space left on the disk")

    with JournalWriter.open(world.journal, "w1") as journal:
        journal.append(encode_decision(decision(1)))
    appender = Appender(world.log, lambda: NOW, journal=world.journal, writer="w1").start()
    appender.flush()
    world.log.append = full  # type: ignore[assignment]  # a disk that is full
    future = appender.submit([event(2)])
    appender.close()
    assert isinstance(future.exception(1), FullError)


def test_a_cancelled_future_does_no_harm(world: World) -> None:
    appender = Appender(world.log, lambda: NOW)
    cancelled, kept = appender.submit([event(1)]), appender.submit([event(2)])
    assert cancelled.cancel()
    with appender:
        assert kept.result(10)[0].status == "logged"
    assert set(logged(world)) == {"t2"}


def test_decisions_are_shipped_from_the_journal_while_it_is_written(world: World) -> None:
    index = DecisionIndex.open(world.folder / "decisions")
    with (
        JournalWriter.open(world.journal, "w1", segment_bytes=20_000) as journal,
        Appender(world.log, lambda: NOW, journal=world.journal, writer="w1", index=index) as appender,
    ):
        records = [decision(i) for i in range(300)]
        for record in records:
            journal.append(encode_decision(record))
            appender.ship()
        appender.flush()
        assert logged(world) == Counter(f"t{i}" for i in range(300))
        first = world.log.read(1, 1)[0]
        assert isinstance(first, LogRecord)
        assert (first.at, first.arrived, first.columns) == (NOON, NOW, {"amount": 0.0})
        for record in (records[0], records[150], records[299]):
            place = index.find(record.decision_id)
            assert place is not None
            assert read_place(world.journal, place) == record
            assert index.decision_on("Score", record.event_id) == record.decision_id
        assert index.find("nothing") is None
        assert len(list(world.journal.glob("*.journal"))) > 2
    index.close()


def test_a_dead_writers_segments_are_adopted_once_by_whoever_comes(world: World) -> None:
    with JournalWriter.open(world.journal, "dead") as journal:
        for i in range(5000):
            journal.append(encode_decision(decision(i)))
    appenders = [Appender(world.log, lambda: NOW, journal=world.journal, writer=f"w{i}").start() for i in range(3)]
    for appender in appenders:
        appender.flush()
    for appender in appenders:
        appender.close()
    assert logged(world) == Counter(f"t{i}" for i in range(5000))
    assert world.log.stats().types["Payment"].duplicates == 0


def test_a_living_writers_segment_is_left_alone(world: World) -> None:
    with (
        JournalWriter.open(world.journal, "other") as journal,
        Appender(world.log, lambda: NOW, journal=world.journal, writer="w1") as appender,
    ):
        journal.append(encode_decision(decision(1)))
        appender.flush()
        assert not logged(world)


def test_a_damaged_segment_does_not_stop_the_others(world: World) -> None:
    with JournalWriter.open(world.journal, "a") as journal:
        journal.append(encode_decision(decision(1)))
    (world.journal / "b-00000001.journal").write_bytes(b"garbage and nothing else")
    index = DecisionIndex.open(world.folder / "decisions")
    with Appender(world.log, lambda: NOW, journal=world.journal, index=index) as appender:
        appender.flush()
    assert set(logged(world)) == {"t1"}
    index.close()


def test_what_comes_before_a_damage_is_logged_indexed_and_flushed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with JournalWriter.open(world.journal, "a") as journal:
        records = [decision(number) for number in range(9)]
        places = [journal.append(encode_decision(record)) for record in records]
    segment = world.journal / f"{places[0][0]}.journal"
    data = bytearray(segment.read_bytes())
    data[places[6][1] + 20] ^= 1
    segment.write_bytes(data)
    index = DecisionIndex.open(world.folder / "decisions")
    with Appender(world.log, lambda: NOW, journal=world.journal, index=index) as appender:
        appender.flush()
    assert set(logged(world)) == {f"t{number}" for number in range(6)}
    assert [index.find(record.decision_id) is not None for record in records] == [True] * 6 + [False] * 3
    assert len(flush(world.log, world.lake, journal=world.journal, index=index).damaged) == 1
    assert world.lake.count("decisions") == 6
    assert "do not come to the log" in caplog.text
    index.close()


WORKER = """
import os, sys, itertools
sys.path.insert(0, {tests!r})
from pathlib import Path
from collect_world import World, NOW
from test_appender import decision, event, encode_decision, Appender, JournalWriter, DecisionIndex
world, first = World(Path(sys.argv[1])), int(sys.argv[2])
index = DecisionIndex.open(world.folder / "decisions")
journal = JournalWriter.open(world.journal, f"w-{{first}}")
appender = Appender(world.log, lambda: NOW, journal=world.journal, writer=f"w-{{first}}", index=index).start()
print("ready", flush=True)
for number in itertools.count(first):
    if number % 3:
        journal.append(encode_decision(decision(number)))
        appender.ship()
        os.write(1, f"t{{number}}\\n".encode())
    else:
        appender.submit([event(number)]).add_done_callback(
            lambda future, number=number: future.result() and os.write(1, f"t{{number}}\\n".encode()))
"""


def test_killed_at_random_all_that_was_answered_is_logged_once(world: World) -> None:
    moments = random.Random(3)
    answered: list[str] = []
    for run in range(5):
        script = WORKER.format(tests=str(Path(__file__).parent))
        arguments = [sys.executable, "-c", script, str(world.folder), str(run * 1_000_000)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            threading.Timer(moments.uniform(0.01, 0.4), process.kill).start()
            lines = process.stdout.read().split("\n")
            answered += lines[:-1]
    index = DecisionIndex.open(world.folder / "decisions")
    with Appender(world.log, lambda: NOW, journal=world.journal, index=index) as appender:
        appender.flush()
    found = logged(world)
    assert set(found.values()) == {1}
    assert set(answered) <= set(found)
    assert len(answered) > 100
    decided = [name for name in answered if int(name[1:]) % 3]
    places = [index.decision_on("Score", name) for name in decided]
    assert all(places)
    assert len(set(places)) == len(decided)
    index.close()


def test_submitting_wakes_the_thread_at_once(world: World) -> None:
    with Appender(world.log, lambda: NOW) as appender:
        appender.submit([event(0)]).result(10)
        started = time.monotonic()
        wait([appender.submit([event(i)]) for i in range(1, 20)], 10)
        assert time.monotonic() - started < 5
