"""All rows of a file, checked, in the order in which they became known, each id once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.checks import NO_TIME, RowCheck
from tidewheel.collect.checking.ids import entity_row_id
from tidewheel.collect.checking.tables import ARRIVED, AT, ROW, TableCheck
from tidewheel.collect.importing.files import EventFile, open_file
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.collect.importing.revisions import firsts, rising
from tidewheel.collect.keeping.history import taken
from tidewheel.definitions.ir import Source
from tidewheel.errors import FileError
from tidewheel.storage.log.records import FUTURE_ALLOWED, BadRow, too_far_ahead

MOST_BAD_ROWS = 100_000
"""A file with more is refused whole: it is not what it is taken for."""
Ints = npt.NDArray[np.int64]
Arrived = Literal["at", "now"]
Progress = Callable[[str, int, float], None]
"""Called with the stage (``"read"``, ``"write"``, ...), the rows so far and the share of the stage done."""


class Gathered(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    table : pyarrow.Table
        Declared columns, ``_id``, ``_at``, ``_arrived``, ``_claimed_at``; ordered by (arrival, row of the file).
    bad : list of BadRow
    rows, duplicates, clamped, repeated, skipped, future : int
        Rows of the file; ids met again in it; times a little ahead of their arrival; clock readings in
        an hour that clocks repeat, or skip; rows put aside because they are too far ahead.
    dropped : tuple of str
        Columns of the file that nothing wants.
    """

    table: pa.Table
    bad: list[BadRow]
    rows: int
    duplicates: int
    clamped: int
    repeated: int
    skipped: int
    dropped: tuple[str, ...]
    future: int


def gather(
    path: Path,
    source: Source,
    options: FileOptions,
    *,
    arrived: Arrived,
    now: int,
    prefix: str,
    progress: Progress | None = None,
) -> Gathered:
    """Read and check a file. `prefix` begins the ids of rows of a source without an id column.

    Raises
    ------
    FileError
        The file is damaged, lacks a column, or has more than `MOST_BAD_ROWS` bad rows.
    """
    file = open_file(path, source, options)
    _require_times(file, source, options, arrived)
    times = _Times(source, file.path.name, arrived, now, options)
    check = TableCheck(source, file.schema, zone=options.zone, origin=path.name)
    tables, bad, counts = [], [], Counter[str]()
    for batch in file.batches:
        checked = check.check(batch.rows, batch.numbers, now=now)
        table, late = times.resolve(checked.table)
        tables.append(table)
        bad += [msgspec.structs.replace(row, at=now) for row in (*batch.refused, *checked.bad, *late)]
        counts.update(rows=len(batch.rows) + len(batch.refused), repeated=checked.repeated, skipped=checked.skipped)
        refuse_too_many(bad, path)
        if progress:
            progress("read", counts["rows"], batch.share)
    whole = pa.concat_tables(tables) if tables else _no_rows(check, times, file)
    ordered, duplicates = _once_each(_with_ids(_in_order(whole), source, prefix), source)
    clamped = len(ordered) - ordered["_claimed_at"].null_count
    return Gathered(
        ordered,
        bad,
        counts["rows"],
        duplicates,
        clamped,
        counts["repeated"],
        counts["skipped"],
        file.dropped,
        times.future,
    )


def _require_times(file: EventFile, source: Source, options: FileOptions, arrived: Arrived) -> None:
    if "at" in file.schema.names or options.arrived_column or arrived == "now" or source.entity:
        return
    there = ", ".join([*file.schema.names, *file.dropped])
    raise FileError(
        f"no column says when each {source.name} happened",
        where=str(file.path),
        remedy=f"say which does: --map at=COLUMN (there is: {there}); or take them as of now: --arrived now",
    )


def refuse_too_many(bad: list[BadRow], path: Path) -> None:
    """Refuse a file with more than `MOST_BAD_ROWS` bad rows."""
    if len(bad) <= MOST_BAD_ROWS:
        return
    reason, count = Counter(row.reason for row in bad).most_common(1)[0]
    raise FileError(
        f"more than {MOST_BAD_ROWS} rows are bad; {count} of them: {reason}",
        where=str(path),
        remedy="map the right columns (--map), or mend the file; nothing of it was taken",
    )


class _Times:
    """Settles each row's ``at`` and arrival."""

    def __init__(self, source: Source, origin: str, arrived: Arrived, now: int, options: FileOptions) -> None:
        self._check = RowCheck(source)
        self._origin = origin
        self._now = now
        self._arrives_now = arrived == "now"
        self._has_arrived = bool(options.arrived_column)
        self._timeless = 0 if source.entity else None
        self.future = 0

    def resolve(self, table: pa.Table) -> tuple[pa.Table, list[BadRow]]:
        """Return the rows with ``_at``, ``_arrived`` and ``_claimed_at``, and those whose times can't stand."""
        n = len(table)
        given = table[AT].is_valid().to_numpy()
        at = table[AT].fill_null(0).to_numpy()
        arrived = self._arrivals(table, at)
        if self._has_arrived or self._arrives_now:
            at = np.where(given, at, arrived)
            given = np.ones(n, np.bool_)
        elif self._timeless is not None:
            given = np.ones(n, np.bool_)
        known = np.minimum(arrived, self._now)
        future = (arrived - self._now > FUTURE_ALLOWED) | (at - known > FUTURE_ALLOWED)
        self.future += int((future & given).sum())
        bad = ~given | future
        settled = np.minimum(at, known)
        refused = [self._refuse(table, place, given, at, arrived) for place in np.flatnonzero(bad).tolist()]
        columns = {AT: pa.array(settled), ARRIVED: pa.array(known), "_claimed_at": pa.array(at, mask=settled == at)}
        for name, values in columns.items():
            place = table.schema.get_field_index(name)
            table = table.append_column(name, values) if place < 0 else table.set_column(place, name, values)
        return (table.filter(pa.array(~bad)) if refused else table), refused

    def _arrivals(self, table: pa.Table, at: Ints) -> Ints:
        if self._arrives_now:
            return np.full(len(at), self._now, np.int64)
        return table[ARRIVED].to_numpy() if self._has_arrived else at

    def _refuse(self, table: pa.Table, place: int, given: npt.NDArray[np.bool_], at: Ints, arrived: Ints) -> BadRow:
        row = table.slice(place, 1).to_pylist()[0]
        number = row.pop(ROW)
        row = {"at" if name == AT else name: value for name, value in row.items() if value is not None}
        if not given[place]:
            reason = NO_TIME
        elif at[place] != arrived[place] and arrived[place] - self._now > FUTURE_ALLOWED:
            reason = too_far_ahead("it arrives after now", arrived[place] - self._now)
        else:
            reason = too_far_ahead("at: its time is after its arrival", at[place] - min(arrived[place], self._now))
        return self._check.bad(row, reason, self._now, f"{self._origin} row {number}")


def _no_rows(check: TableCheck, times: _Times, file: EventFile) -> pa.Table:
    empty = pa.RecordBatch.from_pylist([], file.schema)
    return times.resolve(check.check(empty, np.empty(0, np.int64), now=0).table)[0]


def _in_order(table: pa.Table) -> pa.Table:
    """Order by (arrival, row of the file); nearly always it is so already."""
    arrived = table[ARRIVED].to_numpy()
    if len(arrived) < 2 or bool((arrived[1:] >= arrived[:-1]).all()):
        return table
    return taken(table, np.argsort(arrived, kind="stable"))


def _with_ids(table: pa.Table, source: Source, prefix: str) -> pa.Table:
    if source.entity:
        ids = pa.chunked_array(_entity_ids(table, source), pa.string())
    elif source.id_column is not None:
        ids = table[source.id_column]
    else:
        ids = pc.binary_join_element_wise(prefix, table[ROW].cast(pa.string()), "-")
    return table.append_column("_id", ids)


def _entity_ids(table: pa.Table, source: Source) -> Iterator[pa.Array]:
    names = [column.name for column in source.columns]
    for batch in table.select([*names, AT]).to_batches():
        ids = [entity_row_id(at, dict(zip(names, values, strict=True))) for *values, at in _rows(batch)]
        yield pa.array(ids, pa.string())


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _once_each(table: pa.Table, source: Source) -> tuple[pa.Table, int]:
    """Keep the first row of each id, and those that correct it; return also how many went."""
    if (source.id_column is None and not source.entity) or pc.count_distinct(table["_id"]).as_py() == len(table):
        return table, 0
    kept = np.flatnonzero(rising(table)) if source.revisable else firsts(table["_id"])
    return taken(table, kept), len(table) - len(kept)
