"""What goes into the event log and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

FUTURE_ALLOWED = 5 * 60 * 1_000_000
"""How far (µs) an event's time may lie ahead of its arrival and still be taken, as of its arrival."""


LATE_AFTER = FUTURE_ALLOWED
"""An event that arrives longer (µs) after it happened counts as late."""


def too_far_ahead(what: str, by: int) -> str:
    """Say why a time that lies `by` µs, more than `FUTURE_ALLOWED`, ahead is refused."""
    seconds = by / 1e6
    long = f"{seconds:.0f} s" if seconds < 7200 else f"{seconds / 86_400:,.1f} days"
    return f"{what} by {long}; 5 minutes are allowed"


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
    revisable : int
        For so long (µs) after the first event of an id arrived, one with a higher ``revision`` among its columns
        is taken as a correction. 0: never.
    """

    type: str
    id: str
    at: int
    columns: dict[str, object]
    arrived: int = 0
    revisable: int = 0

    @property
    def revision(self) -> int:
        """Which revision of its id this is."""
        given = self.columns.get("revision")
        return given if isinstance(given, int) else 0


class Revisions(NamedTuple):
    """What an import of events that may be corrected says of its rows, in their order."""

    revisable: int
    numbers: Sequence[int]
    arrived: Sequence[int]


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
    expectation: str = ""
    """The declared expectation that it fails; "" for a row that does not fit its declaration."""


class TypeCounters(msgspec.Struct, array_like=True):
    """Counts since the log began, for one type.

    Attributes
    ----------
    newest_arrived : int
    logged, imported : int
        Events taken, one by one and from files.
    duplicates : int
        Events whose id was known; each was taken once.
    clamped : int
        Times up to `FUTURE_ALLOWED` after their arrival, taken as of it.
    quarantined : int
        Rows put aside for whatever reason.
    watermark : int
        The newest time of an event taken, µs. No time lies after its arrival, so it is never in the future.
    out_of_order : int
        Events taken that happened before the watermark.
    late : int
        Events taken that arrived more than `LATE_AFTER` after they happened.
    future : int
        Rows put aside because their time lay too far ahead of their arrival.
    corrected : int
        Events taken that replace one of the same id.
    """

    newest_arrived: int = 0
    logged: int = 0
    imported: int = 0
    duplicates: int = 0
    clamped: int = 0
    quarantined: int = 0
    watermark: int = 0
    out_of_order: int = 0
    late: int = 0
    future: int = 0
    corrected: int = 0

    def take(self, at: int, arrived: int) -> None:
        """Count one event by its times."""
        self.newest_arrived = arrived
        self.out_of_order += at < self.watermark
        self.late += arrived - at > LATE_AFTER
        self.watermark = max(self.watermark, at)

    def take_import(self, times: Times) -> None:
        """Count the rows of an import by their times."""
        self.watermark = max(self.watermark, times.watermark)
        self.out_of_order += times.out_of_order
        self.late += times.late
        self.clamped += times.clamped
        self.future += times.future


class Times(NamedTuple):
    """What `TypeCounters` counts of the times of an import's rows."""

    watermark: int = 0
    out_of_order: int = 0
    late: int = 0
    clamped: int = 0
    future: int = 0


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
