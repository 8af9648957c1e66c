"""What makes a Delta commit survive a power loss: its files are flushed before it counts.

The writer flushes no file. So after each commit its files are flushed, and then the version is
noted as safe. After a power loss, versions beyond the note may name files that are not there
whole; no one was told of them, so they are taken back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import msgspec

from tidewheel.errors import CorruptError
from tidewheel.storage.places.boot import boot_id
from tidewheel.storage.places.disks import make_folder, sync_folder, write_durably

FLUSH_ALL_FROM = 16
"""With so many files, one flush of everything is quicker than one each."""


class _Safe(msgspec.Struct):
    boot: str
    version: int


class _Add(msgspec.Struct):
    path: str


class _Action(msgspec.Struct):
    add: _Add | None = None


def commit_file(table: Path, version: int) -> Path:
    """File of a commit."""
    return table / "_delta_log" / f"{version:020d}.json"


def newest_commit(table: Path) -> int:
    """Highest version with a commit file, -1 when there is none."""
    return max(
        (int(path.stem) for path in (table / "_delta_log").glob("[0-9]*.json") if path.stem.isdigit()), default=-1
    )


@contextmanager
def writing(table: Path) -> Iterator[None]:
    """Hold the table's write lock: one writer at a time, so that a position is read and written as one."""
    folder = table.parent / ".locks"
    make_folder(folder)
    descriptor = os.open(folder / table.name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def flush_commits(table: Path, safe: int) -> int:
    """Flush the files of all commits after version `safe`, note the newest as safe, and return it."""
    newest = newest_commit(table)
    if newest <= safe:
        return safe
    files = [path for version in range(safe + 1, newest + 1) for path in _files_of(table, version)]
    if len(files) >= FLUSH_ALL_FROM:
        os.sync()
    else:
        for file in files:
            flush_file(file)
        for folder in {file.parent for file in files} | {table} | ({table.parent} if safe < 0 else set()):
            sync_folder(folder)
    write_durably(_note(table), msgspec.json.encode(_Safe(boot_id(), newest)))
    return newest


def safe_version(table: Path) -> int:
    """Newest version known to be on the disk, -1 when none is."""
    note = _read_note(table)
    return note.version if note else -1


def is_checked(table: Path) -> bool:
    """Whether nothing can have been lost since the table was looked at: it was written in this boot."""
    note = _read_note(table)
    return note is not None and note.boot == boot_id()


def note_nothing(table: Path) -> None:
    """Note that no version is safe, of a table that is to be dropped: those of one made anew begin at 0."""
    write_durably(_note(table), msgspec.json.encode(_Safe(boot_id(), -1)))


def take_back_unsafe(table: Path) -> int:
    """After a power loss, delete commits that were never flushed; return how many. Call it under `writing`."""
    note = _read_note(table)
    if note is None:
        # The first write; or a table copied here without its note, which is taken as it stands.
        write_durably(_note(table), msgspec.json.encode(_Safe(boot_id(), newest_commit(table))))
        return 0
    if note.boot == boot_id():
        return 0
    unsafe = range(newest_commit(table), note.version, -1)
    for version in unsafe:
        commit_file(table, version).unlink(missing_ok=True)
        for checkpoint in (table / "_delta_log").glob(f"{version:020d}.checkpoint*"):
            checkpoint.unlink()
    if unsafe:
        (table / "_delta_log" / "_last_checkpoint").unlink(missing_ok=True)
    write_durably(_note(table), msgspec.json.encode(_Safe(boot_id(), note.version)))
    return len(unsafe)


def _note(table: Path) -> Path:
    return table.parent / ".locks" / f"{table.name}.safe"


def _read_note(table: Path) -> _Safe | None:
    note = _note(table)
    if not note.exists():
        return None
    try:
        return msgspec.json.decode(note.read_bytes(), type=_Safe)
    except msgspec.DecodeError as error:
        raise CorruptError("the note of the newest flushed version can't be read", where=str(note)) from error


def _files_of(table: Path, version: int) -> list[Path]:
    commit = commit_file(table, version)
    actions = [msgspec.json.decode(line, type=_Action) for line in commit.read_bytes().splitlines() if line.strip()]
    added = [table / unquote(action.add.path) for action in actions if action.add is not None]
    # The library may have made a checkpoint with a commit, and begins to read there.
    log, checkpoint = commit.parent, commit.with_suffix(".checkpoint.parquet")
    made = [checkpoint, log / "_last_checkpoint"] if checkpoint.exists() else []
    return [path for path in (*added, *made, commit) if path.exists()]


def flush_file(path: Path) -> None:
    """Flush one file to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
