"""The forms in which a micro-batch holds the events of one source: columns, or a few records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.keys import part_array, plain
from tidewheel.features.rows import Ints, Rows, arrow_type
from tidewheel.storage.log.records import LogRecord


class Happened(NamedTuple):
    """One event, with the columns that were asked for."""

    at: int
    arrived: int
    offset: int
    columns: dict[str, Any]


Held = TypeVar("Held", bound=Sized)


class Form(Protocol[Held]):
    """How a micro-batch holds the events of one source."""

    def ids(self, rows: Held) -> list[str]:
        """Return the events' ids."""

    def refs(self, rows: Held, ref: str) -> Sequence[str | None]:
        """Return the ids that a reference column holds."""

    def take(self, rows: Held, positions: Sequence[int]) -> Held:
        """Return the events at some positions."""

    def events(self, rows: Held, columns: Sequence[str]) -> Iterable[Happened]:
        """Return the events one by one, with some columns."""

    def made(self, source: ir.Source, columns: Sequence[str], events: Sequence[Happened]) -> Held:
        """Return single events of a source in this form; a column that an event does not have is null."""

    def joined(self, first: Held, second: Held) -> Held:
        """Return the events of both; the first may have columns that the second has not."""


class ColumnForm:
    """Events as columns: for many of them."""

    def ids(self, rows: Rows) -> list[str]:
        """Return the events' ids."""
        ids: list[str] = rows.columns["_id"].to_pylist()
        return ids

    def refs(self, rows: Rows, ref: str) -> list[str | None]:
        """Return the ids that a reference column holds."""
        refs: list[str | None] = part_array(rows.columns[ref]).to_pylist()
        return refs

    def take(self, rows: Rows, positions: Sequence[int]) -> Rows:
        """Return the events at some positions."""
        return rows.take(np.array(positions, np.intp))

    def events(self, rows: Rows, columns: Sequence[str]) -> Iterable[Happened]:
        """Return the events one by one, with some columns."""
        values = [rows.columns[name].to_pylist() for name in columns]
        cells = zip(*values, strict=True) if values else iter([()] * len(rows))
        numbers = zip(rows.at.tolist(), rows.arrived.tolist(), rows.offset.tolist(), cells, strict=True)
        for at, arrived, offset, row in numbers:
            yield Happened(at, arrived, offset, dict(zip(columns, row, strict=True)))

    def made(self, source: ir.Source, columns: Sequence[str], events: Sequence[Happened]) -> Rows:
        """Return single events of a source as columns; a column that an event does not have is null."""
        return Rows(
            at=_ints(event.at for event in events),
            arrived=_ints(event.arrived for event in events),
            offset=_ints(event.offset for event in events),
            columns={
                name: pa.array([event.columns.get(name) for event in events], _type_of(source, name))
                for name in columns
            },
        )

    def joined(self, first: Rows, second: Rows) -> Rows:
        """Return the events of both; the first may have columns that the second has not."""
        columns = {
            name: pa.concat_arrays([plain(first.columns[name]), column]) for name, column in second.columns.items()
        }
        return Rows(
            np.concatenate([first.at, second.at]),
            np.concatenate([first.arrived, second.arrived]),
            np.concatenate([first.offset, second.offset]),
            columns,
        )


Records = list[LogRecord]


class RecordForm:
    """Events as the log's records: for a few of them."""

    def ids(self, rows: Records) -> list[str]:
        """Return the events' ids."""
        return [record.id for record in rows]

    def refs(self, rows: Records, ref: str) -> list[str | None]:
        """Return the ids that a reference column holds."""
        return [record.columns.get(ref) for record in rows]  # type: ignore[misc]  # texts: checked as they were read

    def take(self, rows: Records, positions: Sequence[int]) -> Records:
        """Return the events at some positions."""
        return [rows[position] for position in positions]

    def events(self, rows: Records, columns: Sequence[str]) -> Iterable[Happened]:
        """Return the events one by one, with some columns."""
        for record in rows:
            get = record.columns.get
            yield Happened(record.at, record.arrived, record.offset, {name: get(name) for name in columns})

    def made(self, source: ir.Source, columns: Sequence[str], events: Sequence[Happened]) -> Records:
        """Return single events of a source as records."""
        return [
            LogRecord(event.offset, source.name, "", event.at, event.arrived, None, event.columns) for event in events
        ]

    def joined(self, first: Records, second: Records) -> Records:
        """Return the events of both."""
        return first + second


def _type_of(source: ir.Source, name: str) -> pa.DataType:
    column = source.column(name)
    return arrow_type(column.kind) if column else pa.string()


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)
