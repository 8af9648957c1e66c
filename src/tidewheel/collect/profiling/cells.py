"""What nearly all cells of a column are, and which of them `tidewheel ingest` would then put aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.columns import read_column, type_problem
from tidewheel.collect.profiling.scan import ColumnScan, FileScan
from tidewheel.definitions.ir import Kind

TOLERATED = 0.01
"""Share of a column's cells that may not fit the kind that the others have; from `ENOUGH` rows on always one."""
ENOUGH = 20
"""Rows from which on they say something of a column."""
_TIME = r"^\s*\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?([Zz]|[+-]\d\d:?\d\d)?\s*$"
_NO_ZONE = r"^\s*\d{4}-\d\d-\d\d([Tt ][\d:.]+)?\s*$"
_TRUTH = r"(?i)^\s*(true|false)\s*$"
_NUMBER = r"^\s*[+-]?\.?\d"
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class BadCells:
    """Cells of a column whose rows would be quarantined.

    Attributes
    ----------
    column : str
        As the file calls it.
    cells : int
        Of all rows; estimated beyond the rows that are sampled.
    kind : str
        What the column is taken for.
    example : str
        One of them.
    """

    column: str
    cells: int
    kind: str
    example: str

    def __str__(self) -> str:
        """Say it in a line, for people.

        >>> print(BadCells("amount", 1, "float", "'abc'"))
        amount: 1 cell is no float, such as 'abc'
        """
        are = "cell is" if self.cells == 1 else "cells are"
        return f"{self.column}: {self.cells:,} {are} no {self.kind}, such as {self.example}"


def tolerated(rows: int) -> int:
    """Return how many of so many cells may not fit.

    Examples
    --------
    >>> tolerated(7_807), tolerated(50), tolerated(10)
    (78, 1, 0)
    """
    return max(int(rows * TOLERATED), int(rows >= ENOUGH))


class Spelling(NamedTuple):
    """What nearly all texts of a column spell: a kind, "" for just texts; and those that do not.

    Without a kind these are what kept the column from being of the one they name.
    """

    kind: str = ""
    bad: BadCells | None = None


def kind_of_texts(file: FileScan, scan: ColumnScan) -> Spelling:
    """Return what the cells of a column of texts spell. Only in CSV and TSV can a text be a number."""
    kinds: tuple[Kind, ...] = ("time", "bool", "int", "float") if file.format in ("csv", "tsv") else ("time",)
    found = {kind: _misfits(kind, file.sample[scan.name]) for kind in kinds}
    kind = min(kinds, key=lambda kind: len(found[kind]))
    known = len(file.sample) - file.sample[scan.name].null_count
    if 2 * len(found[kind]) >= known:
        return Spelling()
    return Spelling(kind if len(found[kind]) <= tolerated(known) else "", _told(file, scan.name, kind, found[kind]))


def bad_cells(file: FileScan, scan: ColumnScan, kind: str, *, needed: bool) -> BadCells | None:
    """Return the cells that a column of this kind may not hold, nulls among them where a value is `needed`."""
    if kind == "vector" or type_problem(cast(Kind, kind), scan.type, _UTC):
        return None
    found = _told(file, scan.name, kind, _misfits(cast(Kind, kind), file.sample[scan.name]))
    if not (needed and scan.nulls):
        return found
    return BadCells(scan.name, scan.nulls + (found.cells if found else 0), kind, found.example if found else "null")


def lacks_zone(file: FileScan, scan: ColumnScan) -> bool:
    """Return whether a column of times holds some that don't say in which zone they are.

    Of JSON lines it can't be told: Arrow reads their times in UTC, whether they say so or not.
    """
    if pa.types.is_string(scan.type):
        return bool(pc.any(pc.match_substring_regex(file.sample[scan.name], _NO_ZONE)).as_py())
    naive = pa.types.is_timestamp(scan.type) and scan.type.tz is None and file.format != "jsonl"
    return naive or pa.types.is_date(scan.type)


def _misfits(kind: Kind, cells: pa.ChunkedArray) -> list[Any]:
    known = pa.concat_arrays(cells.chunks).drop_null()
    pattern = {"time": _TIME, "bool": _TRUTH, "int": _NUMBER, "float": _NUMBER}.get(kind, "")
    if pattern and pa.types.is_string(known.type):
        # By the words that this kind is written in: digits may be a time, and `y` true, but rather are not.
        matching = pc.match_substring_regex(known, pattern)
        others: list[Any] = known.filter(pc.invert(matching)).to_pylist()
        return others + _refused(kind, known.filter(matching))
    return _refused(kind, known)


def _refused(kind: Kind, cells: pa.Array) -> list[Any]:
    bad = read_column(kind, cells, _UTC).bad
    found: list[Any] = [] if bad is None else cells.filter(pa.array(bad)).to_pylist()
    return found


def _told(file: FileScan, column: str, kind: str, wrong: list[Any]) -> BadCells | None:
    if not wrong:
        return None
    cells = round(len(wrong) * file.rows / len(file.sample))
    return BadCells(column, cells, kind, repr(wrong[0])[:60])
