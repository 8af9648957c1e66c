"""JSON lines, or one JSON array."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.checks import RowCheck, rows_of, wire_struct
from tidewheel.collect.checking.columns import arrow_type
from tidewheel.collect.checking.tables import ARRIVED
from tidewheel.collect.checking.values import LARGEST_WHOLE, described, not_json
from tidewheel.collect.importing.formats import UNREADABLE, opened
from tidewheel.collect.importing.readers import Batch, FileOptions
from tidewheel.definitions.ir import TEXT_KINDS, Column, Source
from tidewheel.errors import FileError, SchemaError
from tidewheel.storage.log.records import BadRow

_BYTES_A_BATCH = 1 << 22
_LARGEST_ARRAY = 1 << 30
"""Bytes of a file that is one JSON array, which has to be read whole."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, pa.ArrowException, OverflowError, SchemaError)


class _Lines(NamedTuple):
    """Rows as bytes, with the number of each in the file."""

    rows: list[bytes]
    numbers: list[int]


class LinesReader:
    """Reads JSON, one object a line. A line that is none, or breaks the schema, is refused by its number.

    Lines take the fast way in batches, by one typed decode; a batch in which that fails is taken line by
    line. Fields that are not declared are refused too, unless a mapping says which fields are wanted.
    """

    def __init__(self, path: Path, source: Source, options: FileOptions, format: str) -> None:
        self._path = path
        self._source = source
        self._options = options
        self._size = max(path.stat().st_size, 1)
        self._strict = not options.mapping
        self._unknown: dict[str, None] = {}
        self.names: list[str] = self._names()
        self._declare({})

    def choose(self, wanted: Mapping[str, str]) -> pa.Schema:
        """See `Reader.choose`. The schema is the declared one, since lines have none of their own."""
        self._declare(wanted)
        return pa.schema([(column.name, arrow_type(column.kind)) for column in self._columns])

    def batches(self) -> Iterator[Batch]:
        """See `Reader.batches`."""
        with opened(self._path) as file:
            for lines in self._chunks(file):
                share = self._share(file)
                try:
                    yield Batch(self._typed(lines.rows), share, np.array(lines.numbers, np.int64))
                except _UNREADABLE:
                    yield self._line_by_line(lines, share)

    def _names(self) -> list[str]:
        """Fields of the first line that is an object; the mapped ones and the declared ones count as there."""
        declared = [column.name for column in self._source.columns]
        if self._strict:
            return [*declared, "at", *filter(None, [self._options.arrived_column])]
        try:
            first = next((row for row in self._peek() if isinstance(row, dict)), {})
        except UNREADABLE as error:
            raise self._unreadable(str(error)) from error
        named = [*self._options.mapping.values(), *filter(None, [self._options.arrived_column])]
        return list(dict.fromkeys([*declared, "at", *named, *first]))

    def _peek(self) -> Iterable[object]:
        with opened(self._path) as file:
            for line in itertools.islice(file, 100):
                try:
                    found = msgspec.json.decode(line)
                except _UNREADABLE:
                    continue
                yield from found if isinstance(found, list) else [found]

    def _declare(self, wanted: Mapping[str, str]) -> None:
        self._rename = {column: name for column, name in wanted.items() if name != column}
        columns = self._source.columns
        if ARRIVED in wanted:
            columns = (*columns, Column(ARRIVED, "time"))
        self._columns = (*columns, Column("at", "time", nullable=True))
        source = msgspec.structs.replace(self._source, columns=columns)
        self._decoder: msgspec.json.Decoder[Any] | None
        self._check = RowCheck(source, zone=self._options.zone)
        if len(set(wanted.values())) == len(wanted):
            self._decoder = msgspec.json.Decoder(wire_struct(source, self._rename, self._strict))
        else:
            # Two columns from one field: only the row check can do that.
            self._decoder = None

    def _chunks(self, file: IO[bytes]) -> Iterator[_Lines]:
        """Lines that hold anything, a few megabytes at a time."""
        try:
            head = file.read(64)
            file.seek(0)
            if head.lstrip()[:1] == b"[":
                yield self._array(file)
                return
            number = 0
            while lines := file.readlines(_BYTES_A_BATCH):
                numbered = [(line, number + i) for i, line in enumerate(lines, 1) if line.strip()]
                number += len(lines)
                yield _Lines([line for line, _ in numbered], [place for _, place in numbered])
        except UNREADABLE as error:
            raise self._unreadable(str(error)) from error

    def _array(self, file: IO[bytes]) -> _Lines:
        body = file.read(_LARGEST_ARRAY + 1)
        if len(body) > _LARGEST_ARRAY:
            raise FileError(
                "one JSON array of more than a gigabyte", where=str(self._path), remedy="write one object a line"
            )
        rows = rows_of(body)
        try:
            msgspec.json.decode(body, type=list[msgspec.Raw])
        except _UNREADABLE as error:
            raise self._unreadable(str(error)) from error
        return _Lines(rows, list(range(1, len(rows) + 1)))

    def _unreadable(self, why: str) -> FileError:
        return FileError(
            f"can't be read as JSON ({why})", where=str(self._path), remedy="write it again; nothing of it was taken"
        )

    def _typed(self, lines: Sequence[bytes]) -> pa.RecordBatch:
        if self._decoder is None:
            raise SchemaError("two columns come from one field")
        rows = self._decoder.decode_lines(b"\n".join(lines))
        if len(rows) != len(lines):
            raise SchemaError("an object and a line are not the same here")
        values = zip(*map(msgspec.structs.astuple, rows), strict=True) if rows else [[]] * len(self._columns)
        arrays = [_array_of(column, given) for column, given in zip(self._columns, values, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, [column.name for column in self._columns])

    def _line_by_line(self, lines: _Lines, share: float) -> Batch:
        kept: list[dict[str, object]] = []
        numbers: list[int] = []
        refused: list[BadRow] = []
        for line, number in zip(*lines, strict=True):
            try:
                columns, at = self._check.values(self._renamed(line))
                kept.append({**columns, "at": at})
                numbers.append(number)
            except _UNREADABLE as error:
                reason = str(error) if isinstance(error, SchemaError) else not_json(error, line)
                refused.append(self._check.bad(line.strip(), reason, 0, f"{self._path.name} row {number}"))
        arrays = [pa.array([row[it.name] for row in kept], arrow_type(it.kind)) for it in self._columns]
        rows = pa.RecordBatch.from_arrays(arrays, [column.name for column in self._columns])
        return Batch(rows, share, np.array(numbers, np.int64), refused)

    def _renamed(self, line: bytes) -> dict[str, Any]:
        row = msgspec.json.decode(line)
        if not isinstance(row, dict):
            raise SchemaError(f"expected an object of columns, found {described(row)}")
        if self._strict and not self._rename:
            return row
        given = {column.name: self._rename.get(column.name, column.name) for column in self._columns}
        rest = {name: value for name, value in row.items() if self._strict and name not in given.values()}
        return {**rest, **{column: row[name] for column, name in given.items() if name in row}}

    def _share(self, file: IO[bytes]) -> float:
        raw = file.fileobj if isinstance(file, gzip.GzipFile) else file
        return min(raw.tell() / self._size, 1.0) if raw is not None else 1.0


def _array_of(column: Column, values: Sequence[Any]) -> pa.Array:
    """Values of one decoded column as Arrow has them; raises where only the row check can judge them."""
    if column.kind == "vector" and any(type(value) is list for value in values):
        return pa.array(values, pa.list_(pa.float64()))
    if column.kind in TEXT_KINDS:
        try:
            return pa.array(values, pa.string())
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            return pa.array([it if it is None or type(it) is str else str(it) for it in values], pa.string())
    if column.kind == "time":
        return _times_of(values)
    array = pa.array(values, arrow_type(column.kind))
    if column.kind in ("float", "int") and pc.any(pc.greater_equal(pc.abs(array), LARGEST_WHOLE)).as_py():
        raise SchemaError("only the row check sees whether these were whole numbers")
    return array


def _times_of(values: Sequence[Any]) -> pa.Array:
    texts = [it for it in values if type(it) is str]
    if any(it[4:5] != "-" for it in texts):
        raise SchemaError("only the row check tells a time from digits")
    return pa.array(values, pa.string() if texts else pa.int64())
