"""Killed (-9) at random while writing: what was acknowledged is there, once, and nothing is half there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.journal.segments import is_live, is_sealed, list_segments, read_segment, unread_bytes
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import LogRecord
from tidewheel.storage.state.lmdb_state import StateStore

Killed = Callable[..., list[str]]

APPEND = """
import sys
from pathlib import Path
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
folder, sync, run = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
log = EventLog.open(folder, sync=sync)
done = log.position(run)
while True:
    events = [NewEvent("Sale", f"{run}-{n}", n, {"n": n, "text": "x" * (n % 50)}) for n in range(done, done + 7)]
    outcomes = log.append(events, now=10**15 + done, positions={run: done + 7}, expected={run: done})
    done += 7
    print(done, outcomes[0].offset)
"""


def test_the_log_keeps_what_it_acknowledged_and_doubles_nothing(killed: Killed, tmp_path: Path) -> None:
    acknowledged = 0
    for n in range(6):
        said = killed(APPEND, tmp_path, "always" if n % 2 else "second", "run")
        acknowledged = int(said[-1].split()[0])
        log = EventLog.open(tmp_path)
        records = [record for record in log.read(1, 10**6) if isinstance(record, LogRecord)]
        assert len(records) >= acknowledged
        assert len(records) == log.position("run") == log.head() - 1
        assert [record.id for record in records] == [f"run-{n}" for n in range(len(records))]
        assert [record.offset for record in records] == list(range(1, len(records) + 1))
        assert all(record.columns == {"n": record.at, "text": "x" * (record.at % 50)} for record in records)
        assert log.seen_many("Sale", [record.id for record in records]) == [record.offset for record in records]
        log.close()
    assert acknowledged > 0


RACE = (
    """
import os, sys
from pathlib import Path
if os.fork() == 0:
    sys.argv[3] = "child"
"""
    + APPEND
)


def test_two_processes_append_in_one_order_and_one_death_stops_neither(killed: Killed, tmp_path: Path) -> None:
    killed(RACE, tmp_path, "always", "parent", most=0.6)
    said = killed(APPEND, tmp_path, "always", "third")
    assert said
    log = EventLog.open(tmp_path)
    records = [record for record in log.read(1, 10**6) if isinstance(record, LogRecord)]
    assert [record.offset for record in records] == list(range(1, log.head()))
    assert len({record.id for record in records}) == len(records)
    assert [record.arrived for record in records] == sorted(record.arrived for record in records)
    for run in ("parent", "child", "third"):
        assert sum(record.id.startswith(run) for record in records) == log.position(run)
    log.close()


IMPORT = """
import sys
from pathlib import Path
from tidewheel.storage.log.event_log import EventLog
log = EventLog.open(Path(sys.argv[1]))
print("begun")
n = len(log.imports())
while True:
    log.append_import(f"file-{n}", "Sale", 20_000, n, n, (f"{n}:{row}" for row in range(20_000)))
    print(n)
    n += 1
"""


def test_an_import_is_there_with_its_ids_or_not_at_all(killed: Killed, tmp_path: Path) -> None:
    for _ in range(4):
        said = killed(IMPORT, tmp_path, most=0.6)
        log = EventLog.open(tmp_path)
        imports = log.imports()
        assert len(imports) >= len(said) - 1
        assert log.head() == 1 + 20_000 * len(imports)
        for n, record in enumerate(imports):
            assert log.seen_many("Sale", [f"{n}:0", f"{n}:19999"]) == [record.offset, record.offset + 19_999]
        assert log.seen_many("Sale", [f"{len(imports)}:{row}" for row in range(0, 20_000, 997)]) == [None] * 21
        log.close()


JOURNAL = """
import sys
from pathlib import Path
from tidewheel.storage.journal.writer import JournalWriter
journal = JournalWriter.open(Path(sys.argv[1]), "w" + sys.argv[2], segment_bytes=20_000)
n = 0
while True:
    journal.append(b"%d:" % n + bytes([n % 256]) * (n % 400))
    print(n)
    n += 1
"""


def test_every_record_whose_append_returned_is_read(killed: Killed, tmp_path: Path) -> None:
    for run in range(6):
        last = int(killed(JOURNAL, tmp_path, run)[-1])
        mine = [path for path in list_segments(tmp_path) if path.name.startswith(f"w{run}-")]
        payloads = [payload for path in mine for _, _, payload in read_segment(path)]
        assert len(payloads) >= last + 1
        assert payloads == [b"%d:" % n + bytes([n % 256]) * (n % 400) for n in range(len(payloads))]
        assert not any(is_live(path) for path in mine)
        assert all(unread_bytes(path, _end(path)) == 0 for path in mine if is_sealed(path))


def _end(path: Path) -> int:
    return max((after for _, after, _ in read_segment(path)), default=0)


STATE = """
import sys
from pathlib import Path
import numpy as np
from tidewheel.storage.state.lmdb_state import StateStore
store = StateStore.open(Path(sys.argv[1]), 1)
writer = store.writer(0)
state = "00000000000000aa"
keys = [f"k{n}".encode() for n in range(300)]
n = writer.offsets().get(state, 0)
while True:
    n += 1
    with writer.batch() as batch:
        batch.put_blobs(state, keys, np.full(300 * 20, n), np.arange(301) * 20)
        batch.set_offset(state, n)
    print(n)
    if n % 50 == 0:
        writer.sync()
"""


def test_state_and_offset_are_one(killed: Killed, tmp_path: Path) -> None:
    state = "00000000000000aa"
    for _ in range(5):
        acknowledged = int(killed(STATE, tmp_path)[-1])
        store = StateStore.open(tmp_path, 1)
        offset = store.offset(state)
        assert offset >= acknowledged
        blobs = [np.frombuffer(blob, np.int64) for _, blob in store.scan(state)]
        assert len(blobs) == 300
        assert all((blob == offset).all() for blob in blobs)
        store.close()


ARTIFACTS = """
import sys
from pathlib import Path
from tidewheel.storage.artifacts.local import ArtifactStore
store = ArtifactStore.open(Path(sys.argv[1]))
n = int(sys.argv[2]) * 10_000
while True:
    print(store.put(str(n).encode() * 20_000))
    n += 1
"""


def test_an_artifact_is_there_whole_or_not_at_all(killed: Killed, tmp_path: Path) -> None:
    told: list[str] = []
    for run in range(5):
        told += killed(ARTIFACTS, tmp_path, run)
    store = ArtifactStore.open(tmp_path)
    found = set(store.digests())
    assert found.issuperset(told)
    for digest in found:
        store.verify(digest)


FLUSH = """
import sys
from pathlib import Path
import pyarrow as pa
from tidewheel.storage.lake.delta import Lake
lake = Lake.open(Path(sys.argv[1]))
n = lake.position("events/Sale", "flush")
print(n)
while True:
    rows = pa.table({"_offset": list(range(n, n + 5)), "_arrived": [n] * 5})
    lake.append("events/Sale", rows, position=("flush", n + 5), expected=n)
    n += 5
    print(n)
"""


def test_the_lake_keeps_what_it_acknowledged_and_doubles_nothing(killed: Killed, tmp_path: Path) -> None:
    for _ in range(4):
        acknowledged = int(killed(FLUSH, tmp_path)[-1])
        lake = Lake.open(tmp_path)
        position = lake.position("events/Sale", "flush")
        assert position >= acknowledged
        if position:
            offsets = sorted(lake.scan("events/Sale", ["_offset"])["_offset"].to_pylist())
            assert offsets == list(range(position))
