"""Where in the journals the newest decisions stand, found by event or by decision, from any worker.

A caller that did not hear the answer asks again, often at once and of another worker; it must get the same answer.
Each worker keeps a table in a mapped file of its own, written after its journal and before its answer: a few memory
stores. The others read it without a lock. An entry is only a hint: whoever follows it reads the journal's record,
which has a checksum, and compares the ids. The file outlives a killed worker.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

MAGIC = b"TWRECENT"
VERSION = 1
WAYS = 4
BUCKETS = 32_768
"""Buckets of four: the newest 131,072 entries of a worker, about 65,536 decisions."""
_ENTRY = struct.Struct("<QQ")
_BUCKET = struct.Struct(f"<{2 * WAYS}Q")
_HEADER = struct.Struct("<8sQ")
_HEADER_SIZE = 64
_SIZE = _HEADER_SIZE + BUCKETS * _BUCKET.size
_TAG = 0xFFFFFFFF


class Place(NamedTuple):
    """A record's place: the writer whose journal it is in, the segment, the byte."""

    writer: str
    segment: int
    position: int


class RecentTable:
    """One worker's table. Opened for writing by that worker alone.

    Parameters
    ----------
    path : Path
        The file; named after the writer of the journal that it points into.
    write : bool
        Whether to create and write it.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.writer = path.stem
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        descriptor = os.open(path, flags, 0o644)
        try:
            if write and os.fstat(descriptor).st_size != _SIZE:
                os.ftruncate(descriptor, 0)
                os.ftruncate(descriptor, _SIZE)
            access = mmap.ACCESS_WRITE if write else mmap.ACCESS_READ
            self._map = mmap.mmap(descriptor, _SIZE, access=access)
        finally:
            os.close(descriptor)
        if write:
            _HEADER.pack_into(self._map, 0, MAGIC, VERSION)
        elif _HEADER.unpack_from(self._map, 0) != (MAGIC, VERSION):
            self._map.close()
            raise ValueError(f"{path} is no table of recent decisions")
        self._next = 0

    def put(self, key: bytes, segment: int, position: int) -> None:
        """Remember where the decision for `key` stands; the bucket gives up an old entry."""
        code = crc32(key)
        self._next = way = (self._next + 1) % WAYS
        start = _HEADER_SIZE + (code % BUCKETS) * _BUCKET.size + way * _ENTRY.size
        # The tag and segment share a word, so that no reader takes one entry's tag for another's segment.
        _ENTRY.pack_into(self._map, start, code | segment << 32, position + 1)

    def find(self, key: bytes) -> list[Place]:
        """Return where decisions that may be the one for `key` stand."""
        code = crc32(key)
        words = _BUCKET.unpack_from(self._map, _HEADER_SIZE + (code % BUCKETS) * _BUCKET.size)
        if code not in (words[0] & _TAG, words[2] & _TAG, words[4] & _TAG, words[6] & _TAG):
            return []
        return [
            Place(self.writer, words[i] >> 32, words[i + 1] - 1)
            for i in range(0, 2 * WAYS, 2)
            if words[i] & _TAG == code and words[i + 1]
        ]

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()


class Recent:
    """The tables of all workers of a workspace, the own one for writing.

    Parameters
    ----------
    folder : Path
        Where the tables lie.
    writer : str
        Name of the own journal's writer; "" only reads.
    """

    def __init__(self, folder: Path, writer: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._own = RecentTable(folder / f"{writer}.recent", write=True) if writer else None
        self._tables: dict[str, RecentTable] = {}
        self.refresh()

    def refresh(self) -> None:
        """Open the tables of workers that have come since."""
        for path in self._folder.glob("*.recent"):
            if path.stem in self._tables or (self._own is not None and path.stem == self._own.writer):
                continue
            try:
                self._tables[path.stem] = RecentTable(path)
            except (OSError, ValueError):
                continue  # being made this very moment; found by the next refresh

    def put(self, event_key: bytes, decision_id: bytes, segment: int, position: int) -> None:
        """Remember a decision by its event and by its id."""
        own = self._own
        if own is not None:
            own.put(event_key, segment, position)
            own.put(decision_id, segment, position)

    def find(self, key: bytes) -> Iterator[Place]:
        """Yield the places that may hold the decision for `key`, own table first."""
        if self._own is not None:
            yield from self._own.find(key)
        for table in self._tables.values():
            yield from table.find(key)

    def close(self) -> None:
        """Unmap all."""
        for table in (self._own, *self._tables.values()):
            if table is not None:
                table.close()


def event_key(service: str, event_id: str) -> bytes:
    r"""Return the key under which the decision for an event is remembered.

    Examples
    --------
    >>> event_key("Score", "t1")
    b'Score\x00t1'
    """
    return f"{service}\0{event_id}".encode()
