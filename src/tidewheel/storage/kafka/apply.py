"""One message of a log's topic, applied to a local copy: the same calls, in the same order, on every host.

What a message does depends on the copy it meets and on nothing else: no clock, no setting. So all copies that have
applied the same messages hold the same events at the same offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tidewheel.errors import ConflictError
from tidewheel.storage.kafka.messages import (
    Append,
    Delete,
    Import,
    Long,
    Message,
    Move,
    Prune,
    Result,
    Rows,
    Slice,
    decode,
)
from tidewheel.storage.kafka.moving import apply_move, refuse_call
from tidewheel.storage.keys import prune
from tidewheel.storage.log import append as log_append
from tidewheel.storage.log import ids as log_ids
from tidewheel.storage.log import quarantine
from tidewheel.storage.log.append import Appending, offset_key
from tidewheel.storage.log.records import Revisions
from tidewheel.storage.log.tail import type_code

PARTS_KEPT = 1_000_000
"""A call whose parts lie further back in the topic than this is void: who sent them has died in between."""
_AT_ONCE = 100_000


class Parts:
    """Parts that were met, by their place in the topic, until the call that names them comes.

    Parameters
    ----------
    database
        Of the copy's environment.
    where : str
    """

    def __init__(self, database: Any, where: str) -> None:
        self._database = database
        self.where = where

    def keep(self, transaction: Any, offset: int, value: bytes) -> None:
        """Keep one; let go of those that no call may name any more."""
        transaction.put(offset_key(offset), value, db=self._database)
        with transaction.cursor(self._database) as cursor:
            found = cursor.first()
            while found and int.from_bytes(cursor.key(), "big") < offset - PARTS_KEPT:
                found = cursor.delete() and cursor.key() != b""

    def check(self, transaction: Any, offsets: list[int], before: int) -> None:
        """Raise `ConflictError` unless all are there."""
        for offset in offsets:
            here = transaction.get(offset_key(offset), db=self._database) is not None
            if offset < before - PARTS_KEPT or not here:
                raise ConflictError("a part of this call is missing", where=self.where, remedy="call again")

    def read(self, transaction: Any, offsets: list[int]) -> Iterator[Slice | Rows]:
        """Yield them one by one."""
        for offset in offsets:
            part = decode(transaction.get(offset_key(offset), db=self._database), self.where)
            if isinstance(part, Slice | Rows):
                yield part

    def rows(self, transaction: Any, offsets: list[int]) -> Iterator[Rows]:
        """Yield those that are rows of an import."""
        return (part for part in self.read(transaction, offsets) if isinstance(part, Rows))

    def joined(self, transaction: Any, offsets: list[int]) -> Append:
        """Return the call whose slices they are."""
        message = decode(self.body(transaction, offsets), self.where)
        if not isinstance(message, Append):
            raise ConflictError("the parts of this call are not one", where=self.where, remedy="call again")
        return message

    def body(self, transaction: Any, offsets: list[int]) -> bytes:
        """Return the bytes that slices make up."""
        return b"".join(part.body for part in self.read(transaction, offsets) if isinstance(part, Slice))

    def drop(self, transaction: Any, offsets: list[int]) -> None:
        """Delete them, after their call."""
        for offset in offsets:
            transaction.delete(offset_key(offset), db=self._database)


def apply(appending: Appending, parts: Parts, message: Message, offset: int) -> Result:
    """Do what the message at an offset of the topic says; those that carry parts, and `Born`, are the caller's matter.

    Raises
    ------
    ConflictError
        It is refused: the transaction is to be undone.
    """
    if isinstance(message, Move):
        return _move(appending, parts, message, offset)
    refuse_call(appending.transaction, appending.databases.meta, parts.where)
    if isinstance(message, Append):
        return _append(appending, message)
    if isinstance(message, Long):
        parts.check(appending.transaction, message.parts, offset)
        result = _append(appending, parts.joined(appending.transaction, message.parts))
        parts.drop(appending.transaction, message.parts)
        return result
    if isinstance(message, Import):
        return _import(appending, parts, message, offset)
    if isinstance(message, Prune):
        return Result(count=_prune(appending, message))
    if isinstance(message, Delete):
        seqs = message.seqs
        return Result(count=quarantine.delete(appending.transaction, appending.databases.quarantine, seqs))
    return Result()


def _move(appending: Appending, parts: Parts, message: Move, offset: int) -> Result:
    transaction, large, named = appending.transaction, b"", getattr(message, "parts", [])
    if named:
        parts.check(transaction, named, offset)
        large = parts.body(transaction, named)
        parts.drop(transaction, named)
    apply_move(transaction, appending.databases, message, large)
    appending.overtaken = True
    return Result()


def _append(appending: Appending, message: Append) -> Result:
    meta = appending.databases.meta
    log_append.set_positions(appending.transaction, meta, message.positions, message.expected)
    appending.now = message.now
    outcomes = [appending.add(event) for event in message.events]
    appending.put_aside(message.quarantine)
    return Result(outcomes=outcomes)


def _import(appending: Appending, parts: Parts, message: Import, offset: int) -> Result:
    transaction = appending.transaction
    raw = transaction.get(message.record.import_id.encode(), db=appending.databases.imports)
    if raw is not None:
        parts.drop(transaction, message.parts)
        return Result(record=msgspec.msgpack.decode(raw, type=type(message.record)))
    parts.check(transaction, message.parts, offset)
    rows = message.parts
    ids = (identity for part in parts.rows(transaction, rows) for identity in part.ids)
    revisions = None
    if message.revisable is not None:
        numbers = [number for part in parts.rows(transaction, rows) for number in part.revisions]
        arrived = [at for part in parts.rows(transaction, rows) for at in part.arrived]
        revisions = Revisions(message.revisable, numbers, arrived)
    record = log_append.put_import(appending, message.record, ids, message.times, revisions)
    parts.drop(transaction, message.parts)
    return Result(record=record)


def _prune(appending: Appending, message: Prune) -> int:
    code = type_code(appending.tail, message.event)
    deleted, key = 0, b"" if code is not None else None
    while code is not None and key is not None:
        ids, prefix = appending.databases.ids, log_ids.id_prefix(code)
        count, key = prune(appending.transaction, ids, prefix, message.before, key, _AT_ONCE)
        deleted += count
    return deleted
