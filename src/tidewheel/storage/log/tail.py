"""What the log knows about itself: its head, counters by type, schemas.

Read and written in each transaction, since other processes append too; decoded only when another
process changed it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.storage.log.records import TypeCounters
from tidewheel.storage.log.rows import RowSchema, RowWriter, choose_schema

TAIL, SCHEMAS, FIRST, POSITION = b"tail", b"schemas", b"first", b"position:"


class Tail(msgspec.Struct, array_like=True):
    """`head` is the next offset; the position of a type's name in `codes` is its code in the id index."""

    head: int = 1
    last_bad_row: int = 0
    codes: list[str] = []
    types: dict[str, TypeCounters] = {}

    def counters(self, type: str) -> TypeCounters:
        """Counters of a type, made at its first event."""
        found = self.types.get(type)
        if found is None:
            found = self.types[type] = TypeCounters()
            self.codes.append(type)
        return found


_TAILS = msgspec.msgpack.Decoder(Tail)
_SCHEMAS = msgspec.msgpack.Decoder(list[RowSchema])


def read_tail(transaction: Any, meta: Any) -> Tail:
    """Read the tail, in any transaction."""
    return _TAILS.decode(bytes(transaction.get(TAIL, _EMPTY_TAIL, db=meta)))


def read_first(transaction: Any, meta: Any) -> int:
    """Return the first offset that is still in the log."""
    return int(msgspec.msgpack.decode(bytes(transaction.get(FIRST, b"\x01", db=meta))))


def read_schemas(transaction: Any, meta: Any) -> list[RowSchema]:
    """Return all schemas; one's position is its code."""
    return _SCHEMAS.decode(bytes(transaction.get(SCHEMAS, b"\x90", db=meta)))


def type_code(tail: Tail, type: str) -> int | None:
    """Code of a type in the id index, or None when it has no event yet."""
    return tail.codes.index(type) if type in tail.types else None


_EMPTY_TAIL = msgspec.msgpack.encode(Tail())


class WriterMemory:
    """What one process remembers between its write transactions. Touched only while holding LMDB's writer lock."""

    def __init__(self) -> None:
        self.writer = RowWriter(self._register)
        self.tail = Tail()
        self._schemas: list[RowSchema] = []
        self._raw: tuple[bytes, bytes] = (b"", b"")
        self._grown = False

    def load(self, transaction: Any, meta: Any) -> Tail:
        """Bring the memory up to date at the start of a write transaction."""
        tail = transaction.get(TAIL, _EMPTY_TAIL, db=meta)
        schemas = transaction.get(SCHEMAS, b"\x90", db=meta)
        if schemas != self._raw[1]:
            self._schemas = _SCHEMAS.decode(schemas)
            self.writer.forget()
        if tail != self._raw[0]:
            self.tail = _TAILS.decode(tail)
        self._raw, self._grown = (tail, schemas), False
        return self.tail

    def save(self, transaction: Any, meta: Any) -> None:
        """Write back what changed, at the end of the transaction."""
        schemas = self._raw[1]
        if self._grown:
            schemas = msgspec.msgpack.encode(self._schemas)
            transaction.put(SCHEMAS, schemas, db=meta)
        tail = msgspec.msgpack.encode(self.tail)
        transaction.put(TAIL, tail, db=meta)
        self._raw = (tail, schemas)

    def forget(self) -> None:
        """Drop everything: the transaction was undone."""
        self._raw = (b"", b"")
        self.writer.forget()

    def _register(self, type: str, names: tuple[str, ...], kinds: str) -> RowSchema:
        known = [schema for schema in self._schemas if schema.type == type and schema.names == names]
        found = choose_schema(known, kinds)
        if found is None:
            found = RowSchema(len(self._schemas), type, names, kinds)
            self._schemas.append(found)
            self._grown = True
        return found
