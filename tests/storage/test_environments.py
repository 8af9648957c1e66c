"""Shared environments: one per file in a process, none across a fork, no network disks, clear errors."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from tidewheel.errors import CorruptError, NotFoundError, StorageError
from tidewheel.storage.journal.writer import JournalWriter
from tidewheel.storage.lake.rewrite import rewrite_environment
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.places import disks
from tidewheel.storage.places.environments import open_environment
from tidewheel.storage.state.lmdb_state import StateStore


def test_one_file_is_opened_once_in_a_process(tmp_path: Path) -> None:
    first = EventLog.open(tmp_path / "log")
    (tmp_path / "link").symlink_to(tmp_path / "log")
    second = EventLog.open(tmp_path / "link")
    first.append([NewEvent("Sale", "a", 1, {})], now=1)
    first.close()
    assert second.head() == 2
    second.append([NewEvent("Sale", "b", 1, {})], now=1)
    second.close()
    third = EventLog.open(tmp_path / "log")
    assert third.head() == 3
    third.close()


def test_another_way_to_sync_needs_another_process(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path)
    with pytest.raises(StorageError, match="another way to sync"):
        EventLog.open(tmp_path, sync="second")
    log.close()


def _in_child(act: object) -> str:
    """Run a function in a forked child; return the name and text of what it raised."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            act()  # type: ignore[operator]  # a plain callable
            told = "nothing"
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(write, told.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as file:
        return file.read()


def test_a_forked_child_is_refused_and_the_parent_goes_on(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path / "log")
    store = StateStore.open(tmp_path / "state", 1)
    journal = JournalWriter.open(tmp_path / "journal", "w")
    state = "00000000000000aa"

    def read_state() -> None:
        with store.snapshot() as snapshot:
            snapshot.get(state, b"a")

    assert "before a fork" in _in_child(log.head)
    assert "before a fork" in _in_child(lambda: log.append([NewEvent("Sale", "x", 1, {})], now=1))
    assert "before a fork" in _in_child(read_state)
    assert "before a fork" in _in_child(lambda: EventLog.open(tmp_path / "log"))
    assert "before a fork" in _in_child(lambda: journal.append(b"child"))
    assert _in_child(log.close) == "nothing"
    assert _in_child(journal.close) == "nothing"
    assert _in_child(lambda: EventLog.open(tmp_path / "another")) == "nothing"
    assert log.append([NewEvent("Sale", "b", 1, {})], now=1)[0].offset == 1
    assert log.head() == 2
    assert journal.append(b"parent")[1] == 8
    journal.close()
    log.close()
    store.close()


@pytest.mark.parametrize(
    ("kind", "network"), [("nfs4", True), ("fuse.sshfs", True), ("ext4", False), ("fuse.ext4", False)]
)
def test_network_disks_are_refused(kind: str, network: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts, far = tmp_path / "mountinfo", tmp_path / "données là"
    line = f"{os.path.realpath(far).replace(' ', chr(92) + '040')} rw,relatime - {kind} server:/x rw"
    mounts.write_text(f"22 1 0:1 / / rw - ext4 /dev/vda rw\n30 22 0:44 / {line}\n")
    monkeypatch.setattr(disks, "MOUNTS", mounts)
    if network:
        with pytest.raises(StorageError, match=f"network file system \\({kind}\\)"):
            EventLog.open(far / "log")
    else:
        EventLog.open(far / "log").close()
    EventLog.open(tmp_path / "near").close()


def test_a_missing_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        EventLog.open(tmp_path / "log", create=False)


def test_what_is_no_lmdb_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"not a database " * 1000)
    with pytest.raises(CorruptError):
        EventLog.open(tmp_path)


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")
    with pytest.raises(StorageError):
        EventLog.open(tmp_path / "log")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_missing_permission_is_told(tmp_path: Path) -> None:
    EventLog.open(tmp_path / "log").close()
    (tmp_path / "log" / "data.mdb").chmod(0o400)
    with pytest.raises(StorageError, match="permission"):
        EventLog.open(tmp_path / "log")


def test_a_damaged_chunk_is_told(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path)
    log.append([NewEvent("Sale", "a", 1, {"text": "findme-findme-findme"})], now=1)
    log.close()
    data = (tmp_path / "data.mdb").read_bytes()
    (tmp_path / "data.mdb").write_bytes(data.replace(b"findme-findme-findme", b"findme-Xindme-findme"))
    again = EventLog.open(tmp_path)
    with pytest.raises(CorruptError, match="checksum"):
        again.read(1, 1)
    with pytest.raises(CorruptError, match="checksum"):
        again.read_batch(1, 1)
    again.close()


def test_threads_open_and_close_the_same_file(tmp_path: Path) -> None:
    def work() -> None:
        for _ in range(50):
            environment = open_environment(tmp_path)
            with environment.read() as transaction:
                transaction.stat(environment.database("x"))
            environment.close()

    open_environment(tmp_path).database("x")
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_rewritten_file_holds_only_what_is_kept(tmp_path: Path) -> None:
    environment = open_environment(tmp_path)
    database = environment.database("names")
    with environment.write() as transaction:
        for n in range(500):
            transaction.put(f"key-{n:04}".encode(), b"anna-b" if n % 2 else b"other", db=database)
        for n in range(1, 500, 4):
            transaction.delete(f"key-{n:04}".encode(), db=database)
    with pytest.raises(StorageError, match="open in this process"):
        rewrite_environment(tmp_path, lambda name, key, value: True)
    environment.close()
    dropped = rewrite_environment(tmp_path, lambda name, key, value: value != b"anna-b")
    assert dropped == {"names": 125}
    assert b"anna-b" not in (tmp_path / "data.mdb").read_bytes()
    again = open_environment(tmp_path)
    names = again.database("names")
    with again.read() as transaction:
        assert transaction.stat(names)["entries"] == 250
    again.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_log_that_was_deleted_while_it_was_open_takes_nothing_more(replaced: bool, tmp_path: Path) -> None:
    log = EventLog.open(tmp_path / "log")
    log.append([NewEvent("Sale", "a", 1, {})], now=1)
    log.check_there()
    shutil.rmtree(tmp_path / "log")
    if replaced:
        (tmp_path / "log").mkdir()
        (tmp_path / "log" / "data.mdb").write_bytes(b"another")
    with pytest.raises(StorageError, match="deleted or replaced"):
        log.append([NewEvent("Sale", "b", 1, {})], now=1)
    log.close()


def test_a_state_that_was_deleted_while_it_was_open_is_noticed_and_made_again(tmp_path: Path) -> None:
    store = StateStore.open(tmp_path / "state", partitions=2)
    writer = store.writer(0)
    writer.sync()
    shutil.rmtree(tmp_path / "state")
    for look in (writer.sync, store.check_there):
        with pytest.raises(StorageError, match="deleted or replaced"):
            look()
    writer.close()
    store.close()
    again = StateStore.open(tmp_path / "state", partitions=2)
    again.check_there()
    assert again.offsets() == [{}, {}]
    again.close()


def test_a_journal_that_was_deleted_while_it_was_open_is_noticed(tmp_path: Path) -> None:
    with JournalWriter.open(tmp_path / "journal", "w") as journal:
        journal.append(b"first")
        journal.check_there()
        shutil.rmtree(tmp_path / "journal")
        with pytest.raises(StorageError, match=r"w-00000001.*deleted"):
            journal.check_there()
