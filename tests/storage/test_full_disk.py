"""A full disk gives FullError, corrupts nothing, and is got over when there is space again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.errors import FullError
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.journal import writer as journal_module
from tidewheel.storage.journal.segments import list_segments, read_segment
from tidewheel.storage.journal.writer import JournalWriter
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.lake.upkeep import compact
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import LogRecord, NewEvent
from tidewheel.storage.places.environments import MAP_SIZE
from tidewheel.storage.state.lmdb_state import StateStore
from tidewheel.storage.state.partition import StatePartition

STATE = "00000000000000aa"
NOISE = os.urandom(64 * 1024).hex()


def ballast(folder: Path, leave: int) -> Path:
    """Fill a disk but for some bytes."""
    path = folder / "ballast"
    status = os.statvfs(folder)
    path.write_bytes(b"x" * max(status.f_bavail * status.f_bsize - leave, 0))
    return path


def fill_log(log: EventLog, first: int) -> int:
    """Append until the disk is full; return how many were acknowledged."""
    n = first
    while True:
        try:
            log.append([NewEvent("Sale", str(n), n, {"noise": NOISE})], now=n)
        except FullError:
            return n
        n += 1


def fill_journal(journal: JournalWriter) -> list[bytes]:
    """Append until the disk is full; return what was acknowledged."""
    written: list[bytes] = []
    while True:
        payload = os.urandom(3000)
        try:
            journal.append(payload)
        except FullError:
            return written
        written.append(payload)


def fill_state(writer: StatePartition) -> int:
    """Fold until the disk is full; return the last offset acknowledged."""
    n = 0
    while True:
        try:
            with writer.batch() as batch:
                keys = [f"{n}-{i}".encode() for i in range(10)]
                batch.put_blobs(STATE, keys, np.full(10 * 500, n), np.arange(11) * 500)
                batch.set_offset(STATE, n + 1)
        except FullError:
            return n
        n += 1


def ids(log: EventLog) -> list[str]:
    return [record.id for record in log.read(1, 10_000) if isinstance(record, LogRecord)]


def test_log(small_disk: Path) -> None:
    log = EventLog.open(small_disk / "log")
    log.append([NewEvent("Sale", "0", 0, {})], now=0)
    weight = ballast(small_disk, leave=500_000)
    taken = fill_log(log, 1)
    assert ids(log) == [str(n) for n in range(taken)]
    fill_log(log, taken)
    weight.unlink()
    assert log.append([NewEvent("Sale", str(taken), 0, {})], now=0)[0].offset == taken + 1
    log.close()
    again = EventLog.open(small_disk / "log")
    assert ids(again) == [str(n) for n in range(taken + 1)]
    again.close()


def test_log_at_its_declared_size(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path, map_size=1 << 20)
    taken = fill_log(log, 0)
    assert ids(log) == [str(n) for n in range(taken)]
    log.close()
    roomier = EventLog.open(tmp_path, map_size=MAP_SIZE)
    assert roomier.append([NewEvent("Sale", "one more", 0, {})], now=0)[0].offset == taken + 1
    roomier.close()


def test_journal(small_disk: Path) -> None:
    journal = JournalWriter.open(small_disk / "journal", "w")
    weight = ballast(small_disk, leave=100_000)
    written = fill_journal(journal)
    [path] = list_segments(small_disk / "journal")
    assert [payload for _, _, payload in read_segment(path)] == written
    with pytest.raises(FullError):
        journal.append(b"x" * 9000)
    weight.unlink()
    journal.append(b"again")
    journal.commit()
    journal.close()
    assert [payload for _, _, payload in read_segment(path)] == [*written, b"again"]


def test_journal_after_a_short_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = JournalWriter.open(tmp_path, "w")
    journal.append(b"first")
    real = os.write
    monkeypatch.setattr(journal_module, "_write", lambda descriptor, data: real(descriptor, data[:11]))
    with pytest.raises(FullError):
        journal.append(b"second, torn")
    monkeypatch.setattr(journal_module, "_write", _no_space)
    with pytest.raises(FullError):
        journal.append(b"third")
    monkeypatch.setattr(journal_module, "_write", real)
    journal.append(b"fourth")
    journal.close()
    [path] = list_segments(tmp_path)
    assert [payload for _, _, payload in read_segment(path)] == [b"first", b"fourth"]


def _no_space(descriptor: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_state(small_disk: Path) -> None:
    store = StateStore.open(small_disk / "state", 1)
    writer = store.writer(0)
    n = fill_state(writer)
    assert n > 3
    assert store.offset(STATE) == n
    assert len(list(store.scan(STATE))) == 10 * n
    writer.close()
    store.close()


def test_artifacts(small_disk: Path) -> None:
    store = ArtifactStore.open(small_disk / "artifacts")
    kept = store.put(os.urandom(500_000))
    with pytest.raises(FullError):
        store.put(os.urandom(3_000_000))
    assert list(store.digests()) == [kept]
    assert [path.name for path in (small_disk / "artifacts" / "tmp").iterdir()] == ["lock"]
    store.verify(kept)


def test_lake(small_disk: Path) -> None:
    lake = Lake.open(small_disk / "lake")
    lake.append("events/Sale", pa.table({"n": [1], "_arrived": [0]}), position=("flush", 1))
    big = pa.table({"noise": [os.urandom(1000).hex() for _ in range(2000)], "_arrived": [0] * 2000})
    with pytest.raises(FullError):
        lake.append("events/Sale", big, position=("flush", 2))
    assert lake.position("events/Sale", "flush") == 1
    assert lake.scan("events/Sale", ["n"])["n"].to_pylist() == [1]
    compact(lake, "events/Sale", keep_hours=0)
    assert lake.append("events/Sale", pa.table({"n": [2], "_arrived": [0]}), position=("flush", 2))
