"""One write transaction of the event log: from events to rows, ids, counters and outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from tidewheel.errors import ConflictError, SchemaError
from tidewheel.storage.log import chunks as log_chunks
from tidewheel.storage.log import ids as log_ids
from tidewheel.storage.log import quarantine
from tidewheel.storage.log.records import (
    FUTURE_ALLOWED,
    BadRow,
    ImportRecord,
    NewEvent,
    Outcome,
    Revisions,
    Times,
    too_far_ahead,
)
from tidewheel.storage.log.tail import POSITION, Tail, WriterMemory


class Databases(NamedTuple):
    """Handles of the environment's databases."""

    events: Any
    ids: Any
    meta: Any
    imports: Any
    quarantine: Any


def offset_key(offset: int) -> bytes:
    """Key of an offset, in order."""
    return offset.to_bytes(8, "big")


class Appending:
    """The appends of one transaction.

    Parameters
    ----------
    transaction : lmdb.Transaction
    databases : Databases
    memory : WriterMemory
        Loaded for this transaction.
    now : int
        The workspace's clock, µs.
    """

    def __init__(self, transaction: Any, databases: Databases, memory: WriterMemory, now: int) -> None:
        self.transaction = transaction
        self.databases = databases
        self.writer = memory.writer
        self.tail: Tail = memory.tail
        self.now = now
        self.rows: list[bytes] = []
        self.bad: list[BadRow] = []
        self.new_ids: dict[bytes, log_ids.Known] = {}
        self.overtaken = False
        """The log was written by other means in this transaction, its tail too."""

    def add(self, event: NewEvent) -> Outcome:
        """Take one event."""
        type = event.type
        counters = self.tail.counters(type)
        try:
            key = log_ids.id_key(self.tail.codes.index(type), event.id.encode())
        except UnicodeEncodeError:
            return self._refuse(event, "an id that is not valid Unicode")
        known = self.new_ids.get(key) or self._logged(key)
        arrived = max(event.arrived or self.now, counters.newest_arrived)
        if known is not None:
            taken = known.may_become(event.revision, arrived, event.revisable)
            if taken is None:
                days = (arrived - known.arrived) / 86_400_000_000
                return self._refuse(event, f"a correction {days:.1f} days after the first of its id; too late")
            if not taken:
                counters.duplicates += 1
                return Outcome("duplicate", known.first)
        at = min(event.at, arrived)
        if event.at - arrived > FUTURE_ALLOWED:
            counters.future += 1
            return self._refuse(event, too_far_ahead("at: its time is after its arrival", event.at - arrived))
        try:
            row = self.writer.encode(type, event.id, event.columns, at, arrived, event.at)
        except SchemaError as error:
            return self._refuse(event, str(error))
        return self._take(key, known, row, event, at, arrived)

    def _take(
        self, key: bytes, known: log_ids.Known | None, row: bytes, event: NewEvent, at: int, arrived: int
    ) -> Outcome:
        counters = self.tail.types[event.type]
        offset = self.tail.head + len(self.rows)
        self.rows.append(row)
        first = known or log_ids.Known(offset, arrived, 0)
        self.new_ids[key] = first._replace(revision=event.revision)
        counters.take(at, arrived)
        counters.logged += 1
        counters.corrected += known is not None
        counters.clamped += event.at > arrived
        return Outcome("logged", offset)

    def _logged(self, key: bytes) -> log_ids.Known | None:
        value = self.transaction.get(key, db=self.databases.ids)
        return None if value is None else log_ids.Known.of(value)

    def _refuse(self, event: NewEvent, reason: str) -> Outcome:
        self.put_aside([BadRow(event.type, reason, readable(event), "append", self.now)])
        return Outcome("quarantined", 0, reason)

    def put_aside(self, rows: Iterable[BadRow]) -> None:
        """Quarantine rows, counting them by type."""
        for row in rows:
            self.tail.counters(row.type).quarantined += 1
            self.bad.append(row)

    def write(self) -> None:
        """Write what was taken."""
        offset = self.tail.head
        for rows in log_chunks.split(self.rows):
            self.transaction.put(offset_key(offset), log_chunks.pack_rows(rows), db=self.databases.events, append=True)
            offset += len(rows)
        self.tail.head = offset
        entries = [(key, known.entry()) for key, known in self.new_ids.items()]
        log_ids.put_many(self.transaction, self.databases.ids, entries)
        self.tail.last_bad_row = quarantine.put(
            self.transaction, self.databases.quarantine, self.bad, self.tail.last_bad_row
        )


def readable(event: NewEvent) -> bytes:
    """Return the event as JSON that can be mended and retried."""
    row = {"id": event.id, "at": event.at, **event.columns}
    try:
        return msgspec.json.encode(row)
    except (TypeError, UnicodeEncodeError, msgspec.EncodeError):
        return msgspec.json.encode({name: ascii(value) for name, value in row.items()})


def set_positions(
    transaction: Any, meta: Any, positions: Mapping[str, int], expected: Mapping[str, int] | None
) -> None:
    """Store positions, after checking that those `expected` are what is stored (0: none yet)."""
    for name, value in (expected or {}).items():
        found = read_position(transaction, meta, name)
        if found != value:
            raise ConflictError(
                f"position {name!r} is {found}, not {value}: someone else has read on",
                remedy="read the position again and go on from there",
            )
    for name, value in positions.items():
        transaction.put(POSITION + name.encode(), value.to_bytes(8, "big"), db=meta)


def read_position(transaction: Any, meta: Any, name: str) -> int:
    """Return a stored position, 0 when there is none."""
    return int.from_bytes(transaction.get(POSITION + name.encode(), b"", db=meta), "big")


def put_import(
    appending: Appending, record: ImportRecord, ids: Iterable[str], times: Times, revisions: Revisions | None
) -> ImportRecord:
    """Write an import's record (whose offset is set here) and the ids of its rows."""
    tail, transaction, databases = appending.tail, appending.transaction, appending.databases
    counters = tail.counters(record.type)
    if record.rows and record.first_arrived < counters.newest_arrived:
        raise ConflictError(
            f"the file has {record.type} rows that arrived before the newest one in the log",
            where=record.import_id,
            remedy="import it as of now: `--arrived now`",
        )
    base, code = tail.head, tail.codes.index(record.type)
    if revisions is None:
        duplicates = log_ids.put_import(transaction, databases.ids, code, base, record.last_arrived, ids)
    else:
        met = dict(log_ids.put_revised(transaction, databases.ids, code, base, ids, revisions))
        _refuse_late(record, [row for row, taken in met.items() if taken is None])
        duplicates = (row for row, taken in met.items() if not taken)
        counters.corrected += sum(map(bool, met.values()))
    record = msgspec.structs.replace(record, offset=base, duplicates=tuple(sorted(duplicates)))
    transaction.put(offset_key(base), log_chunks.pack_import(record), db=databases.events, append=True)
    transaction.put(record.import_id.encode(), msgspec.msgpack.encode(record), db=databases.imports)
    tail.head = record.next_offset
    counters.newest_arrived = max(counters.newest_arrived, record.last_arrived)
    counters.imported += record.rows - len(record.duplicates)
    counters.duplicates += len(record.duplicates)
    counters.take_import(times)
    return record


def _refuse_late(record: ImportRecord, rows: list[int]) -> None:
    if rows:
        raise ConflictError(
            f"{len(rows)} rows correct {record.type} longer after the first of their ids than corrections are taken",
            where=f"{record.import_id}, the first of them row {rows[0] + 1} by arrival",
            remedy="leave those rows out, or declare a longer revisable=",
        )


def delete_chunks(transaction: Any, events: Any, below: int, limit: int) -> int:
    """Delete up to `limit` chunks that lie wholly below an offset; return how many."""
    deleted = 0
    with transaction.cursor(events) as cursor:
        found = cursor.first()
        while found and deleted < limit and end_of(cursor.key(), cursor.value()) <= below:
            deleted += 1
            found = cursor.delete() and cursor.key() != b""
    return deleted


def end_of(key: bytes, chunk: bytes) -> int:
    """Return the offset after a chunk's last row."""
    rows, _ = log_chunks.HEADER.unpack_from(chunk)
    return int.from_bytes(key, "big") + rows if rows else log_chunks.unpack_import(chunk).next_offset
