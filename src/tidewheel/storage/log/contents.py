"""All that a log holds, entry by entry: to be moved to another place as it is, and compared there.

Events, ids, counters, positions, imports and quarantine are entries of LMDB databases. Moved as they are, everything
that names an offset or recognises an id goes on, whatever was trimmed or pruned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tidewheel.storage.log.append import Databases

OF_A_COPY = b"kafka:"
"""Entries of `meta` that begin with this say of what topic a copy is; they are no part of the log."""
ORDER = ("ids", "imports", "quarantine", "events", "meta")
"""The head and the counters come last: what is there in part does not look like a log."""

Entry = tuple[bytes, bytes]


class Place(NamedTuple):
    """How far a log's entries are read: the last one's database and key."""

    database: str = ORDER[0]
    key: bytes = b""


class Piece(NamedTuple):
    """Entries of one database, in order of their keys, which are all that comes after a place."""

    after: Place
    database: str
    entries: list[Entry]

    @property
    def place(self) -> Place:
        """The place of the last entry."""
        return Place(self.database, self.entries[-1][0])


class Digest(msgspec.Struct, frozen=True):
    """Entries of a database: how many, how many bytes, and a hash of all of them."""

    entries: int
    bytes: int
    hash: str


def pieces(transaction: Any, databases: Databases, after: Place, most: int) -> Iterator[Piece]:
    """Yield what comes after a place, in pieces of about `most` bytes, one entry at least."""
    for database in ORDER[ORDER.index(after.database) :]:
        taken: list[Entry] = []
        size = 0
        for key, value in _entries(transaction, databases, database, after.key if after.database == database else b""):
            if taken and size + len(key) + len(value) > most:
                yield (piece := Piece(after, database, taken))
                after, taken, size = piece.place, [], 0
            taken.append((key, value))
            size += len(key) + len(value)
        if taken:
            yield (piece := Piece(after, database, taken))
            after = piece.place


def put(transaction: Any, databases: Databases, piece: Piece) -> None:
    """Write a piece into a log that has all that comes before it."""
    for key, value in piece.entries:
        transaction.put(key, value, db=getattr(databases, piece.database))


def clear(transaction: Any, databases: Databases) -> None:
    """Empty a log."""
    for database in ORDER[:-1]:
        transaction.drop(getattr(databases, database), delete=False)
    for key, _ in list(_entries(transaction, databases, ORDER[-1])):
        transaction.delete(key, db=databases.meta)


def forget_copy(transaction: Any, meta: Any) -> None:
    """Delete what a copy's `meta` says of its topic."""
    with transaction.cursor(meta) as cursor:
        found = cursor.set_range(OF_A_COPY)
        while found and cursor.key().startswith(OF_A_COPY):
            found = cursor.delete() and cursor.key() != b""


def digests(transaction: Any, databases: Databases) -> dict[str, Digest]:
    """Return what tells the entries of each database from any others."""
    return {database: _digest(_entries(transaction, databases, database)) for database in ORDER}


def _digest(entries: Iterator[Entry]) -> Digest:
    hashed = hashlib.blake2b(digest_size=16)
    count = size = 0
    for key, value in entries:
        hashed.update(b"%d %d " % (len(key), len(value)))
        hashed.update(key)
        hashed.update(value)
        count, size = count + 1, size + len(key) + len(value)
    return Digest(count, size, hashed.hexdigest())


def _entries(transaction: Any, databases: Databases, database: str, after: bytes = b"") -> Iterator[Entry]:
    with transaction.cursor(getattr(databases, database)) as cursor:
        found = cursor.set_range(after) if after else cursor.first()
        if found and cursor.key() == after:
            found = cursor.next()
        while found:
            key = cursor.key()
            if database != "meta" or not key.startswith(OF_A_COPY):
                yield key, cursor.value()
            found = cursor.next()
