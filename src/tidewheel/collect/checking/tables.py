"""Checks whole Arrow tables by the rules of `checks`: a clean table out, and the bad rows with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.checking.checks import RowCheck
from tidewheel.collect.checking.columns import ColumnRead, Mask, arrow_type, read_column, type_problem, with_default
from tidewheel.collect.checking.values import LATEST
from tidewheel.collect.checking.vectors import read_vectors, vector_problem
from tidewheel.definitions.ir import Column, Source
from tidewheel.errors import FileError, SchemaError
from tidewheel.storage.log.records import BadRow

RowNumbers = npt.NDArray[np.int64]
AT = "_at"
ARRIVED = "_arrived"
ROW = "_row"


class Checked(NamedTuple):
    """What came out of one batch.

    `table` has the declared columns in their canonical types, ``_at`` and ``_arrived`` (int64
    microseconds, null where the file has none) and ``_row`` (the row's number in the file, from 1).
    """

    table: pa.Table
    bad: list[BadRow]
    repeated: int
    skipped: int


class TableCheck:
    """Checks the batches of one file against one source.

    Parameters
    ----------
    source : Source
        What the rows are.
    schema : pyarrow.Schema
        Of the batches to come, with columns named as declared, ``at``, and ``_arrived`` when the file
        says when each row was known.
    zone : ZoneInfo, optional
        Where times without a zone were read off a clock.
    origin : str
        Name of the file, for the reasons.

    Raises
    ------
    FileError
        A column is missing, or of a type that can't give what is declared: no row would pass.
    """

    def __init__(
        self, source: Source, schema: pa.Schema, *, zone: ZoneInfo | None = None, origin: str = "table"
    ) -> None:
        self.source = source
        self.zone = zone
        self.origin = origin
        self.rows = RowCheck(source, zone=zone)
        self._columns = (*source.columns, Column("at", "time", nullable=True))
        self._has_arrived = ARRIVED in schema.names
        self._refuse_unusable(schema)

    def check(self, batch: pa.RecordBatch, numbers: RowNumbers, *, now: int) -> Checked:
        """Check one batch whose rows have these numbers in the file."""
        reads = {column.name: self._read(column, batch) for column in self._columns}
        if self._has_arrived:
            reads[ARRIVED] = read_column("time", batch.column(ARRIVED), self.zone)
        bad = self._bad_rows(reads, len(batch))
        table = self._table(reads, numbers)
        refused: list[BadRow] = []
        if bad is not None:
            refused = self._reasons(batch, reads, np.flatnonzero(bad).tolist(), numbers, now)
            table = table.filter(pa.array(~bad))
        return Checked(
            table, refused, sum(read.repeated for read in reads.values()), sum(read.skipped for read in reads.values())
        )

    def _refuse_unusable(self, schema: pa.Schema) -> None:
        problems = []
        for column in self._columns:
            place = schema.get_field_index(column.name)
            if place < 0 and not column.optional:
                problems.append(f"no column {column.name!r}")
            elif place >= 0 and (problem := self._type_problem(column, schema.field(place).type)):
                problems.append(f"column {column.name!r} {problem}")
        if self._has_arrived and (problem := type_problem("time", schema.field(ARRIVED).type, self.zone)):
            problems.append(f"the column of arrivals {problem}")
        if problems:
            found = ", ".join(schema.names) or "none"
            raise FileError(
                f"these rows can't be {self.source.name}: {'; '.join(problems)}",
                where=self.origin,
                remedy=f"map the file's columns with --map COLUMN=FILE_COLUMN, or mend the file; it has: {found}",
            )

    def _type_problem(self, column: Column, found: pa.DataType) -> str:
        return vector_problem(found) if column.kind == "vector" else type_problem(column.kind, found, self.zone)

    def _read(self, column: Column, batch: pa.RecordBatch) -> ColumnRead:
        place = batch.schema.get_field_index(column.name)
        if place < 0:
            return ColumnRead(pa.nulls(len(batch), arrow_type(column.kind)))
        if column.kind == "vector":
            return ColumnRead(*read_vectors(batch.column(place), column.size))
        return read_column(column.kind, batch.column(place), self.zone)

    def _bad_rows(self, reads: dict[str, ColumnRead], rows: int) -> Mask | None:
        bad = np.zeros(rows, np.bool_)
        for read in reads.values():
            if read.bad is not None:
                bad |= read.bad
        required = [column.name for column in self.source.columns if not column.optional]
        for name in [*required, *([ARRIVED] if self._has_arrived else [])]:
            if reads[name].values.null_count:
                bad |= reads[name].values.is_null().to_numpy(zero_copy_only=False)
        return bad if bad.any() else None

    def _table(self, reads: dict[str, ColumnRead], numbers: RowNumbers) -> pa.Table:
        columns = {column.name: with_default(reads[column.name].values, column) for column in self.source.columns}
        columns[AT] = reads["at"].values
        arrived = reads.get(ARRIVED)
        columns[ARRIVED] = pa.nulls(len(numbers), pa.int64()) if arrived is None else arrived.values
        columns[ROW] = pa.array(numbers)
        return pa.table(columns)

    def _reasons(
        self, batch: pa.RecordBatch, reads: dict[str, ColumnRead], places: Sequence[int], numbers: RowNumbers, now: int
    ) -> list[BadRow]:
        present = [name for name in reads if name in batch.schema.names]
        refused = []
        for place in places:
            row = {name: _value(batch.column(name), place) for name in present}
            problem = self._arrival_problem(row.pop(ARRIVED, None)) if self._has_arrived else ""
            reason = "; ".join(filter(None, (self._reason(row), problem)))
            kept = {name: value for name, value in row.items() if value is not None}
            refused.append(self.rows.bad(_encodable(kept), reason, now, f"{self.origin} row {numbers[place]}"))
        return refused

    def _reason(self, row: dict[str, object]) -> str:
        try:
            self.rows.values(row, as_text=True)
        except SchemaError as error:
            return str(error)
        return ""

    def _arrival_problem(self, value: object) -> str:
        read = RowCheck(Source("", (Column(ARRIVED, "time"),)), zone=self.zone)
        try:
            read.values({ARRIVED: value}, as_text=True)
        except SchemaError as error:
            return str(error)
        return ""


def _value(column: pa.Array, place: int) -> object:
    """One value of a batch as Python has it; a time that Python can't hold becomes one out of range."""
    try:
        value = column[place].as_py()
    except (ValueError, OverflowError):
        return LATEST + 1
    # Broken UTF-8 becomes broken Unicode, which the row check refuses by that name.
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _encodable(row: dict[str, object]) -> dict[str, object]:
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in row.items()
    }
