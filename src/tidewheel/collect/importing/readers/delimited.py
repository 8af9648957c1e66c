"""CSV and TSV files."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from tidewheel.collect.importing.formats import UNREADABLE, is_gzipped, opened
from tidewheel.collect.importing.readers import Batch, FileOptions
from tidewheel.definitions.ir import Source
from tidewheel.errors import FileError
from tidewheel.storage.log.records import BadRow

_BLOCK = 1 << 22
_MOST_KEPT = 4096
"""Characters kept of a row with the wrong number of cells."""


class DelimitedReader:
    """Reads CSV with a header row; cells come as bytes, and what they mean is for the table check to say.

    A row with too many or too few cells is refused by its number, and the rest goes on. A quotation mark
    that is never closed would swallow the rows behind it: that refuses the file.
    """

    def __init__(self, path: Path, source: Source, options: FileOptions, format: str) -> None:
        self._path = path
        self._source = source
        self._options = options
        self._delimiter = "\t" if format == "tsv" else ","
        self._gzipped = is_gzipped(path)
        self._ragged: list[int] = []
        self._refused: list[BadRow] = []
        self._wanted: Mapping[str, str] = {}
        self.names: list[str] = self._header()
        if len(set(self.names)) < len(self.names):
            raise FileError("two columns of the file have one name", where=str(path), remedy="rename one in its header")
        other = next((mark for mark in ";\t|," if mark in self.names[0]), "")
        if len(self.names) == 1 and other:
            remedy = "say --format tsv" if other == "\t" else f"write it with {self._delimiter!r} between cells"
            raise FileError(f"its cells seem to be separated by {other!r}", where=str(path), remedy=remedy)

    def choose(self, wanted: Mapping[str, str]) -> pa.Schema:
        """See `Reader.choose`."""
        self._wanted = wanted
        return pa.schema([(column, pa.binary()) for column in wanted])

    def batches(self) -> Iterator[Batch]:
        """See `Reader.batches`."""
        self._refuse_open_quote()
        wanted = list(self._wanted.values())
        options = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.binary()),
            include_columns=wanted or self.names[:1],
            null_values=["", *self._options.nulls],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        reader = self._open(options, self._skip_ragged)
        first = 1
        while (rows := self._next(reader)) is not None:
            numbers, first = self._numbers(len(rows), first)
            chosen = pa.RecordBatch.from_arrays([rows.column(name) for name in wanted], list(self._wanted))
            yield Batch(chosen, self._share(), numbers, self._take_refused())
        if rest := self._take_refused():
            yield Batch(pa.RecordBatch.from_pylist([], self.choose(self._wanted)), 1.0, np.empty(0, np.int64), rest)

    def _header(self) -> list[str]:
        schema = self._open(pa_csv.ConvertOptions(check_utf8=False), lambda row: "skip").schema
        try:
            return list(schema.names)
        except UnicodeDecodeError as error:
            raise self._unreadable(error) from error

    def _open(self, convert: pa_csv.ConvertOptions, skip_ragged: Callable[[Any], str]) -> Any:
        self._bytes = pa.OSFile(str(self._path))
        stream = pa.CompressedInputStream(self._bytes, "gzip") if self._gzipped else self._bytes
        # Row numbers are only known to a reader of one thread.
        read = pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK)
        parse = pa_csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=skip_ragged)
        try:
            return pa_csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _next(self, reader: Any) -> pa.RecordBatch | None:
        try:
            return reader.read_next_batch()
        except StopIteration:
            return None
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _skip_ragged(self, row: Any) -> str:
        number = row.number - 1
        self._ragged.append(number)
        reason = f"{row.actual_columns} cells where the header has {row.expected_columns}"
        text = msgspec.json.encode(str(row.text)[:_MOST_KEPT].encode("utf-8", "replace").decode())
        self._refused.append(BadRow(self._source.name, reason, text, f"{self._path.name} row {number}"))
        return "skip"

    def _numbers(self, rows: int, first: int) -> tuple[npt.NDArray[np.int64], int]:
        """Numbers of the next rows, stepping over the ragged ones; and the number to go on from."""
        numbers = np.arange(first, first + rows + len(self._ragged), dtype=np.int64)
        numbers = numbers[~np.isin(numbers, self._ragged)][:rows] if self._ragged else numbers
        following = int(numbers[-1]) + 1 if rows else first
        # The parser reads ahead: rows of later batches may be among them already.
        self._ragged = [number for number in self._ragged if number >= following]
        return numbers, following

    def _take_refused(self) -> list[BadRow]:
        refused, self._refused = self._refused, []
        return refused

    def _share(self) -> float:
        return min(float(self._bytes.tell()) / max(self._path.stat().st_size, 1), 1.0)

    def _refuse_open_quote(self) -> None:
        """Arrow drops what follows a quotation mark that is never closed, without a word."""
        try:
            with opened(self._path) as file:
                quotes = sum(chunk.count(b'"') for chunk in iter(lambda: file.read(_BLOCK), b""))
        except UNREADABLE as error:
            raise self._unreadable(error) from error
        if quotes % 2 == 0:
            return
        with opened(self._path) as file, io.TextIOWrapper(file, "utf-8", "replace", newline="") as text:
            rows = csv.reader(text, delimiter=self._delimiter, strict=True)
            try:
                deque(rows, maxlen=0)
            except csv.Error as error:
                raise FileError(
                    f"a quotation mark is misplaced or never closed ({error})",
                    where=f"{self._path}:{rows.line_num}",
                    remedy="mend the file; nothing of it was taken",
                ) from error

    def _unreadable(self, error: Exception) -> FileError:
        return FileError(
            f"can't be read as CSV ({str(error).splitlines()[0][:200]})",
            where=str(self._path),
            remedy="check its quotation marks and encoding (UTF-8), or say --format; nothing of it was taken",
        )
