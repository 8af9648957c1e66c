"""What goes into the event log and what comes out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

FUTURE_ALLOWED = 5 * 60 * 1_000_000
"""How far (µs) an event's time may lie ahead of its arrival and still be taken, as of its arrival."""


class NewEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """An event to be logged.

    Attributes
    ----------
    type : str
        Name of the event type, or of the entity whose attributes it carries.
    id : str
        Its id, unique within the type; made by the caller for types without an id column.
    at : int
        When it happened, µs UTC.
    columns : dict
        Declared columns by name: ``str``, ``float``, ``int`` (times too, in µs), ``bool`` or None.
    arrived : int
        0: the log says when it arrived. Otherwise the caller's own arrival (a replay workspace);
        raised to the newest arrival of the type when it lies before that.
    """

    type: str
    id: str
    at: int
    columns: dict[str, object]
    arrived: int = 0


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """An event as it stands in the log. `claimed_at` is the `at` it came with, when that lay in the future."""

    offset: int
    type: str
    id: str
    at: int
    arrived: int
    claimed_at: int | None
    columns: dict[str, object]


class ImportRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of history that became part of the log; its rows are in the lake.

    Row number `_row` has offset ``offset + _row``. Rows in `duplicates` had an id that was in
    the log already: they are not part of history and readers leave them out.
    """

    offset: int
    import_id: str
    type: str
    rows: int
    first_arrived: int
    last_arrived: int
    duplicates: tuple[int, ...] = ()

    @property
    def next_offset(self) -> int:
        """Offset after the import's last row."""
        return self.offset + max(self.rows, 1)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one event given to `append`.

    `offset` is where it stands (for a duplicate: where the first one stands; 0 in quarantine).
    """

    status: Literal["logged", "duplicate", "quarantined"]
    offset: int = 0
    reason: str = ""


class BadRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that may not enter the log: kept with its reason until someone mends or deletes it.

    `row` is the row as it came (JSON), `source` where from (a file and row, an endpoint), `at`
    when it was put aside (µs), `seq` its number in the quarantine (0 before it has one).
    """

    type: str
    reason: str
    row: bytes
    source: str = ""
    at: int = 0
    seq: int = 0


class TypeCounters(msgspec.Struct, array_like=True):
    """Counts since the log began, for one type."""

    newest_arrived: int = 0
    logged: int = 0
    imported: int = 0
    duplicates: int = 0
    clamped: int = 0
    quarantined: int = 0


class LogStats(msgspec.Struct, frozen=True):
    """The state of a log: first and next offset, bytes in use, rows waiting in quarantine, counters by type."""

    first: int
    head: int
    bytes: int
    quarantined: int
    types: dict[str, TypeCounters]


class LogBatch(msgspec.Struct, frozen=True):
    """A run of the log, as columns: either events, or exactly one import.

    Attributes
    ----------
    start, next : int
        The offsets it covers, ``start <= offset < next``; read on from `next`. Equal at the head.
    tables : dict of str to pyarrow.Table
        By type, in offset order: ``_offset, _id, _at, _arrived, _claimed_at`` and the columns.
    imported : ImportRecord or None
        When set, `tables` is empty and the rows are in the lake.
    """

    start: int
    next: int
    tables: dict[str, pa.Table]
    imported: ImportRecord | None = None
