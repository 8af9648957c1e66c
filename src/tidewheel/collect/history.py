"""All events of a type as one table: imported files, what was flushed to the lake, and the log's tail."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.columns import arrow_type
from tidewheel.definitions.ir import Source
from tidewheel.errors import NotFoundError
from tidewheel.storage.lake import Lake
from tidewheel.storage.log import EventLog
from tidewheel.storage.log_records import ImportRecord

META = ("_id", "_at", "_arrived", "_offset")
"""Columns every scan returns after the ones asked for, in this order."""
_META_TYPES = {
    "_id": pa.string(),
    "_import": pa.string(),
    "_flushed": pa.bool_(),
    **dict.fromkeys(("_at", "_arrived", "_offset", "_row"), pa.int64()),
}
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

    Notes
    -----
    What the lake holds is read once per table version and set of columns, and kept; the log's tail is read
    each time. Rows come in offset order, the order in which states fold them.
    """

    def __init__(self, lake: Lake, log: EventLog, sources: Sequence[Source] = ()) -> None:
        self._lake = lake
        self._log = log
        self._types = {
            source.name: {column.name: arrow_type(column.kind) for column in source.columns} for source in sources
        }
        self._kept: dict[_Key, pa.Table] = {}
        self._lock = threading.Lock()

    def head(self) -> int:
        """Return the offset that the next event will get."""
        return self._log.head()

    def scan(self, type: str, columns: Sequence[str], *, below: int | None = None) -> pa.Table:
        """Read events.

        Parameters
        ----------
        type : str
            An event type, or an entity (whose rows are those of its table).
        columns : sequence of str
            Declared columns. One that the history does not have comes as nulls.
        below : int, optional
            Leave out events at this offset and after.

        Returns
        -------
        pyarrow.Table
            `columns`, then ``_id, _at, _arrived, _offset``; in offset order. Empty when there are no such events.
        """
        names = tuple(dict.fromkeys([*columns, *META]))
        while True:
            # In this order: what is flushed, imported or trimmed meanwhile is still seen once.
            head, first = self._log.head(), self._log.first()
            end = head if below is None else min(below, head)
            stored = self._stored(type, names)
            try:
                tail = self._tail(type, names, max(_last_flushed(stored) + 1, first), end)
            except NotFoundError:
                continue  # trimmed between the two reads: the lake has it now
            return _merged(stored, tail, end).select(names)

    def imports(self, type: str | None = None) -> list[ImportRecord]:
        """Return the imports that are part of history, of one type or of all, by offset."""
        return [record for record in self._log.imports() if type is None or record.type == type]

    def import_rows(self, record: ImportRecord, columns: Sequence[str]) -> pa.Table:
        """Return the rows of one import as `scan` does."""
        names = tuple(dict.fromkeys([*columns, *META]))
        only = pc.field("_import") == record.import_id
        return _in_order(self._read(record.type, names, None, [record], only)).select(names)

    def version(self, type: str) -> int:
        """Return the version of the type's table in the lake; -1 when it has none."""
        return self._lake.version(events_table(type))

    def _stored(self, type: str, names: tuple[str, ...]) -> pa.Table:
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
            return found
        honoured = pc.field("_import").is_null()
        if records:
            honoured |= pc.field("_import").isin([record.import_id for record in records])
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
    ) -> pa.Table:
        table = self._lake.scan(events_table(type), [*names, "_import", "_row"], where=where, version=version)
        table = self._typed(table, type)
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
        """Give columns of nulls alone the type that is declared."""
        known = {**self._types.get(type, {}), **_META_TYPES}
        schema = pa.schema(
            [
                pa.field(field.name, known.get(field.name, field.type) if pa.types.is_null(field.type) else field.type)
                for field in table.schema
            ]
        )
        return table.cast(schema)


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
    offsets: npt.NDArray[np.int64] = table["_offset"].to_numpy()
    if len(offsets) < 2 or bool((offsets[1:] > offsets[:-1]).all()):
        return table
    return taken(table, np.argsort(offsets, kind="stable"))


def taken(table: pa.Table, places: npt.NDArray[np.int64]) -> pa.Table:
    """Return the rows at `places`, in parts: one Arrow array of strings holds at most 2 GB."""
    starts = range(0, len(places), _ROWS_A_TAKE)
    parts = [table.take(pa.array(places[start : start + _ROWS_A_TAKE])) for start in starts]
    return pa.concat_tables(parts) if parts else table.slice(0, 0)
