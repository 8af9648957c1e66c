"""The log's index of ids: (type, id) to the offset of the first event that had it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

LONGEST_KEY = 511
_ENTRY = struct.Struct(">QQ")
_SORTED_AT_ONCE = 200_000
"""Ids sorted and written together: B-trees like their keys in order."""


def id_key(code: int, identity: bytes) -> bytes:
    r"""Key of an id of the type with this code; an id too long for a key goes by its hash.

    Examples
    --------
    >>> id_key(3, b"t1")
    b'\x00\x03t1'
    """
    if len(identity) > LONGEST_KEY - 2:
        identity = b"\xff" + hashlib.sha256(identity).digest()
    return code.to_bytes(2, "big") + identity


def entry(offset: int, arrived: int) -> bytes:
    """Value of an id: where its event stands, and when it arrived (for pruning)."""
    return _ENTRY.pack(offset, arrived)


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


def prune(transaction: Any, ids: Any, code: int, before: int, after: bytes, limit: int) -> tuple[int, bytes | None]:
    """Delete ids that arrived before an instant, looking at `limit` entries from key `after` on.

    Returns
    -------
    tuple
        How many were deleted, and the key to go on from (None at the end of the type).
    """
    prefix = code.to_bytes(2, "big")
    deleted = 0
    with transaction.cursor(ids) as cursor:
        found = cursor.set_range(after or prefix)
        for _ in range(limit):
            if not found or not cursor.key().startswith(prefix):
                return deleted, None
            if int.from_bytes(cursor.value()[8:], "big") < before:
                deleted += 1
                found = cursor.delete() and cursor.key() != b""
            else:
                found = cursor.next()
        return deleted, bytes(cursor.key()) if found else None
