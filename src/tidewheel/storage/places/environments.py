"""LMDB environments, opened once in a process and shared by all who ask.

One environment opened twice in a process loses its locks (POSIX locks belong to the process and
go with the first close), so there is a registry by inode. A forked child refuses to work with what
its parent opened, and can't open it again: closing an inherited environment would free the
parent's reader slots.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import lmdb

from tidewheel.errors import BusyError, CorruptError, FullError, NotFoundError, StorageError
from tidewheel.storage.places.disks import make_folder, refuse_network, sync_folder

MAP_SIZE = 1 << 40
"""Of a sparse file: address space, not disk. So large that it never has to grow."""
SMALLER_MAPS = (1 << 37, 1 << 34, 1 << 31)
"""Tried in turn where address space is limited."""
MAX_READERS = 1024

_FULL = (lmdb.MapFullError,)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NEARLY_NOTHING = 4 << 20
_CORRUPT = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.VersionMismatchError)


def _cut_short(text: str, where: str) -> bool:
    """Whether an input/output error is LMDB's name for a write that the full disk cut short."""
    if os.strerror(errno.EIO) not in text or not os.path.exists(where):
        return False
    status = os.statvfs(where)
    return status.f_bavail * status.f_frsize < _NEARLY_NOTHING


def raise_for(error: Exception, where: str) -> NoReturn:
    """Raise the error of ours that says what an LMDB or system error means.

    Raises
    ------
    FullError
        The map or the disk is full.
    CorruptError
        The file is not what LMDB wrote.
    BusyError
        No reader slot is left.
    StorageError
        Anything else, such as a file that may not be read.
    """
    number = error.errno if isinstance(error, OSError) else 0
    text = str(error)
    if isinstance(error, _FULL):
        raise FullError("the store has reached its declared size", where=where, remedy="raise its map size") from error
    if number in _NO_SPACE or any(os.strerror(code) in text for code in _NO_SPACE) or _cut_short(text, where):
        raise FullError("no space left on the disk", where=where, remedy="free some space, then try again") from error
    if isinstance(error, _CORRUPT):
        raise CorruptError(
            f"not a sound LMDB file ({text})", where=where, remedy="restore it or move it away"
        ) from error
    if isinstance(error, lmdb.PanicError):
        raise StorageError("a write failed half way", where=where, remedy="restart this process") from error
    if isinstance(error, lmdb.ReadersFullError):
        raise BusyError(f"all {MAX_READERS} reader slots are taken", where=where, remedy="run fewer workers") from error
    if isinstance(error, lmdb.ReadonlyError | PermissionError) or number in (errno.EACCES, errno.EPERM, errno.EROFS):
        raise StorageError(f"no permission ({text})", where=where, remedy="give this user write access") from error
    if isinstance(error, lmdb.LockError) or number == errno.EAGAIN:
        raise BusyError(f"locked by another process ({text})", where=where, remedy="stop that process") from error
    raise StorageError(text.partition("\n")[0] or type(error).__name__, where=where) from error


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn LMDB's and the system's errors inside the block into ours."""
    try:
        yield
    except (lmdb.Error, OSError) as error:
        raise_for(error, where)


class _Forked:
    """Stands for an environment in a child process."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __getattr__(self, name: str) -> NoReturn:
        raise self.error()

    def error(self) -> StorageError:
        """What to tell who uses it."""
        return StorageError(
            "this store was opened before a fork and can't be used in the child",
            where=self.where,
            remedy="start workers by spawn, or open the store after the fork",
        )


class Environment:
    """One open LMDB environment. Get it from `open_environment`; close it as often as it was opened.

    Attributes
    ----------
    raw : lmdb.Environment
        For hot paths, which begin their own read transactions.
    path : str
        The folder, for messages.
    """

    __slots__ = ("_databases", "_inode", "_opened", "path", "raw", "sync_commits")

    def __init__(self, raw: lmdb.Environment, path: str, inode: tuple[int, int], sync_commits: bool) -> None:
        self.raw: Any = raw
        self.path = path
        self.sync_commits = sync_commits
        self._inode = inode
        self._opened = 1
        self._databases: dict[str, Any] = {}

    def database(self, name: str, *, integers: bool = False) -> Any:
        """Handle of a named database, made when missing."""
        handle = self._databases.get(name)
        if handle is None:
            with translated(self.path):
                handle = self.raw.open_db(name.encode(), integerkey=integers)
            self._databases[name] = handle
        return handle

    @contextmanager
    def write(self, *, buffers: bool = False) -> Iterator[Any]:
        """One write transaction: committed at the block's end, undone when it raises.

        Waits for another writer, of any process. Raises `FullError` when there is no space.
        """
        with translated(self.path), self.raw.begin(write=True, buffers=buffers) as transaction:
            yield transaction

    @contextmanager
    def read(self, *, buffers: bool = False) -> Iterator[Any]:
        """One read transaction: a snapshot. Buffers dangle after it."""
        with translated(self.path), self.raw.begin(buffers=buffers) as transaction:
            yield transaction

    @property
    def inherited(self) -> bool:
        """Whether it was opened before a fork, in the parent."""
        return isinstance(self.raw, _Forked)

    def check_there(self) -> None:
        """See that what is written here can be found again. Costs a microsecond or two.

        Raises
        ------
        StorageError
            The file was deleted, or another one put in its place, while it was open.
        """
        try:
            there = _inode(Path(self.path, "data.mdb")) == self._inode
        except OSError:
            there = False
        if not there:
            raise StorageError(
                "this store was deleted or replaced while it was open: what is written now goes with this process",
                where=self.path,
                remedy="stop all that have the workspace open and start again: states are made anew from lake and log, "
                "while a log has to be restored from a copy before",
            )

    def sync(self) -> None:
        """Flush all commits to the disk, and clear the slots of readers that died."""
        with translated(self.path):
            self.raw.sync(True)
            self.raw.reader_check()

    def used_bytes(self) -> int:
        """Bytes of the file in use (free pages inside it counted)."""
        return int((self.raw.info()["last_pgno"] + 1) * self.raw.stat()["psize"])

    def close(self) -> None:
        """Give it back; the last one closes the file."""
        with _LOCK:
            self._opened -= 1
            if self._opened == 0 and _OPEN.get(self._inode) is self:
                del _OPEN[self._inode]
                self.raw.close()


_LOCK = threading.Lock()
_OPEN: dict[tuple[int, int], Environment] = {}
_INHERITED: dict[tuple[int, int], Any] = {}
_HOOKED: list[bool] = []


def _after_fork() -> None:
    global _LOCK
    _LOCK = threading.Lock()
    for inode, environment in _OPEN.items():
        _INHERITED[inode] = environment.raw
        environment.raw = _Forked(environment.path)
    _OPEN.clear()


def _open_raw(folder: Path, map_size: int, sync: bool) -> lmdb.Environment:
    sizes = (map_size, *(size for size in SMALLER_MAPS if size < map_size and map_size == MAP_SIZE))
    for size in sizes:
        try:
            return lmdb.open(
                str(folder),
                map_size=size,
                max_dbs=16,
                max_readers=MAX_READERS,
                max_spare_txns=32,
                sync=sync,
                readahead=False,
            )
        except (lmdb.MemoryError, MemoryError):
            if size == sizes[-1]:
                raise
    raise AssertionError("unreachable")


def open_environment(folder: Path, *, map_size: int = MAP_SIZE, sync: bool = True, create: bool = True) -> Environment:
    """Open the environment in `folder`, or share the one this process has open.

    Parameters
    ----------
    folder : Path
        Made when missing, if `create`.
    map_size : int
        Most bytes the store may grow to.
    sync : bool
        Flush at each commit. With False nothing is lost by a killed process, much may be by a
        power loss (see `tidewheel.storage.places.boot`).

    Raises
    ------
    NotFoundError
        There is none and `create` is False.
    StorageError
        A network file system, missing permission, a damaged file; or open already with another `sync`.
    """
    refuse_network(folder)
    data = folder / "data.mdb"
    if not create and not data.exists():
        raise NotFoundError("there is no store here", where=str(folder), remedy="start the workspace once to make it")
    with _LOCK, translated(str(folder)):
        if not _HOOKED:
            os.register_at_fork(after_in_child=_after_fork)
            _HOOKED.append(True)
        make_folder(folder)
        found = _OPEN.get(_inode(data)) if data.exists() else None
        if found is None and data.exists() and _inode(data) in _INHERITED:
            raise _Forked(str(folder)).error()
        if found is None:
            new = not data.exists()
            raw = _open_raw(folder, map_size, sync)
            if new:
                sync_folder(folder)
            found = _OPEN[_inode(data)] = Environment(raw, str(folder), _inode(data), sync)
            return found
        if found.sync_commits != sync:
            raise StorageError("already open in this process with another way to sync", where=str(folder))
        found._opened += 1
        return found


def is_open(folder: Path) -> bool:
    """Whether this process has the environment in `folder` open."""
    data = folder / "data.mdb"
    return data.exists() and _inode(data) in _OPEN


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
