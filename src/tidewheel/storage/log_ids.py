"""The log's index of ids: (type, id) to the offset of the first event that had it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from tidewheel.storage.keys import STAMP, bounded_key

_SORTED_AT_ONCE = 200_000
"""Ids sorted and written together: B-trees like their keys in order."""

entry = STAMP.pack
"""Value of an id: the offset of its event and when that arrived (for pruning)."""


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


def _duplicates(transaction: Any, ids: Any, entries: list[tuple[bytes, bytes]], base: int) -> Iterator[int]:
    for key, value in entries:
        if transaction.get(key, db=ids)[:8] != value[:8]:
            yield first_offset(value) - base
