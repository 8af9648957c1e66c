"""Reading the event log: by offset, as records or as columns; positions, ids, imports, quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from tidewheel.errors import NotFoundError
from tidewheel.storage.log import append as log_append
from tidewheel.storage.log import chunks as log_chunks
from tidewheel.storage.log import contents, quarantine
from tidewheel.storage.log import ids as log_ids
from tidewheel.storage.log.append import Databases, offset_key
from tidewheel.storage.log.records import BadRow, ImportRecord, LogBatch, LogRecord, LogStats
from tidewheel.storage.log.rows import RowLayout
from tidewheel.storage.log.tail import POSITION, read_first, read_schemas, read_tail, type_code
from tidewheel.storage.places.environments import Environment


class LogReader:
    """The reading half of `tidewheel.storage.log.event_log.EventLog`. Each call sees one snapshot of the log."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        names = ("events", "ids", "meta", "imports", "quarantine")
        self._databases = Databases(*map(environment.database, names))
        self._layouts: dict[int, RowLayout] = {}

    def read(self, start: int, limit: int) -> list[LogRecord | ImportRecord]:
        """Read up to `limit` events and imports, one by one, from offset `start` on.

        Raises
        ------
        NotFoundError
            `start` has been trimmed.
        CorruptError
            A chunk fails its checksum.
        """
        records: list[LogRecord | ImportRecord] = []
        with self._environment.read() as transaction:
            for offset, chunk in self._chunks(transaction, start):
                rows = log_chunks.rows_in(chunk, offset, self._environment.path)
                if rows == 0:
                    records.append(log_chunks.unpack_import(chunk))
                else:
                    records += self._records(chunk, offset, rows, start, limit - len(records))
                if len(records) >= limit:
                    break
        return records

    def _records(self, chunk: bytes, offset: int, rows: int, start: int, limit: int) -> list[LogRecord]:
        skip = max(start - offset, 0)
        starts = log_chunks.row_starts(chunk, rows)[skip : skip + limit]
        layouts = [self._layout(int.from_bytes(chunk[begin : begin + 4], "little")) for begin in starts]
        numbered = enumerate(zip(layouts, starts, strict=True), offset + skip)
        return [layout.decode(chunk, begin, number) for number, (layout, begin) in numbered]

    def read_batch(self, start: int, limit: int, types: Collection[str] | None = None) -> LogBatch:
        """Read a run of the log as columns: about `limit` events, or the one import that `start` is in.

        Parameters
        ----------
        start : int
        limit : int
        types : collection of str, optional
            Only these types; the rest is passed over.

        Raises
        ------
        NotFoundError, CorruptError
            As `read`.
        """
        chunks: list[bytes] = []
        offsets: list[int] = []
        counts: list[int] = []
        taken = 0
        with self._environment.read() as transaction:
            for offset, chunk in self._chunks(transaction, start):
                rows = log_chunks.rows_in(chunk, offset, self._environment.path)
                if rows == 0:
                    if chunks:
                        break
                    record = log_chunks.unpack_import(chunk)
                    return LogBatch(max(start, offset), record.next_offset, {}, record)
                chunks.append(chunk)
                offsets.append(offset)
                counts.append(rows)
                taken += rows - max(start - offset, 0)
                if taken >= limit:
                    break
        if not chunks:
            return LogBatch(start, start, {})
        below = min(offsets[-1] + counts[-1], max(start, offsets[0]) + limit)
        return LogBatch(start, below, self._tables(chunks, offsets, counts, types, start, below))

    def _tables(
        self,
        chunks: list[bytes],
        offsets: list[int],
        counts: list[int],
        types: Collection[str] | None,
        start: int,
        below: int,
    ) -> dict[str, Any]:
        from tidewheel.storage.log.tables import tables_of

        self._load_layouts()
        layouts = {code: it for code, it in self._layouts.items() if types is None or it.schema.type in types}
        return tables_of(chunks, offsets, counts, layouts, first=start, below=below)

    def _chunks(self, transaction: Any, start: int) -> Iterator[tuple[int, bytes]]:
        first = self._first(transaction)
        start = max(start, 1)
        if start < first:
            raise NotFoundError(
                f"offset {start} has been trimmed; the log begins at {first}",
                where=self._environment.path,
                remedy="read what came before from the lake",
            )
        with transaction.cursor(self._databases.events) as cursor:
            found = cursor.set_range(offset_key(start))
            if not found or cursor.key() != offset_key(start):
                found = cursor.prev() if found else cursor.last()
                if found and log_append.end_of(cursor.key(), cursor.value()) <= start:
                    found = cursor.next()
            while found:
                yield int.from_bytes(cursor.key(), "big"), cursor.value()
                found = cursor.next()

    def _first(self, transaction: Any) -> int:
        return read_first(transaction, self._databases.meta)

    def _layout(self, code: int) -> RowLayout:
        if code not in self._layouts:
            self._load_layouts()
        return self._layouts[code]

    def _load_layouts(self) -> None:
        with self._environment.read() as transaction:
            schemas = read_schemas(transaction, self._databases.meta)
        for schema in schemas[len(self._layouts) :]:
            self._layouts[schema.code] = RowLayout(schema)

    def check_there(self) -> None:
        """Raise `StorageError` where the log's file was deleted or replaced while it was open."""
        self._environment.check_there()

    def head(self) -> int:
        """Offset the next event will get; 1 in an empty log."""
        with self._environment.read() as transaction:
            return read_tail(transaction, self._databases.meta).head

    def first(self) -> int:
        """Lowest offset that can be read; what came before has been trimmed."""
        with self._environment.read() as transaction:
            return self._first(transaction)

    def newest_arrived(self, type: str) -> int:
        """Arrival (µs) of the newest event of a type; 0 when there is none."""
        with self._environment.read() as transaction:
            counters = read_tail(transaction, self._databases.meta).types.get(type)
        return counters.newest_arrived if counters else 0

    def watermark(self, type: str) -> int:
        """Return the newest time of a type's events, 0 for none."""
        counters = self.stats().types.get(type)
        return counters.watermark if counters else 0

    def position(self, name: str) -> int:
        """Position stored under a name by `append`; 0 when there is none."""
        with self._environment.read() as transaction:
            return log_append.read_position(transaction, self._databases.meta, name)

    def positions(self) -> dict[str, int]:
        """All stored positions."""
        found = {}
        with self._environment.read() as transaction, transaction.cursor(self._databases.meta) as cursor:
            more = cursor.set_range(POSITION)
            while more and cursor.key().startswith(POSITION):
                found[cursor.key()[len(POSITION) :].decode()] = int.from_bytes(cursor.value(), "big")
                more = cursor.next()
        return found

    def seen(self, type: str, id: str) -> int | None:
        """Offset of the event with this id, or None."""
        return self.seen_many(type, [id])[0]

    def seen_many(self, type: str, ids: Sequence[str]) -> list[int | None]:
        """Offsets of the events with these ids, None where there is none."""
        with self._environment.read() as transaction:
            code = type_code(read_tail(transaction, self._databases.meta), type)
            if code is None:
                return [None] * len(ids)
            keys = [log_ids.id_key(code, id.encode()) for id in ids]
            values = [transaction.get(key, db=self._databases.ids) for key in keys]
        return [None if value is None else log_ids.first_offset(value) for value in values]

    def imports(self) -> list[ImportRecord]:
        """All imports, by offset."""
        with self._environment.read() as transaction, transaction.cursor(self._databases.imports) as cursor:
            found = [msgspec.msgpack.decode(value, type=ImportRecord) for value in cursor.iternext(keys=False)]
        return sorted(found, key=lambda record: record.offset)

    def import_record(self, import_id: str) -> ImportRecord | None:
        """Record of an import, or None when it is not part of the log."""
        with self._environment.read() as transaction:
            raw = transaction.get(import_id.encode(), db=self._databases.imports)
        return None if raw is None else msgspec.msgpack.decode(raw, type=ImportRecord)

    def stats(self) -> LogStats:
        """Head, size and counters."""
        with self._environment.read() as transaction:
            tail = read_tail(transaction, self._databases.meta)
            waiting = transaction.stat(self._databases.quarantine)["entries"]
            first = self._first(transaction)
        return LogStats(first, tail.head, self._environment.used_bytes(), waiting, tail.types)

    def bad_rows(self, type: str | None = None, *, after: int = 0, limit: int = 100) -> list[BadRow]:
        """Quarantined rows with a number above `after`, oldest first."""
        with self._environment.read() as transaction:
            return quarantine.scan(transaction, self._databases.quarantine, type, after, limit)

    def bad_row(self, seq: int) -> BadRow:
        """Quarantined row `seq`. Raises `NotFoundError`."""
        with self._environment.read() as transaction:
            row = quarantine.get(transaction, self._databases.quarantine, seq)
        if row is None:
            raise NotFoundError(f"no row {seq} in quarantine", remedy="see `tidewheel quarantine list`")
        return row

    def digests(self) -> dict[str, contents.Digest]:
        """Return what tells all that the log holds from any other log's, by database."""
        with self._environment.read() as transaction:
            return contents.digests(transaction, self._databases)

    def pieces(self, after: contents.Place, most: int) -> Iterator[contents.Piece]:
        """Yield all that the log holds after a place, in pieces of about `most` bytes."""
        with self._environment.read() as transaction:
            yield from contents.pieces(transaction, self._databases, after, most)
