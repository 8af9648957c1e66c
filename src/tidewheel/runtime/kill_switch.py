"""The kill switch: what is switched off, in a small mapped file that workers read when nothing else can be reached.

The file holds an epoch and two slots; the epoch's lowest bit says which slot counts. Whoever throws the switch fills
the other slot and then raises the epoch, one aligned word: a reader sees the list before or the list after, and a
writer killed half-way has changed nothing. Readers compare the epoch, and read a slot only when it has moved.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import msgspec

from tidewheel.errors import CorruptError, FullError, InputError

log = logging.getLogger("tidewheel.kill")

EXPERIMENT = "/experiment"
"""After a service's name: only its experiment is switched off, and the champion answers everybody."""
_MAGIC = int.from_bytes(b"TWKILL01", "little")
_EPOCH = 1
"""The epoch's word; the magic number is the first."""
_HEADER, _SLOT = 64, 32_704
_SIZE = _HEADER + 2 * _SLOT
_LENGTH = struct.Struct("<II")


class Killed(msgspec.Struct, frozen=True):
    """Something that is switched off: a service, a model, a version, or a service's experiment."""

    name: str
    at: int
    """Microseconds UTC."""
    who: str
    why: str = ""


class KillSwitch:
    """A workspace's kill switch on this machine. Readers share nothing but the file.

    Parameters
    ----------
    path : Path
        The file; made when absent.

    Raises
    ------
    CorruptError
        It is no such file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "kill"
    >>> worker, person = KillSwitch(path), KillSwitch(path)
    >>> person.kill(Killed("Score", at=0, who="ada", why="it blocks everybody"))
    >>> worker.names()
    frozenset({'Score'})
    >>> person.unkill("Score"), worker.names()
    (True, frozenset())
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with self._alone():
                if os.fstat(self._descriptor).st_size < _SIZE:
                    os.ftruncate(self._descriptor, _SIZE)
            self._map = mmap.mmap(self._descriptor, _SIZE)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._words = memoryview(self._map).cast("Q")
        if self._words[0] not in (0, _MAGIC):
            self.close()
            raise CorruptError("this is no kill switch", where=str(path), remedy="delete it; nothing is killed then")
        self._seen = -1
        self._names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Return what is switched off; for a list that has not changed this compares two integers."""
        if self._words[_EPOCH] != self._seen:
            self._look()
        return self._names

    def entries(self) -> list[Killed]:
        """Return what is switched off, since when, by whom and why.

        Raises
        ------
        CorruptError
            The list is damaged.
        """
        return self._read()[1]

    def kill(self, entry: Killed) -> None:
        """Switch something off; every worker knows it at its next request.

        Raises
        ------
        InputError
            The name is empty.
        FullError
            The file holds no more.
        """
        if not entry.name.removesuffix(EXPERIMENT):
            raise InputError("nothing is named", remedy="name a service, a model or a version")
        with self._alone():
            kept = [other for other in self.entries() if other.name != entry.name]
            self._write([*kept, entry])

    def unkill(self, name: str) -> bool:
        """Switch something on again; return whether it was off."""
        with self._alone():
            before = self.entries()
            kept = [other for other in before if other.name != name]
            if len(kept) == len(before):
                return False
            self._write(kept)
        return True

    def close(self) -> None:
        """Unmap the file."""
        self._words.release()
        self._map.close()
        os.close(self._descriptor)

    def _look(self) -> None:
        try:
            self._seen, entries = self._read()
        except CorruptError as error:
            self._seen = self._words[_EPOCH]  # said once; what was off stays off
            log.error("%s", error)
            return
        self._names = frozenset(entry.name for entry in entries)

    def _read(self) -> tuple[int, list[Killed]]:
        while True:
            epoch = self._words[_EPOCH]
            start = _HEADER + (epoch & 1) * _SLOT
            length, check = _LENGTH.unpack_from(self._map, start)
            payload = self._map[start + _LENGTH.size : start + _LENGTH.size + min(length, _SLOT)]
            if self._words[_EPOCH] != epoch:
                continue  # thrown twice meanwhile: the slot may be half of each
            if not length:
                return epoch, []
            if crc32(payload) != check:
                raise CorruptError("the list of what is killed is damaged", where=str(self.path), remedy="delete it")
            return epoch, msgspec.json.decode(payload, type=list[Killed])

    def _write(self, entries: list[Killed]) -> None:
        payload = msgspec.json.encode(entries) if entries else b""
        if _LENGTH.size + len(payload) > _SLOT:
            raise FullError("too much is killed", where=str(self.path), remedy="unkill something first")
        epoch = self._words[_EPOCH] + 1
        start = _HEADER + (epoch & 1) * _SLOT
        _LENGTH.pack_into(self._map, start, len(payload), crc32(payload))
        self._map[start + _LENGTH.size : start + _LENGTH.size + len(payload)] = payload
        self._map.flush()
        self._words[0] = _MAGIC
        self._words[_EPOCH] = epoch
        self._map.flush()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
