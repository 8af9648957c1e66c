"""Where the decisions of the last moments stand in the journal, found from any worker before the index knows them.

A caller that did not hear the answer asks again, often at once and of another worker; it must get the same answer.
The decision index follows the journal from behind. What it has not read yet is found here: each writer keeps a table
in a mapped file of its own, filled after the journal and before the answer by a few memory stores, and read by the
others without a lock. An entry is only a hint: whoever follows it reads the journal's record, which has a checksum,
and compares the ids.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
from pathlib import Path
from time import monotonic, time
from zlib import crc32

from tidewheel.collect.appending.decision_index import Place
from tidewheel.errors import StorageError

MAGIC = b"TWRECNT1"
WAYS = 4
BUCKETS = 16_384
"""Buckets of four places: room for the newest 65,536 decisions of a writer."""
MOST_WRITERS = 256
LINGER = 30.0
"""Seconds after a writer's death in which its table is still asked; by then the index has read its journal."""
_ENTRY = struct.Struct("<QQ")
_BUCKET = struct.Struct(f"<{2 * WAYS}Q")
_ENTRY_SIZE, _BUCKET_SIZE, _put = _ENTRY.size, _BUCKET.size, _ENTRY.pack_into
_HEADER = struct.Struct("<8sQ")
_HEADER_SIZE = 64
_SIZE = _HEADER_SIZE + BUCKETS * _BUCKET_SIZE
_TAG = 0xFFFFFFFF
_HALF = 0xFFFF


class RecentTable:
    """One writer's table. Its slot is held (``flock``) while the writer lives, and taken over by the next one.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Whether to make it, and hold its slot.

    Raises
    ------
    BlockingIOError
        Another writer holds the slot.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        self._descriptor = os.open(path, flags | os.O_CLOEXEC, 0o644)
        try:
            if write:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(self._descriptor, _SIZE)
            access = mmap.ACCESS_WRITE if write else mmap.ACCESS_READ
            self._map = mmap.mmap(self._descriptor, _SIZE, access=access)
        except BaseException:
            os.close(self._descriptor)
            raise
        if write:
            os.utime(path.parent)  # those that look at the folder's time see that a writer has begun
        else:
            os.close(self._descriptor)  # the mapping stays: whoever looks through it may outlast who let it go
            self._descriptor = -1
        self.slot = path.stem
        self._next = 0
        self._term = _HEADER.unpack_from(self._map, 0)[1] + 1 if write else 0
        self._term_bits = (self._term & _HALF) << 48
        if write:
            _HEADER.pack_into(self._map, 0, MAGIC, self._term)

    @property
    def writer(self) -> str:
        """The name for the journal's writer: new each time that the slot is taken."""
        return f"{self.slot}-{self._term}"

    def put(self, key: bytes, number: int, position: int) -> None:
        """Remember where the decision for `key` stands: a segment's number, and the byte in it."""
        code = crc32(key)
        self._next = way = (self._next + 1) & (WAYS - 1)
        start = _HEADER_SIZE + (code % BUCKETS) * _BUCKET_SIZE + way * _ENTRY_SIZE
        _put(self._map, start, code | (number & _HALF) << 32 | self._term_bits, position + 1)

    def find(self, key: bytes) -> list[Place]:
        """Return where decisions that may be the one for `key` stand."""
        code = crc32(key)
        words = _BUCKET.unpack_from(self._map, _HEADER_SIZE + (code % BUCKETS) * _BUCKET_SIZE)
        if code not in (words[0] & _TAG, words[2] & _TAG, words[4] & _TAG, words[6] & _TAG):
            return []
        return [
            Place(f"{self.slot}-{words[i] >> 48}-{words[i] >> 32 & _HALF:08d}", words[i + 1] - 1)
            for i in range(0, 2 * WAYS, 2)
            if words[i] & _TAG == code and words[i + 1]
        ]

    def close(self) -> None:
        """Unmap the file and let the slot go."""
        self._map.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)


class Recent:
    """The tables of all writers of a workspace, the own one for writing.

    Parameters
    ----------
    folder : Path
        Where the tables lie.
    role : str
        Begins the slot's name, such as ``worker``; "" only reads.
    several : bool
        Whether there are to be others, seen or not: one that has just begun is seen half a second later.

    Raises
    ------
    StorageError
        More writers live than there are slots.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> one = Recent(folder, "worker")
    >>> other = Recent(folder, "worker")
    >>> one.refresh()
    >>> one.writer, other.writer
    ('worker-0-1', 'worker-1-1')
    >>> one.put(b"event", "worker-0-1-00000003", 4096)
    >>> other.find(b"event")
    [Place(segment='worker-0-1-00000003', position=4096)]
    >>> one.close(); other.close()
    """

    def __init__(self, folder: Path, role: str = "", *, several: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._several = several
        self._folder = folder
        self._own = _free_slot(folder, role) if role else None
        self._others: dict[str, RecentTable] = {}
        self._gone: dict[str, float] = {}
        self._looked_at = 0
        self._looking = threading.Lock()
        self.alone = not several
        """Whether no other writer was there at the last refresh: then nothing needs to be put."""
        self._segment, self._number = "", 0
        self.refresh()

    @property
    def writer(self) -> str:
        """The name that the journal's writer is to have, so that entries lead to its segments."""
        assert self._own is not None
        return self._own.writer

    def refresh(self) -> None:
        """Open the tables of writers that have come since, and let go those of writers that have long gone."""
        with self._looking:
            self._looked_at = os.stat(self._folder).st_mtime_ns
            # A new mapping each time: another thread may be looking through the old one.
            others: dict[str, RecentTable] = {}
            for path in self._folder.glob("*.recent"):
                mine = self._own is not None and path.stem == self._own.slot
                table = self._others.get(path.stem)
                if not mine and self._counts(path, table) and (table := table or _opened(path)) is not None:
                    others[path.stem] = table
            self._others = others
            self.alone = not others and not self._several

    def _counts(self, path: Path, table: RecentTable | None) -> bool:
        """Return whether a table is to be asked: its writer lives, or died just now."""
        if _is_held(path):
            self._gone.pop(path.stem, None)
            return True
        if table is None:  # never seen
            return path.stat().st_mtime > time() - LINGER
        return self._gone.setdefault(path.stem, monotonic()) >= monotonic() - LINGER

    def put(self, key: bytes, segment: str, position: int) -> None:
        """Remember where the decision for an event stands."""
        own = self._own
        if own is None:
            return
        if segment != self._segment:
            self._segment, self._number = segment, int(segment.rpartition("-")[2])
        own.put(key, self._number, position)

    def find(self, key: bytes) -> list[Place]:
        """Return the places in other writers' segments that may hold the decision for an event.

        A writer knows its own last decisions by itself.
        """
        if self._several and os.stat(self._folder).st_mtime_ns != self._looked_at:
            self.refresh()
        found: list[Place] = []
        for table in self._others.values():
            found += table.find(key)
        return found

    def close(self) -> None:
        """Unmap all."""
        for table in (self._own, *self._others.values()):
            if table is not None:
                table.close()


def _opened(path: Path) -> RecentTable | None:
    try:
        return RecentTable(path)
    except (OSError, ValueError):
        return None  # being made this very moment; found by the next refresh


def _is_held(path: Path) -> bool:
    """Whether a slot's writer lives."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _free_slot(folder: Path, role: str) -> RecentTable:
    for number in range(MOST_WRITERS):
        try:
            return RecentTable(folder / f"{role}-{number}.recent", write=True)
        except BlockingIOError:
            continue
    raise StorageError(
        f"{MOST_WRITERS} processes decide in this workspace already", where=str(folder), remedy="stop some of them"
    )
