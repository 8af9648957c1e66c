"""A file's columns in one pass and bounded memory: counts over all rows, the rest from an even sample of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.dataset as ds
import pyarrow.json as json

from tidewheel.collect.importing.formats import UNREADABLE, format_of, is_gzipped
from tidewheel.errors import FileError
from tidewheel.kernel.words.hashing import hash_strings

SAMPLE = 20_000
"""Rows kept for quantiles, histograms and patterns."""
MOST_VALUES = 5_000
"""Different values counted one by one; beyond, their number is estimated."""
SMALLEST = 1_024
"""Hashes kept for the estimate: relative standard error 1/sqrt(SMALLEST - 2), 3.1 %."""
BLOCK = 1 << 24


@dataclass
class ColumnScan:
    """What all rows say of a column.

    Attributes
    ----------
    name : str
    type : pyarrow.DataType
        As the file gives it.
    rows, nulls : int
    low, high : value or None
        Of numbers, times and texts.
    mean : float or None
    counts : dict or None
        How often each value comes; None beyond `MOST_VALUES` different ones.
    """

    name: str
    type: pa.DataType
    rows: int = 0
    nulls: int = 0
    low: Any = None
    high: Any = None
    total: float = 0.0
    counts: dict[Any, int] | None = field(default_factory=dict)
    _hashes: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))

    @property
    def mean(self) -> float | None:
        """Mean of a column of numbers."""
        known = self.rows - self.nulls
        return self.total / known if known and is_number(self.type) else None

    @property
    def distinct(self) -> int:
        """How many different values there are: exact up to `MOST_VALUES`, else estimated from the smallest hashes."""
        if self.counts is not None:
            return len(self.counts)
        if len(self._hashes) < SMALLEST:
            return len(self._hashes)
        return min(self.rows - self.nulls, round((SMALLEST - 1) / (int(self._hashes[-1]) / 2.0**64)))

    def add(self, values: pa.Array) -> None:
        """Take in a batch of the column."""
        self.rows += len(values)
        self.nulls += values.null_count
        known = values.drop_null()
        if not len(known):
            return
        if not pa.types.is_nested(self.type):
            extremes = pc.min_max(known)
            self.low = _least(self.low, extremes["min"].as_py(), min)
            self.high = _least(self.high, extremes["max"].as_py(), max)
            counted = pc.value_counts(known)
            self._count(counted.field("values"), counted.field("counts"))
        if is_number(self.type):
            self.total += float(pc.sum(known.cast(pa.float64(), safe=False)).as_py())

    def _count(self, values: pa.Array, counts: pa.Array) -> None:
        hashes = np.ascontiguousarray(hash_strings(values.cast(pa.string()))).view(np.uint64)
        self._hashes = np.unique(np.concatenate([self._hashes, hashes]))[:SMALLEST]
        if self.counts is None:
            return
        for value, count in zip(values.to_pylist(), counts.to_pylist(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > MOST_VALUES:
            self.counts = None


@dataclass
class FileScan:
    """A file's columns, and an even sample of its rows."""

    path: Path
    format: str
    rows: int
    columns: list[ColumnScan]
    sample: pa.Table


def scan_file(path: Path, format: str = "") -> FileScan:
    """Read a file once.

    Raises
    ------
    FileError
        It can't be read as what it claims to be.
    """
    form = format_of(path, format)
    try:
        return _scan(path, form, _batches(path, form, as_text=False))
    except pa.ArrowInvalid:
        if form not in ("csv", "tsv"):
            raise
    # A later row does not fit what the first ones looked like.
    return _scan(path, form, _batches(path, form, as_text=True))


def _scan(path: Path, form: str, batches: Iterator[pa.RecordBatch]) -> FileScan:
    columns: dict[str, ColumnScan] = {}
    kept, draw, rows = _Kept(), np.random.default_rng(0), 0
    for batch in batches:
        rows += batch.num_rows
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_dictionary(values.type):
                values = values.dictionary_decode()
            columns.setdefault(name, ColumnScan(name, values.type)).add(values)
        kept.add(batch, draw.random(batch.num_rows))
    if not columns:
        raise FileError("there is no row in it", where=str(path), remedy="profile a file with rows")
    return FileScan(path, form, rows, list(columns.values()), kept.table())


class _Kept:
    """The rows with the smallest of random keys: each row of the file is as likely."""

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []
        self._keys = np.empty(0)

    def add(self, batch: pa.RecordBatch, keys: npt.NDArray[np.float64]) -> None:
        """Take in a batch."""
        self._parts.append(pa.Table.from_batches([batch]))
        self._keys = np.concatenate([self._keys, keys])
        if len(self._keys) > 2 * SAMPLE:
            self._shrink()

    def table(self) -> pa.Table:
        """Return the rows, in the file's order."""
        self._shrink()
        return self._parts[0]

    def _shrink(self) -> None:
        whole = pa.concat_tables(self._parts, promote_options="permissive")
        chosen = np.sort(np.argsort(self._keys)[:SAMPLE])
        self._parts, self._keys = [whole.take(pa.array(chosen))], self._keys[chosen]


def _batches(path: Path, form: str, *, as_text: bool) -> Iterator[pa.RecordBatch]:
    try:
        if form in ("parquet", "arrow"):
            yield from ds.dataset(path, format="ipc" if form == "arrow" else form).to_batches(batch_size=1 << 16)
            return
        with pa.input_stream(str(path), compression="gzip" if is_gzipped(path) else None) as stream:
            if form == "arrow-stream":
                yield from pa.ipc.open_stream(stream)
                return
            if form == "jsonl":
                yield from json.open_json(stream, read_options=json.ReadOptions(block_size=BLOCK))
                return
            yield from csv.open_csv(
                stream,
                read_options=csv.ReadOptions(block_size=BLOCK),
                parse_options=csv.ParseOptions(delimiter="\t" if form == "tsv" else ","),
                convert_options=_as_text(path, form) if as_text else csv.ConvertOptions(strings_can_be_null=True),
            )
    except UNREADABLE as error:
        raise FileError(f"can't be read: {error}", where=str(path), remedy="check that it is whole") from error
    except pa.ArrowInvalid as error:
        if form in ("csv", "tsv") and not as_text:
            raise
        said = f"can't be read as {form}: {error}"
        raise FileError(said, where=str(path), remedy="say which it is: --format") from error


def _as_text(path: Path, form: str) -> csv.ConvertOptions:
    with pa.input_stream(str(path), compression="gzip" if is_gzipped(path) else None) as stream:
        parse = csv.ParseOptions(delimiter="\t" if form == "tsv" else ",")
        names = csv.open_csv(stream, parse_options=parse).schema.names
    return csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)


def is_number(kind: pa.DataType) -> bool:
    """Return whether a type is one of numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _least(one: Any, other: Any, better: Any) -> Any:
    return other if one is None else one if other is None else better(one, other)
