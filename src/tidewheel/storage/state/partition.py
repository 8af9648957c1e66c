"""Writing one partition of the state: everything of a micro-batch in one transaction.

Databases of a partition's environment:

==============  ===========================================  ========================================
``blobs``       state id (8 bytes), entity key               the kernel's state blob
``strings``     64-bit hash of a text                        the text
``references``  type, 0, id                                  offset, arrived, columns (msgpack)
``waiting``     type, 0, length of id, id, offset            an event whose target has not come
``meta``        ``offset:`` name; ``token``                  last folded offset; fencing token
==============  ===========================================  ========================================
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError, LeaseError, StorageError
from tidewheel.storage.keys import STAMP, bounded_key, prune
from tidewheel.storage.places.boot import CleanMark
from tidewheel.storage.places.environments import MAP_SIZE, Environment, open_environment

_log = logging.getLogger("tidewheel.storage")

Words = npt.NDArray[np.int64]
_NAMES = ("blobs", "strings", "references", "waiting", "meta")
_OFFSET, _TOKEN = b"offset:", b"token"
_MASK = (1 << 64) - 1
_PRUNED_AT_ONCE = 50_000
_encode, _decode = msgspec.msgpack.encode, msgspec.msgpack.decode


class Reference(NamedTuple):
    """What is kept of an event that others refer to."""

    offset: int
    arrived: int
    columns: dict[str, Any]


def pack_reference(reference: Reference) -> bytes:
    """Return a reference as stores keep it."""
    return STAMP.pack(reference.offset, reference.arrived) + _encode(reference.columns)


def unpack_reference(value: bytes | memoryview) -> Reference:
    """Return what `pack_reference` was given."""
    offset, arrived = STAMP.unpack_from(value)
    return Reference(offset, arrived, _decode(value[STAMP.size :]))


def state_prefix(state_id: str) -> bytes:
    """First 8 bytes of a state's keys: its id, 16 hexadecimal digits."""
    return bytes.fromhex(state_id)


def hash_key(hash: int) -> bytes:
    """Key of a text by its 64-bit hash, signed or not."""
    return (hash & _MASK).to_bytes(8, "big")


SECONDS_LOCKED = 3.0
"""How long one process waits for another that is opening the same partition, which takes milliseconds."""


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "open.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    end = time.monotonic() + SECONDS_LOCKED
    try:
        while not _locked(descriptor):
            if time.monotonic() >= end:
                raise StorageError(
                    f"locked by another process for over {SECONDS_LOCKED:g} s",
                    where=str(path),
                    remedy="stop the process that holds it (`lsof` names it); what waits for it goes on by itself",
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def open_partition(folder: Path, map_size: int = MAP_SIZE) -> tuple[Environment, CleanMark]:
    """Open a partition's environment; one that a power loss may have torn is emptied first, to be rebuilt.

    So is one whose file is damaged, since a state can always be made again; the file is put aside.

    Raises
    ------
    StorageError
    """
    mark = CleanMark(folder / "mark.json")
    with _folder_lock(folder):
        if mark.trust() == "power lost":
            for name in ("data.mdb", "lock.mdb"):
                (folder / name).unlink(missing_ok=True)
            mark.set(clean=True)
        try:
            return open_environment(folder, map_size=map_size, sync=False), mark
        except CorruptError as error:
            _log.warning("%s; put aside as data.mdb.damaged, the state is made again", error.message)
            (folder / "data.mdb").replace(folder / "data.mdb.damaged")
            (folder / "lock.mdb").unlink(missing_ok=True)
        return open_environment(folder, map_size=map_size, sync=False), mark


class PartitionBatch:
    """The reads and writes of one micro-batch, inside its transaction."""

    def __init__(self, transaction: Any, databases: Mapping[str, Any]) -> None:
        self._transaction = transaction
        self._databases = databases

    def blobs(self, state_id: str, keys: Sequence[bytes]) -> tuple[Words, Words]:
        """State blobs of some entities, concatenated: ``(words int64[:], starts int64[n + 1])``.

        An entity without state has an empty slice.
        """
        prefix, get, database = state_prefix(state_id), self._transaction.get, self._databases["blobs"]
        found = [get(bounded_key(prefix, key), b"", database) for key in keys]
        edges = accumulate((len(blob) // 8 for blob in found), initial=0)
        return np.frombuffer(b"".join(found), np.int64), np.fromiter(edges, np.int64, len(keys) + 1)

    def put_blobs(self, state_id: str, keys: Sequence[bytes], words: Words, starts: Words) -> None:
        """Store blobs, given as `blobs` gives them; an empty slice is left out."""
        prefix, raw = state_prefix(state_id), np.ascontiguousarray(words).data.cast("B")
        edges = (starts * 8).tolist()
        full = [bounded_key(prefix, key) for key in keys]
        items = [(full[i], raw[edges[i] : edges[i + 1]]) for i in sorted(range(len(full)), key=full.__getitem__)]
        with self._transaction.cursor(self._databases["blobs"]) as cursor:
            cursor.putmulti([item for item in items if len(item[1])])

    def put_strings(self, texts: Mapping[int, str]) -> None:
        """Store texts by their hash; those known already stay."""
        if not texts:
            return
        items = sorted((hash_key(hash), text.encode()) for hash, text in texts.items())
        with self._transaction.cursor(self._databases["strings"]) as cursor:
            cursor.putmulti(items, overwrite=False)

    def put_references(self, type: str, references: Iterable[tuple[str, Reference]]) -> None:
        """Store what is kept of events of `type`, by id."""
        prefix = _type_prefix(type)
        items = [(bounded_key(prefix, id.encode()), pack_reference(reference)) for id, reference in references]
        items.sort()
        with self._transaction.cursor(self._databases["references"]) as cursor:
            cursor.putmulti(items)

    def references(self, type: str, ids: Sequence[str]) -> list[Reference | None]:
        """What is kept of events of `type`, None for those that have not come (or were pruned)."""
        prefix, get, database = _type_prefix(type), self._transaction.get, self._databases["references"]
        values = [get(bounded_key(prefix, id.encode()), None, database) for id in ids]
        return [None if value is None else unpack_reference(value) for value in values]

    def wait(self, type: str, target: str, offset: int, entry: bytes) -> None:
        """Keep an event (at `offset`) until the event `target` of `type` comes."""
        key = _waiting_prefix(type, target) + offset.to_bytes(8, "big")
        self._transaction.put(key, STAMP.pack(offset, 0) + entry, db=self._databases["waiting"])

    def take_waiting(self, type: str, targets: Iterable[str]) -> list[tuple[str, int, bytes]]:
        """Remove and return the events that wait for some targets: ``(target, offset, entry)``, in order of offset."""
        if self._transaction.stat(self._databases["waiting"])["entries"] == 0:
            return []
        prefixes = sorted((_waiting_prefix(type, target), target) for target in set(targets))
        taken, found, here = [], True, b""
        with self._transaction.cursor(self._databases["waiting"]) as cursor:
            for prefix, target in prefixes:
                if here < prefix:
                    found, here = cursor.set_range(prefix), bytes(cursor.key())
                while found and here[:-8] == prefix:
                    value = bytes(cursor.value())
                    taken.append((target, STAMP.unpack_from(value)[0], value[STAMP.size :]))
                    cursor.delete()
                    here = bytes(cursor.key())
                    found = len(here) > 0
                if not found:
                    break
        return sorted(taken, key=lambda entry: entry[1])

    def offset(self, name: str) -> int:
        """Last offset folded into a state (or whatever else carries this name); 0 for none."""
        return int.from_bytes(self._transaction.get(_OFFSET + name.encode(), b"", self._databases["meta"]), "big")

    def set_offset(self, name: str, offset: int) -> None:
        """Store the last offset folded, with everything else of this batch."""
        self._transaction.put(_OFFSET + name.encode(), offset.to_bytes(8, "big"), db=self._databases["meta"])

    def check_token(self, token: int) -> None:
        """Take the partition for the lease with this token.

        Raises
        ------
        LeaseError
            A later lease has taken it.
        """
        stored = int.from_bytes(self._transaction.get(_TOKEN, b"", self._databases["meta"]), "big")
        if token < stored:
            raise LeaseError(
                f"lease {token} on this state partition has ended: lease {stored} took it over",
                remedy="stop this worker; the other one goes on",
            )
        if token > stored:
            self._transaction.put(_TOKEN, token.to_bytes(8, "big"), db=self._databases["meta"])


class StatePartition:
    """The writer of one partition. One at a time, by lease; a stale one is refused by its token.

    Commits are not flushed one by one: a killed process loses nothing, and a power loss empties the
    partition, to be rebuilt from the lake and the log.
    """

    def __init__(self, folder: Path, token: int = 0, map_size: int = MAP_SIZE) -> None:
        self.token = token
        self._environment, self._mark = open_partition(folder, map_size)
        self._databases = {name: self._environment.database(name) for name in _NAMES}
        self._mark.set(clean=False)
        self._closed = False

    @contextmanager
    def batch(self) -> Iterator[PartitionBatch]:
        """One micro-batch: all of it or nothing.

        Raises
        ------
        LeaseError
            Another lease has taken the partition.
        FullError
        """
        with self._environment.write(buffers=True) as transaction:
            batch = PartitionBatch(transaction, self._databases)
            batch.check_token(self.token)
            yield batch

    def offsets(self) -> dict[str, int]:
        """All stored offsets, by name."""
        return read_offsets(self._environment, self._databases["meta"])

    def drop(self, state_id: str) -> int:
        """Delete a state that no version reads any more, in steps; return how many entities it had."""
        prefix, total, deleted = state_prefix(state_id), 0, 1
        while deleted:
            with self._environment.write() as transaction:
                deleted = _delete_prefix(transaction, self._databases["blobs"], prefix, _PRUNED_AT_ONCE)
            total += deleted
        with self._environment.write() as transaction:
            while _delete_prefix(transaction, self._databases["waiting"], f"{state_id}:".encode(), _PRUNED_AT_ONCE):
                pass
            transaction.delete(_OFFSET + state_id.encode(), db=self._databases["meta"])
        return total

    def prune_references(self, type: str, before: int) -> int:
        """Forget references to events that arrived before an instant; return how many."""
        deleted = 0
        key: bytes | None = b""
        while key is not None:
            with self._environment.write() as transaction:
                database = self._databases["references"]
                count, key = prune(transaction, database, _type_prefix(type), before, key, _PRUNED_AT_ONCE)
            deleted += count
        return deleted

    def reset(self) -> None:
        """Empty the partition, to be rebuilt; the fencing token stays."""
        with self._environment.write() as transaction:
            token = transaction.get(_TOKEN, db=self._databases["meta"])
            for database in self._databases.values():
                transaction.drop(database, delete=False)
            if token is not None:
                transaction.put(_TOKEN, token, db=self._databases["meta"])

    def sync(self) -> None:
        """Flush to the disk (call it each second or so), and free the slots of readers that died.

        Raises
        ------
        StorageError
            The partition's file was deleted or replaced while it was open.
        """
        self._environment.check_there()
        self._environment.sync()

    def close(self) -> None:
        """Flush, mark the partition clean, and give it back."""
        if not self._closed and not self._environment.inherited:
            self._closed = True
            self._environment.sync()
            self._mark.try_set_clean()
            self._environment.close()


def read_offsets(environment: Environment, meta: Any) -> dict[str, int]:
    """Read all offsets of a partition."""
    found = {}
    with environment.read() as transaction, transaction.cursor(meta) as cursor:
        more = cursor.set_range(_OFFSET)
        while more and cursor.key().startswith(_OFFSET):
            found[cursor.key()[len(_OFFSET) :].decode()] = int.from_bytes(cursor.value(), "big")
            more = cursor.next()
    return found


def _type_prefix(type: str) -> bytes:
    return type.encode() + b"\0"


def _waiting_prefix(type: str, target: str) -> bytes:
    raw = target.encode()
    return bounded_key(_type_prefix(type) + len(raw).to_bytes(4, "big"), raw, room=8)


def _delete_prefix(transaction: Any, database: Any, prefix: bytes, limit: int) -> int:
    deleted = 0
    with transaction.cursor(database) as cursor:
        found = cursor.set_range(prefix)
        while found and deleted < limit and cursor.key().startswith(prefix):
            deleted += 1
            found = cursor.delete() and cursor.key() != b""
    return deleted
