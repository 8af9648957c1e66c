"""Before a batch enters the log: rows that fail are put aside, and a batch that fails as a whole is refused.

A batch is a file, or what one call posts. Decisions are single rows and are held to what a single row can be
held to; afterwards `tidewheel.collect.quality.verdicts` looks at them with everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from tidewheel.collect.checking.checks import RowCheck, row_check
from tidewheel.collect.checking.expectations import AT, CLOCK_KINDS, ROW_KINDS, failing, refusal
from tidewheel.definitions.ir import Expectation, Source
from tidewheel.errors import ExpectationError
from tidewheel.storage.log.records import BadRow, NewEvent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Mask = npt.NDArray[np.bool_]

Row = NewEvent | BadRow


def screen_table(table: pa.Table, source: Source, *, origin: str, now: int) -> tuple[pa.Table, list[BadRow]]:
    """Hold a file's rows to what is expected of them.

    Parameters
    ----------
    table : pyarrow.Table
        Declared columns, ``_at``, and ``_row``, the row's number in the file.
    source : Source
    origin : str
        Name of the file, for the reasons.
    now : int

    Returns
    -------
    tuple of pyarrow.Table and list of BadRow
        The rows that may go on, and those that are to be quarantined.

    Raises
    ------
    ExpectationError
        The policy is to stop, and more rows fail than are tolerated.
    """
    by: dict[int, Expectation] = {}
    for expectation in _screened(source):
        mask = failing(expectation, table)
        if is_stop(expectation, int(mask.sum()), len(mask)):
            raise _stopped(expectation, source, mask, table, origin)
        if expectation.kind != "null_rate":
            by = dict.fromkeys(mask.nonzero()[0].tolist(), expectation) | by
    if not by:
        return table, []
    import numpy as np
    import pyarrow as pa

    check, places = row_check(source), sorted(by)
    rows = table.take(pa.array(places)).to_pylist()
    refused = [_refused(check, by[place], row, origin, now) for place, row in zip(places, rows, strict=True)]
    keep = np.ones(table.num_rows, np.bool_)
    keep[places] = False
    return table.filter(pa.array(keep)), refused


def screen_rows(rows: Sequence[Row], sources: Mapping[str, Source], now: int) -> Sequence[Row]:
    """Hold the rows of one call to what only a batch tells; single rows were held to the rest already.

    A batch that is stopped is quarantined whole, so that nothing is lost: ``tidewheel quarantine retry`` takes it
    in when the declaration, or what was wrong, is mended.
    """
    types = {row.type for row in rows}
    screens = [screen for source in map(sources.get, types) if source is not None if (screen := screen_of(source))]
    for screen in screens:
        rows = screen.apply(rows, now)
    return rows


def screen_of(source: Source) -> Screen | None:
    """Return what batches of a source are held to, made once; None where nothing is declared."""
    return _screen_of(source) if source.expects else None


class Screen:
    """What a batch of rows of one source is held to, beyond what each row is held to alone."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.whole = [e for e in _screened(source) if e.kind not in ROW_KINDS]
        self.stops = {e.name: e for e in _screened(source) if e.kind in ROW_KINDS and e.policy == "stop"}
        self._check = row_check(source)

    def apply(self, rows: Sequence[Row], now: int) -> Sequence[Row]:
        """Return the rows, those of this source that may not enter as bad rows."""
        mine = [row for row in rows if row.type == self.source.name]
        stopped = self._stopped_by_rows(mine)
        events = [row for row in mine if isinstance(row, NewEvent)]
        by: dict[int, Expectation] = {}
        if stopped is None and self.whole and events:
            table = table_of(events, self.source, self.whole)
            for expectation in self.whole:
                mask = failing(expectation, table)
                if is_stop(expectation, int(mask.sum()), len(mask)):
                    stopped = expectation
                    break
                if expectation.kind != "null_rate":
                    by = dict.fromkeys(mask.nonzero()[0].tolist(), expectation) | by
        if stopped is not None:
            by = dict.fromkeys(range(len(events)), stopped)
        if not by:
            return rows
        bad = {id(events[place]): self._put_aside(events[place], by[place], stopped, now) for place in by}
        return [bad.get(id(row), row) for row in rows]

    def _stopped_by_rows(self, rows: Sequence[Row]) -> Expectation | None:
        failed = [row.expectation for row in rows if isinstance(row, BadRow)]
        found = (e for name, e in self.stops.items() if is_stop(e, failed.count(name), len(rows)))
        return next(found, None)

    def _put_aside(self, event: NewEvent, by: Expectation, stopped: Expectation | None, now: int) -> BadRow:
        row = {AT: event.at, **event.columns}
        if stopped is None:
            return _refused(self._check, by, {**event.columns, "_at": event.at}, "", now)
        reason = f"its batch was stopped by the expectation '{stopped.name}'"
        return self._check.bad(row, reason, now, "", stopped.name)


def is_stop(expectation: Expectation, failed: int, rows: int) -> bool:
    """Return whether so many rows of a batch stop it."""
    return expectation.policy == "stop" and is_breach(expectation, failed, rows)


def is_breach(expectation: Expectation, failed: int, rows: int) -> bool:
    """Return whether more rows fail than are tolerated.

    Examples
    --------
    >>> is_breach(Expectation("told", "null_rate", ("tip",), limit=0.2, rows=10), 3, 10)
    True
    """
    if expectation.kind == "null_rate":
        return rows >= max(1, expectation.rows) and failed > expectation.limit * rows
    return failed > expectation.tolerate * rows


def table_of(events: Sequence[NewEvent], source: Source, expectations: Sequence[Expectation]) -> pa.Table:
    """Return the columns of some events that expectations look at."""
    import pyarrow as pa

    from tidewheel.collect.checking.columns import arrow_type

    wanted = {name for expectation in expectations for name in expectation.columns} - {AT}
    columns = {
        column.name: pa.array([event.columns.get(column.name) for event in events], arrow_type(column.kind))
        for column in source.columns
        if column.name in wanted
    }
    return pa.table({"_at": pa.array([event.at for event in events], pa.int64()), **columns})


def _screened(source: Source) -> list[Expectation]:
    return [e for e in source.expects if e.policy != "warn" and e.kind not in CLOCK_KINDS]


@lru_cache(maxsize=1024)
def _screen_of(source: Source) -> Screen | None:
    screen = Screen(source)
    return screen if screen.whole or screen.stops else None


def _refused(check: RowCheck, expectation: Expectation, row: dict[str, object], origin: str, now: int) -> BadRow:
    number = row.pop("_row", None)
    at = row.pop("_at")
    kept = {AT: at, **{name: value for name, value in row.items() if not name.startswith("_") and value is not None}}
    reason = refusal(expectation, _shown(check.source, expectation, kept))
    where = f"{origin} row {number}" if number is not None else origin
    return check.bad(kept, reason, now, where, expectation.name)


def _shown(source: Source, expectation: Expectation, row: dict[str, object]) -> str:
    personal = {column.name for column in source.columns if column.personal}
    if personal & set(expectation.columns):
        return "a personal value"
    return ", ".join(repr(row.get(name)) for name in expectation.columns)


def _stopped(expectation: Expectation, source: Source, mask: Mask, table: pa.Table, origin: str) -> ExpectationError:
    first = int(mask.argmax())
    number = table["_row"][first].as_py()
    error = ExpectationError(
        f"{int(mask.sum())} of {len(mask)} rows of {source.name} fail the expectation '{expectation.name}', "
        f"first row {number}; nothing was taken",
        where=origin,
        remedy="mend the file, or declare another policy than stop",
    )
    error.expectation = expectation.name
    return error


def counted(rows: Sequence[BadRow]) -> dict[tuple[str, str], list[BadRow]]:
    """Return quarantined rows by (event, expectation), without those that did not fit their declaration."""
    found: dict[tuple[str, str], list[BadRow]] = {}
    for row in rows:
        if row.expectation:
            found.setdefault((row.type, row.expectation), []).append(row)
    return found
