"""Feature state: one blob per (state, entity) in K LMDB environments, read in place by every process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import lmdb
import msgspec

from tidewheel.errors import ConflictError, StorageError
from tidewheel.storage.keys import LONGEST_KEY, bounded_key
from tidewheel.storage.places.disks import refuse_network, write_durably
from tidewheel.storage.places.environments import MAP_SIZE, Environment, raise_for, translated
from tidewheel.storage.state.partition import StatePartition, hash_key, open_partition, read_offsets, state_prefix

_LONGEST = LONGEST_KEY - 8


class Snapshot:
    """A consistent view of each partition, from its first read on. Get it from `StateStore.snapshot`.

    What `get` returns is memory of the store itself: copy or use it inside the ``with`` block.
    For one thread.
    """

    __slots__ = ("_environments", "_handles", "_prefixes", "_transactions")

    def __init__(self, environments: list[Environment], handles: list[Any], prefixes: dict[str, bytes]) -> None:
        self._environments = environments
        self._handles = handles
        self._prefixes = prefixes
        self._transactions: list[Any] = [None] * len(environments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for transaction in self._transactions:
            if transaction is not None:
                transaction.abort()

    def get(self, state_id: str, key: bytes) -> memoryview | None:
        """Blob of one entity, or None.

        Parameters
        ----------
        state_id : str
            16 hexadecimal digits.
        key : bytes
            The entity's key; its partition follows from it.

        Raises
        ------
        StorageError
            The store can't be read.
        """
        try:
            number = crc32(key) % len(self._transactions)
            transaction = self._transactions[number] or self._begin(number)
            prefix = self._prefixes.get(state_id) or self._learn(state_id)
            blob: memoryview | None = transaction.get(
                prefix + key if len(key) <= _LONGEST else bounded_key(prefix, key), None
            )
        except lmdb.Error as error:
            raise_for(error, "state store")
        return blob

    def get_many(self, entities: Sequence[tuple[str, bytes]]) -> list[memoryview | None]:
        """Blobs of several entities, ``(state id, key)``, in order; None for one without state. Raises as `get`."""
        transactions, prefixes, n = self._transactions, self._prefixes, len(self._transactions)
        found: list[memoryview | None] = []
        for state_id, key in entities:  # as `get`, without a call for each: a list has hundreds of items
            if len(key) > _LONGEST:
                found.append(self.get(state_id, key))
                continue
            number, prefix = crc32(key) % n, prefixes.get(state_id) or self._learn(state_id)
            try:
                transaction = transactions[number] or self._begin(number)
                found.append(transaction.get(prefix + key, None))
            except lmdb.Error as error:
                raise_for(error, "state store")
        return found

    def _begin(self, number: int) -> Any:
        begin = self._environments[number].raw.begin
        transaction = self._transactions[number] = begin(self._handles[number], None, False, True)
        return transaction

    def _learn(self, state_id: str) -> bytes:
        prefix = self._prefixes[state_id] = state_prefix(state_id)
        return prefix


class StateStore:
    """All partitions of the state, for reading; `writer` gives the writer of one.

    Safe to share between threads. `tidewheel.storage.protocols.State` is its contract.

    Parameters
    ----------
    folder : Path
    partitions : int
        How many; fixed at the first opening.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> store = StateStore.open(Path(tempfile.mkdtemp()), partitions=2)
    >>> state_id, key = "00000000000000aa", b"c42"
    >>> writer = store.writer(store.partition_of(key))
    >>> with writer.batch() as batch:
    ...     batch.put_blobs(state_id, [key], np.array([7, 8]), np.array([0, 2]))
    ...     batch.set_offset(state_id, 1)
    >>> with store.snapshot() as snapshot:
    ...     snapshot.get(state_id, key).cast("q").tolist()
    [7, 8]
    >>> writer.close(); store.close()
    """

    def __init__(self, folder: Path, partitions: int, map_size: int = MAP_SIZE) -> None:
        self.folder = folder
        self.partitions = partitions
        self._map_size = map_size
        self._environments = [open_partition(folder / str(k), map_size)[0] for k in range(partitions)]
        self._blobs = [environment.database("blobs") for environment in self._environments]
        self._strings = [environment.database("strings") for environment in self._environments]
        self._meta = [environment.database("meta") for environment in self._environments]
        self._prefixes: dict[str, bytes] = {}
        self._closed = False

    @classmethod
    def open(cls, folder: Path, partitions: int, map_size: int = MAP_SIZE) -> Self:
        """Open the store, made when missing. Partitions that a power loss may have torn come up empty.

        Raises
        ------
        ConflictError
            It was made with another number of partitions.
        StorageError
        """
        refuse_network(folder)
        with translated(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            _check_partitions(folder, partitions)
        return cls(folder, partitions, map_size)

    def check_there(self) -> None:
        """Raise `StorageError` where a partition's file was deleted or replaced while it was open."""
        for environment in self._environments:
            environment.check_there()

    def close(self) -> None:
        """Give all partitions back."""
        if not self._closed:
            self._closed = True
            for environment in self._environments:
                environment.close()

    def partition_of(self, key: bytes) -> int:
        """Partition of an entity: CRC-32 of its key, modulo K."""
        return crc32(key) % self.partitions

    def snapshot(self) -> Snapshot:
        """Begin a read: ``with store.snapshot() as snapshot: snapshot.get(...)``."""
        return Snapshot(self._environments, self._blobs, self._prefixes)

    def writer(self, partition: int, token: int = 0) -> StatePartition:
        """Open the writer of a partition, under a lease's fencing token."""
        if not 0 <= partition < self.partitions:
            raise StorageError(f"no partition {partition} of {self.partitions}", where=str(self.folder))
        return StatePartition(self.folder / str(partition), token, self._map_size)

    def text(self, hash: int) -> str | None:
        """The text with this 64-bit hash, or None when no partition knows it."""
        key = hash_key(hash)
        for environment, strings in zip(self._environments, self._strings, strict=True):
            with environment.read() as transaction:
                value = transaction.get(key, db=strings)
            if value is not None:
                return str(value, "utf-8")
        return None

    def offsets(self, *, for_decision: bool = False) -> list[dict[str, int]]:
        """Per partition: last folded offset by state id."""
        return [read_offsets(*pair) for pair in zip(self._environments, self._meta, strict=True)]

    def offset(self, state_id: str) -> int:
        """Offset up to which every partition has folded a state; 0 when one has not begun."""
        return min(offsets.get(state_id, 0) for offsets in self.offsets())

    def scan(self, state_id: str) -> Iterator[tuple[bytes, bytes]]:
        """All entities of a state, ``(key, blob)``, each partition as of the moment it is reached.

        A key beyond 503 bytes comes as the hash it is stored under.
        """
        prefix = state_prefix(state_id)
        for environment, blobs in zip(self._environments, self._blobs, strict=True):
            with environment.read() as transaction, transaction.cursor(blobs) as cursor:
                found = cursor.set_range(prefix)
                while found and cursor.key().startswith(prefix):
                    yield cursor.key()[8:], cursor.value()
                    found = cursor.next()

    def used_bytes(self) -> int:
        """Bytes in use over all partitions."""
        return sum(environment.used_bytes() for environment in self._environments)


def _check_partitions(folder: Path, partitions: int) -> None:
    note = folder / "partitions.json"
    if not note.exists():
        write_durably(note, msgspec.json.encode(partitions))
    made_with = msgspec.json.decode(note.read_bytes())
    if made_with != partitions:
        raise ConflictError(
            f"the state was made with {made_with} partitions, not {partitions}",
            where=str(folder),
            remedy=f"set `partitions = {made_with}`, or delete the folder: state is rebuilt from the lake and the log",
        )
