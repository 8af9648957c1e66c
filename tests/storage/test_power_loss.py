"""After a power loss: stores that were not flushed at each commit are not trusted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.errors import CorruptError
from tidewheel.storage.lake import files as lake_files
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.lake.upkeep import compact
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.places import boot, disks
from tidewheel.storage.places.boot import CleanMark
from tidewheel.storage.state.lmdb_state import StateStore

STATE = "00000000000000aa"


@pytest.fixture
def boots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that holds the boot id: write another one into it to boot anew."""
    path = tmp_path / "boot_id"
    path.write_text("first\n")
    monkeypatch.setattr(boot, "BOOT_ID", path)
    return path


def write_state(folder: Path, *, close: bool) -> None:
    store = StateStore.open(folder, 1)
    writer = store.writer(0)
    with writer.batch() as batch:
        batch.put_blobs(STATE, [b"a"], np.array([1]), np.array([0, 1]))
        batch.set_offset(STATE, 5)
    if close:
        writer.close()
    else:
        writer._environment.close()
    store.close()


def offset(folder: Path) -> int:
    store = StateStore.open(folder, 1)
    try:
        return store.offset(STATE)
    finally:
        store.close()


def test_state_survives_a_killed_process(boots: Path, tmp_path: Path) -> None:
    write_state(tmp_path / "state", close=False)
    assert offset(tmp_path / "state") == 5


def test_state_survives_a_proper_restart(boots: Path, tmp_path: Path) -> None:
    write_state(tmp_path / "state", close=True)
    boots.write_text("second")
    assert offset(tmp_path / "state") == 5


def test_state_comes_up_empty_after_a_power_loss(boots: Path, tmp_path: Path) -> None:
    write_state(tmp_path / "state", close=False)
    boots.write_text("second")
    assert offset(tmp_path / "state") == 0
    write_state(tmp_path / "state", close=False)
    assert offset(tmp_path / "state") == 5


def test_a_log_flushed_each_second_is_refused_after_a_power_loss(boots: Path, tmp_path: Path) -> None:
    log = EventLog.open(tmp_path / "log", sync="second")
    log.append([NewEvent("Sale", "a", 1, {})], now=1)
    log._closed.set()
    log._environment.close()
    EventLog.open(tmp_path / "log", sync="second")._environment.close()
    boots.write_text("second")
    for sync in ("second", "always"):
        with pytest.raises(CorruptError, match="power"):
            EventLog.open(tmp_path / "log", sync=sync)


def test_a_log_that_was_closed_is_trusted(boots: Path, tmp_path: Path) -> None:
    log = EventLog.open(tmp_path / "log", sync="second")
    log.append([NewEvent("Sale", "a", 1, {})], now=1)
    log.close()
    boots.write_text("second")
    log = EventLog.open(tmp_path / "log", sync="always")
    assert log.head() == 2
    log.close()


def test_a_mark_that_can_not_be_read_trusts_nothing(tmp_path: Path) -> None:
    (tmp_path / "mark.json").write_bytes(b"\0\0\0")
    assert CleanMark(tmp_path / "mark.json").trust() == "power lost"


def rows(n: int) -> pa.Table:
    return pa.table({"_offset": [n], "_arrived": [n]})


def test_lake_commits_that_were_never_flushed_are_taken_back(
    boots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake.open(tmp_path / "lake")
    lake.append("events/Sale", rows(1), position=("flush", 1))
    with monkeypatch.context() as patched:
        patched.setattr(lake_files, "flush_commits", _cut)
        with pytest.raises(KeyboardInterrupt):
            lake.append("events/Sale", rows(2), position=("flush", 2))
    assert Lake.open(tmp_path / "lake").position("events/Sale", "flush") == 2
    newest = lake_files.commit_file(tmp_path / "lake/events/Sale", 1)
    newest.write_bytes(b"")
    boots.write_text("second")
    again = Lake.open(tmp_path / "lake")
    assert again.position("events/Sale", "flush") == 1
    assert again.append("events/Sale", rows(2), position=("flush", 2))
    assert sorted(again.scan("events/Sale", ["_offset"])["_offset"].to_pylist()) == [1, 2]


def test_a_first_commit_that_was_never_flushed_is_taken_back(
    boots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(lake_files, "flush_commits", _cut)
        with pytest.raises(KeyboardInterrupt):
            Lake.open(tmp_path / "lake").append("events/Sale", rows(1), position=("flush", 1))
    boots.write_text("second")
    again = Lake.open(tmp_path / "lake")
    assert again.append("events/Sale", rows(1), position=("flush", 1))
    assert again.count("events/Sale") == 1


def _cut(*_: object) -> int:
    raise KeyboardInterrupt


def test_what_is_appended_after_a_table_was_dropped_is_flushed_again(
    boots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, table = Lake.open(tmp_path / "lake"), tmp_path / "lake/events/Sale"
    for n in range(1, 4):
        lake.append("events/Sale", rows(n), position=("flush", n))
    lake.drop("events/Sale")
    with monkeypatch.context() as patched:
        patched.setattr(lake_files, "flush_commits", _cut)
        with pytest.raises(KeyboardInterrupt):
            lake.append("events/Sale", rows(1), position=("flush", 1))
    lake_files.commit_file(table, 0).write_bytes(b"")
    boots.write_text("second")
    again = Lake.open(tmp_path / "lake")
    assert again.append("events/Sale", rows(1), position=("flush", 1))
    assert again.count("events/Sale") == 1
    assert lake_files.safe_version(table) == 0


def test_a_checkpoint_is_flushed_with_its_commit_and_only_then_are_old_commits_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, log = Lake.open(tmp_path), tmp_path / "events/Sale/_delta_log"
    with monkeypatch.context() as patched:
        patched.setattr(lake_files, "flush_commits", lambda path, safe: safe)
        for n in range(1, 100):
            lake.append("events/Sale", rows(n), position=("flush", n))
    lake_files.flush_commits(tmp_path / "events/Sale", 97)
    for file in log.iterdir():
        os.utime(file, (0, 0))
    flushed: list[Path] = []
    monkeypatch.setattr(lake_files, "flush_file", flushed.append)
    lake.append("events/Sale", rows(100), position=("flush", 100))
    assert {log / f"{99:020d}.checkpoint.parquet", log / "_last_checkpoint"} <= set(flushed)
    assert lake_files.commit_file(log.parent, 0).exists()
    compact(lake, "events/Sale")
    assert not lake_files.commit_file(log.parent, 0).exists()
    assert Lake.open(tmp_path).count("events/Sale") == 100


def test_new_folders_are_flushed_in_those_above_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(disks, "sync_folder", flushed.append)
    disks.make_folder(tmp_path / "a" / "b" / "c")
    assert set(flushed) == {tmp_path, tmp_path / "a", tmp_path / "a" / "b"}
    disks.make_folder(tmp_path / "a" / "b")
    assert len(flushed) == 3
