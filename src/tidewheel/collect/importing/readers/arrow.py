"""Parquet and Arrow IPC files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tidewheel.collect.importing.readers import ROWS_A_BATCH, Batch, FileOptions
from tidewheel.definitions.ir import Source
from tidewheel.errors import FileError


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        first_line = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise FileError(
            f"can't be read as {what}, it is truncated or damaged ({first_line})",
            where=str(path),
            remedy="write or copy it again; nothing of it was taken",
        ) from error


class _Columnar:
    """What the three have in common: columns chosen by name."""

    what = "an Arrow file"

    def __init__(self, path: Path, source: Source, options: FileOptions, format: str) -> None:
        self._path = path
        self._wanted: Mapping[str, str] = {}
        with _reading(path, self.what):
            self._file, self._schema = self._open()
        self.names: list[str] = list(dict.fromkeys(self._schema.names))
        if len(self.names) < len(self._schema.names):
            raise FileError("two columns of the file have one name", where=str(path), remedy="rename one")

    def _open(self) -> tuple[Any, pa.Schema]:
        raise NotImplementedError

    def _parts(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        raise NotImplementedError

    def choose(self, wanted: Mapping[str, str]) -> pa.Schema:
        """See `Reader.choose`."""
        self._wanted = wanted
        return pa.schema([self._schema.field(name).with_name(column) for column, name in wanted.items()])

    def batches(self) -> Iterator[Batch]:
        """See `Reader.batches`."""
        parts, first = self._parts(), 1
        while True:
            with _reading(self._path, self.what):
                part = next(parts, None)
                if part is None:
                    return
                rows, share = part
                chosen = pa.RecordBatch.from_arrays(
                    [rows.column(name) for name in self._wanted.values()], list(self._wanted)
                )
                chosen.validate(full=True)
            for start in range(0, len(chosen), ROWS_A_BATCH):
                rows = chosen.slice(start, ROWS_A_BATCH)
                yield Batch(rows, share, np.arange(first, first + len(rows), dtype=np.int64))
                first += len(rows)


class ParquetReader(_Columnar):
    """Reads Parquet."""

    what = "Parquet"

    def _open(self) -> tuple[Any, pa.Schema]:
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(self._path)
        return file, file.schema_arrow

    def _parts(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        total, done = max(self._file.metadata.num_rows, 1), 0
        for batch in self._file.iter_batches(ROWS_A_BATCH, columns=list(self._wanted.values())):
            done += len(batch)
            yield batch, done / total


class ArrowReader(_Columnar):
    """Reads the Arrow IPC file format (also Feather)."""

    def _open(self) -> tuple[Any, pa.Schema]:
        file = pa.ipc.open_file(pa.memory_map(str(self._path)))
        return file, file.schema

    def _parts(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        total = self._file.num_record_batches
        for place in range(total):
            yield self._file.get_batch(place), (place + 1) / total


class ArrowStreamReader(_Columnar):
    """Reads the Arrow IPC stream format."""

    what = "an Arrow stream"

    def _open(self) -> tuple[Any, pa.Schema]:
        self._bytes = pa.OSFile(str(self._path))
        file = pa.ipc.open_stream(self._bytes)
        return file, file.schema

    def _parts(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        size = self._path.stat().st_size
        for batch in self._file:
            yield batch, self._bytes.tell() / size
