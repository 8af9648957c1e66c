"""A file of events, opened: which of its columns are wanted, and its rows batch by batch."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tidewheel.collect.checking.tables import ARRIVED
from tidewheel.collect.importing.formats import Format, format_of
from tidewheel.collect.importing.readers import Batch, FileOptions, Reader
from tidewheel.collect.importing.readers.arrow import ArrowReader, ArrowStreamReader, ParquetReader
from tidewheel.collect.importing.readers.delimited import DelimitedReader
from tidewheel.collect.importing.readers.lines import LinesReader
from tidewheel.definitions.ir import Source
from tidewheel.errors import FileError

READERS: Mapping[Format, type[Reader]] = {
    "parquet": ParquetReader,
    "arrow": ArrowReader,
    "arrow-stream": ArrowStreamReader,
    "csv": DelimitedReader,
    "tsv": DelimitedReader,
    "jsonl": LinesReader,
}


class EventFile(NamedTuple):
    """An open file of events.

    Attributes
    ----------
    path : Path
    format : str
    schema : pyarrow.Schema
        Of the wanted columns, named as the source declares them (and ``at``, ``_arrived``).
    dropped : tuple of str
        Columns of the file that nothing wants.
    batches : iterator of Batch
        To be read once.
    """

    path: Path
    format: Format
    schema: pa.Schema
    dropped: tuple[str, ...]
    batches: Iterator[Batch]


def open_file(path: Path, source: Source, options: FileOptions | None = None) -> EventFile:
    """Open a file of rows of `source`.

    Parameters
    ----------
    path : Path
        Parquet, CSV, JSON lines (or one JSON array) or Arrow IPC; CSV and JSON may be gzipped.
    source : Source
    options : FileOptions, optional
        Format, mapping of columns, marks for null, zone.

    Raises
    ------
    FileError
        The file can't be read as what it claims to be, or a mapped column is not in it.
    """
    options = options or FileOptions()
    format = format_of(path, options.format)
    reader = READERS[format](path, source, options, format)
    wanted = wanted_columns(source, options, reader.names, str(path))
    dropped = tuple(name for name in reader.names if name not in wanted.values())
    schema = reader.choose(wanted)
    return EventFile(path, format, schema, dropped, reader.batches())


def wanted_columns(source: Source, options: FileOptions, names: list[str], where: str) -> dict[str, str]:
    """Return, by name of the source's column, the name of the file's column that gives it."""
    known = {column.name for column in source.columns} | {"at"}
    for column, name in options.mapping.items():
        if column not in known:
            raise FileError(f"{source.name} has no column {column!r}", where="--map", remedy=_likely(column, known))
        if name not in names:
            raise FileError(f"the file has no column {name!r} (for {column})", where=where, remedy=_likely(name, names))
    wanted = {column: options.mapping.get(column, column) for column in sorted(known)}
    if options.arrived_column:
        if options.arrived_column not in names:
            remedy = _likely(options.arrived_column, names)
            raise FileError(
                f"the file has no column {options.arrived_column!r} (for arrivals)", where=where, remedy=remedy
            )
        wanted[ARRIVED] = options.arrived_column
    return {column: name for column, name in wanted.items() if name in names}


def _likely(name: str, names: list[str] | set[str]) -> str:
    likely = difflib.get_close_matches(name, sorted(names), n=1)
    return f"did you mean {likely[0]!r}?" if likely else f"there is: {', '.join(sorted(names)) or 'nothing'}"
