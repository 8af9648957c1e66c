"""The log's index of ids: (type, id) to the offset of the first event that had it, its arrival, its newest revision."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from tidewheel.storage.keys import STAMP, bounded_key
from tidewheel.storage.log.records import Revisions

_SORTED_AT_ONCE = 200_000
"""Ids sorted and written together: B-trees like their keys in order."""

entry = STAMP.pack
"""Value of an id: the offset of its event and when that arrived (for pruning)."""
_REVISION = struct.Struct(">q")


class Known(NamedTuple):
    """What is known of an id."""

    first: int
    arrived: int
    revision: int

    @classmethod
    def of(cls, value: bytes) -> Known:
        """Read an entry; one without a revision is of the first."""
        first, arrived = STAMP.unpack_from(value)
        return cls(first, arrived, _REVISION.unpack_from(value, STAMP.size)[0] if len(value) > STAMP.size else 0)

    def entry(self) -> bytes:
        """Return the entry."""
        return entry(self.first, self.arrived) + (_REVISION.pack(self.revision) if self.revision else b"")

    def may_become(self, revision: int, arrived: int, revisable: int) -> bool | None:
        """Tell whether a correction is to be taken; None when it comes too late."""
        if not revisable or revision <= self.revision:
            return False
        return True if arrived - self.arrived <= revisable else None


def id_prefix(code: int) -> bytes:
    """Begin of the keys of a type's ids."""
    return code.to_bytes(2, "big")


def id_key(code: int, identity: bytes) -> bytes:
    """Key of an id of the type with this code."""
    return bounded_key(id_prefix(code), identity)


def first_offset(value: bytes) -> int:
    """Offset in an entry."""
    return int.from_bytes(value[:8], "big")


def put_many(transaction: Any, ids: Any, entries: list[tuple[bytes, bytes]]) -> None:
    """Write entries known to be new."""
    if entries:
        entries.sort()
        with transaction.cursor(ids) as cursor:
            cursor.putmulti(entries)


def put_import(transaction: Any, ids: Any, code: int, base: int, arrived: int, given: Iterable[str]) -> Iterator[int]:
    """Write the ids of an import's rows, in row order, and yield the rows whose id was there already."""
    numbered = enumerate(given)
    with transaction.cursor(ids) as cursor:
        while part := list(islice(numbered, _SORTED_AT_ONCE)):
            entries = sorted((id_key(code, identity.encode()), entry(base + row, arrived)) for row, identity in part)
            _, added = cursor.putmulti(entries, overwrite=False)
            if added < len(entries):
                yield from _duplicates(transaction, ids, entries, base)


def put_revised(
    transaction: Any, ids: Any, code: int, base: int, given: Iterable[str], revisions: Revisions
) -> Iterator[tuple[int, bool | None]]:
    """Write the ids of an import's rows; yield each row whose id was there, with what `may_become` says of it."""
    for row, (identity, revision, arrived) in enumerate(zip(given, revisions.numbers, revisions.arrived, strict=True)):
        key = id_key(code, identity.encode())
        value = transaction.get(key, db=ids)
        known = Known(base + row, arrived, revision)
        if value is not None:
            before = Known.of(value)
            taken = before.may_become(revision, arrived, revisions.revisable)
            yield row, taken
            known = before._replace(revision=revision) if taken else before
        transaction.put(key, known.entry(), db=ids)


def _duplicates(transaction: Any, ids: Any, entries: list[tuple[bytes, bytes]], base: int) -> Iterator[int]:
    for key, value in entries:
        if transaction.get(key, db=ids)[:8] != value[:8]:
            yield first_offset(value) - base
