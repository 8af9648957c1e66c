"""All events of a type as one table: imported files, what was flushed to the lake, and the log's tail."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.columns import arrow_type, with_default
from tidewheel.collect.checking.vectors import from_lake
from tidewheel.collect.keeping.redactions import Redactions
from tidewheel.definitions.ir import Source
from tidewheel.errors import NotFoundError
from tidewheel.storage.journal.decisions import date_of
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import ImportRecord
from tidewheel.storage.protocols import Bound

META = ("_id", "_at", "_arrived", "_offset")
"""Columns every scan returns after the ones asked for, in this order."""
_META_TYPES = {
    "_id": pa.string(),
    "_import": pa.string(),
    "_flushed": pa.bool_(),
    **dict.fromkeys(("_at", "_arrived", "_offset", "_row"), pa.int64()),
}
LOG = "log"
"""Under this name a type's table in the lake stores the offset up to which the log was flushed into it."""
PIECE = 1_000_000
_TAIL_ROWS_AT_ONCE = 200_000
_ROWS_A_TAKE = 1 << 20
_BYTES_KEPT = 1 << 30
"""Of tables read from the lake; the newest is always kept."""


def events_table(type: str) -> str:
    """Return the name of a type's table in the lake."""
    return f"events/{type}"


class _Key(NamedTuple):
    type: str
    version: int
    imports: int
    names: tuple[str, ...]


class History:
    """One view of all events. Safe to share between threads.

    Parameters
    ----------
    lake : Lake
    log : EventLog
    sources : sequence of Source, optional
        Gives columns that no event has yet their type; without it they come as nulls without a type.
    redactions : Redactions, optional
        The ledger of what was erased from it.

    Notes
    -----
    What the lake holds is read once per table version and set of columns, and kept; the log's tail is read
    each time. Rows come in offset order, the order in which states fold them.
    """

    def __init__(
        self, lake: Lake, log: EventLog, sources: Sequence[Source] = (), redactions: Redactions | None = None
    ) -> None:
        self.redactions = redactions or Redactions()
        self._lake = lake
        self._log = log
        self._declared = {source.name: {column.name: column for column in source.columns} for source in sources}
        self._kept: dict[_Key, pa.Table] = {}
        self._lock = threading.Lock()

    def head(self) -> int:
        """Return the offset that the next event will get."""
        return self._log.head()

    def scan(
        self, type: str, columns: Sequence[str], *, below: int | None = None, after: int | None = None
    ) -> pa.Table:
        """Read events.

        Parameters
        ----------
        type : str
            An event type, or an entity (whose rows are those of its table).
        columns : sequence of str
            Declared columns. One that the history does not have comes as nulls, or as its default.
        below : int, optional
            Leave out events at this offset and after.
        after : int, optional
            Leave out events that happened at this instant (µs) or before it; of a long history, files are then
            left out whole, and nothing is kept for the next scan.

        Returns
        -------
        pyarrow.Table
            `columns`, then ``_id, _at, _arrived, _offset``; in offset order. Empty when there are no such events.
        """
        names = tuple(dict.fromkeys([*columns, *META]))
        end = self.head() if below is None else min(below, self.head())
        _, tail = self._unflushed(type, names, 1, end)
        stored = self._stored(type, names, after)
        if after is not None:
            tail = [part.filter(pc.greater(part["_at"], after)) for part in tail]
        last = _last_flushed(stored)
        tail = [part.filter(pc.greater(part["_offset"], last)) for part in tail]
        return _merged(stored, tail, end).select(names)

    def pieces(
        self, type: str, columns: Sequence[str], *, start: int = 1, below: int | None = None, rows: int = PIECE
    ) -> Iterator[pa.Table]:
        """Read the events at offsets `start` up to `below` as `scan` does, at most so many `rows` at a time.

        Memory holds one piece and the row groups of the lake that it lies in, however long the history.
        """
        names = tuple(dict.fromkeys([*columns, *META]))
        end = self.head() if below is None else min(below, self.head())
        while start < end:
            record = next((it for it in self._log.imports() if it.next_offset > start), None)
            if record is None or record.offset > start:
                stop = min(start + rows, end, record.offset if record else end)
                piece = self._logged(type, names, start, stop)
            elif record.type == type:
                stop = min(start + rows, end, record.next_offset)
                piece = self._imported(type, names, record, start, stop)
            else:
                start = record.next_offset
                continue
            if len(piece):
                yield piece
            start = stop

    def _imported(self, type: str, names: tuple[str, ...], record: ImportRecord, start: int, stop: int) -> pa.Table:
        if not record.rows:  # as logs of earlier days have it, of files of which nothing was taken
            return self._typed(pa.table({name: pa.nulls(0) for name in names}), type)
        first, last = start - record.offset, stop - record.offset - 1
        here = (pc.field("_import") == record.import_id) & (pc.field("_row") >= first) & (pc.field("_row") <= last)
        among: list[Bound] = [("_import", "=", record.import_id), ("_row", ">=", first), ("_row", "<=", last)]
        return _in_order(self._read(type, names, None, [record], here, among)).select(names)

    def _logged(self, type: str, names: tuple[str, ...], start: int, stop: int) -> pa.Table:
        """Rows that came by way of the log, wherever they are by now."""
        flushed, tail = self._unflushed(type, names, start, stop)
        offset = pc.field("_offset")
        here = pc.field("_import").is_null() & (offset >= start) & (offset < min(stop, flushed + 1))
        among: list[Bound] = [("_offset", ">=", start), ("_offset", "<", stop)]
        if flushed >= start:
            stored = _in_order(self._read(type, names, None, [], here, among)).select(names)
        else:
            stored = self._typed(pa.table({name: pa.nulls(0) for name in names}), type)
        return pa.concat_tables([stored, *tail], promote_options="permissive")

    def _unflushed(self, type: str, names: tuple[str, ...], start: int, stop: int) -> tuple[int, list[pa.Table]]:
        """Rows from `start` up to `stop` that only the log has, and the offset up to which the lake has the type's.

        To be read before the lake, which takes longer: what is flushed and trimmed meanwhile, the lake then has too.
        """
        while True:
            # In this order: what was trimmed before the first look was flushed before the second.
            first = self._log.first()
            flushed = self._lake.position(events_table(type), LOG)
            try:
                return flushed, self._tail(type, names, max(start, flushed + 1, first), stop)
            except NotFoundError:
                continue  # trimmed between the looks

    def imports(self, type: str | None = None) -> list[ImportRecord]:
        """Return the imports that are part of history, of one type or of all, by offset."""
        return [record for record in self._log.imports() if record.rows and type in (None, record.type)]

    def import_rows(self, record: ImportRecord, columns: Sequence[str]) -> pa.Table:
        """Return the rows of one import as `scan` does."""
        names = tuple(dict.fromkeys([*columns, *META]))
        only, among = pc.field("_import") == record.import_id, [("_import", "=", record.import_id)]
        return _in_order(self._read(record.type, names, None, [record], only, among)).select(names)

    def arrivals(self, type: str, since: int, until: int) -> npt.NDArray[np.int64]:
        """Return when the events of a type arrived that did so from `since` to before `until`, µs."""
        names = ("_arrived", "_offset")
        within = (pc.field("_arrived") >= since) & (pc.field("_arrived") < until)
        days: list[Bound] = [("_date", ">=", date_of(since)), ("_date", "<=", date_of(until))]
        records, head = self.imports(type), self.head()
        flushed, tail = self._unflushed(type, names, 1, head)
        found = [np.empty(0, np.int64), *(part["_arrived"].to_numpy() for part in tail)]
        if self.version(type) >= 0:
            stored = self._read(type, names, None, records, within & _honoured(records), days)
            # What is flushed meanwhile is in the tail.
            stored = stored.filter(pc.or_(pc.invert(stored["_flushed"]), pc.less_equal(stored["_offset"], flushed)))
            found.append(stored["_arrived"].to_numpy())
        arrived = np.concatenate(found)
        return arrived[(arrived >= since) & (arrived < until)]

    def version(self, type: str) -> int:
        """Return the version of the type's table in the lake; -1 when it has none."""
        return self._lake.version(events_table(type))

    def _stored(self, type: str, names: tuple[str, ...], after: int | None = None) -> pa.Table:
        """Rows of the lake in offset order, with ``_flushed``: whether they came by way of the log."""
        # The records are read before the version, so that the rows of each are there.
        records = self.imports(type)
        version = self.version(type)
        if version < 0:
            return self._typed(pa.table({name: pa.nulls(0) for name in (*names, "_flushed")}), type)
        key = _Key(type, version, len(records), names)
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return found if after is None else found.filter(pc.greater(found["_at"], after))
        honoured = _honoured(records)
        if after is not None:
            where = honoured & (pc.field("_at") > after)
            return _in_order(self._read(type, names, version, records, where, [("_at", ">", after)]))
        found = _in_order(self._read(type, names, version, records, honoured))
        with self._lock:
            self._keep(key, found)
        return found

    def _keep(self, key: _Key, table: pa.Table) -> None:
        outdated = [kept for kept in self._kept if kept.type == key.type and kept[:3] != key[:3]]
        for kept in outdated:
            del self._kept[kept]
        room = _BYTES_KEPT - table.nbytes
        while self._kept and sum(kept.nbytes for kept in self._kept.values()) > room:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = table

    def _read(
        self,
        type: str,
        names: tuple[str, ...],
        version: int | None,
        records: Sequence[ImportRecord],
        where: pc.Expression,
        among: Sequence[Bound] = (),
    ) -> pa.Table:
        read = [*names, "_import", "_row"]
        table = self._lake.scan(events_table(type), read, where=where, among=among, version=version)
        table = self._typed(from_lake(table), type)
        which = pc.index_in(table["_import"], pa.array([record.import_id for record in records], pa.string()))
        imported = which.is_valid().to_numpy()
        offsets = table["_offset"].fill_null(0).to_numpy()
        if imported.any():
            bases = np.array([record.offset for record in records], np.int64)[which.fill_null(0).to_numpy()]
            offsets = np.where(imported, bases + table["_row"].fill_null(0).to_numpy(), offsets)
        table = table.set_column(table.schema.get_field_index("_offset"), "_offset", pa.array(offsets))
        table = table.drop_columns(["_import", "_row"]).append_column("_flushed", pa.array(~imported))
        twice = np.array([record.offset + row for record in records for row in record.duplicates], np.int64)
        if len(twice):
            table = table.filter(pa.array(~np.isin(offsets, twice)))
        return table

    def _tail(self, type: str, names: tuple[str, ...], start: int, below: int) -> list[pa.Table]:
        parts = []
        while start < below:
            batch = self._log.read_batch(start, min(_TAIL_ROWS_AT_ONCE, below - start), types=[type])
            if batch.next <= start:
                break
            part = batch.tables.get(type)
            if part is not None and len(part):
                missing = [name for name in names if name not in part.column_names]
                for name in missing:
                    part = part.append_column(name, pa.nulls(len(part)))
                parts.append(self._typed(part.select(names), type))
            start = batch.next
        return parts

    def _typed(self, table: pa.Table, type: str) -> pa.Table:
        """Give columns of nulls alone the type that is declared, and values that are missing their default."""
        declared = self._declared.get(type, {})
        known = {**{name: arrow_type(column.kind) for name, column in declared.items()}, **_META_TYPES}
        schema = pa.schema(
            [
                pa.field(field.name, known.get(field.name, field.type) if pa.types.is_null(field.type) else field.type)
                for field in table.schema
            ]
        )
        table = table.cast(schema)
        for place, name in enumerate(table.column_names):
            table = table.set_column(place, name, with_default(table[name], declared.get(name)))
        return table


def _honoured(records: Sequence[ImportRecord]) -> pc.Expression:
    """Rows that came by way of the log, and those of imports that it has a record of."""
    imports = pa.array([record.import_id for record in records], pa.string())
    return pc.field("_import").is_null() | pc.field("_import").isin(imports)


def _last_flushed(stored: pa.Table) -> int:
    flushed = stored.filter(stored["_flushed"])["_offset"]
    return int(flushed[-1].as_py()) if len(flushed) else 0


def _merged(stored: pa.Table, tail: list[pa.Table], below: int) -> pa.Table:
    """Put the log's tail, which may lie between imports, in its place; leave out what is not below."""
    parts = [stored.drop_columns(["_flushed"]), *tail]
    whole = pa.concat_tables(parts, promote_options="permissive") if tail else parts[0]
    whole = _in_order(whole)
    offsets = whole["_offset"].to_numpy()
    return whole.slice(0, int(np.searchsorted(offsets, below)))


def _in_order(table: pa.Table) -> pa.Table:
    if _rises(table["_offset"].to_numpy()):
        return table
    # Files of the lake come in any order; most are in order themselves and do not overlap. Few rows are copied then.
    files = [_batch_in_order(batch) for batch in table.to_batches() if len(batch)]
    laid = pa.Table.from_batches(sorted(files, key=lambda batch: batch["_offset"][0].as_py()))
    offsets = laid["_offset"].to_numpy()
    return laid if _rises(offsets) else taken(laid, np.argsort(offsets, kind="stable"))


def _batch_in_order(batch: pa.RecordBatch) -> pa.RecordBatch:
    offsets = batch["_offset"].to_numpy()
    return batch if _rises(offsets) else batch.take(pa.array(np.argsort(offsets, kind="stable")))


def _rises(offsets: npt.NDArray[np.int64]) -> bool:
    return bool((offsets[1:] > offsets[:-1]).all())


def taken(table: pa.Table, places: npt.NDArray[np.int64]) -> pa.Table:
    """Return the rows at `places`, in parts: one Arrow array of strings holds at most 2 GB."""
    starts = range(0, len(places), _ROWS_A_TAKE)
    parts = [table.take(pa.array(places[start : start + _ROWS_A_TAKE])) for start in starts]
    return pa.concat_tables(parts) if parts else table.slice(0, 0)
