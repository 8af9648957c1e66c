"""One reader a file format. This file says what a reader is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions.ir import Source
from tidewheel.storage.log.records import BadRow

ROWS_A_BATCH = 65_536


@dataclass(frozen=True)
class FileOptions:
    """How to read a file.

    Attributes
    ----------
    format : str
        One of `formats.FORMATS`; "" goes by the extension and the first bytes.
    mapping : mapping of str to str
        The source's column (or ``at``) to the file's.
    arrived_column : str
        The file's column that says when each row was known; "" for none.
    nulls : tuple of str
        Cells of a CSV file that mean null, besides the empty one.
    zone : ZoneInfo, optional
        Where times without a zone were read off a clock.
    """

    format: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    arrived_column: str = ""
    nulls: tuple[str, ...] = ()
    zone: ZoneInfo | None = None


class Batch(NamedTuple):
    """Some rows of a file.

    `rows` has the wanted columns by the source's names; `numbers` each row's number in the file, from 1;
    `refused` rows that could not be read at all; `share` of the file read so far.
    """

    rows: pa.RecordBatch
    share: float
    numbers: npt.NDArray[np.int64]
    refused: Sequence[BadRow] = ()


class Reader(Protocol):
    """Reads one file, once, front to back, in bounded memory.

    The constructor opens the file and raises `FileError` when it is not of this format. `names` are its
    columns. `choose` says which are wanted (the source's name to the file's) and returns their schema;
    `batches` then yields the rows, raising `FileError` where the file is damaged.
    """

    names: list[str]

    def __init__(self, path: Path, source: Source, options: FileOptions, format: str) -> None: ...

    def choose(self, wanted: Mapping[str, str]) -> pa.Schema:
        """Say which columns are wanted; return their schema under the source's names."""

    def batches(self) -> Iterator[Batch]:
        """Yield the rows."""
