"""The event log: events in one order that every reader agrees on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from tidewheel.storage.log.records import (
    BadRow,
    ImportRecord,
    LogBatch,
    LogRecord,
    LogStats,
    NewEvent,
    Outcome,
    Revisions,
    Times,
)


class Log(Protocol):
    """Events in one order that every reader agrees on.

    - Offsets are 1, 2, 3, ... without gaps; an import takes as many as it has rows (one at least).
    - Within a type, `arrived` never decreases with the offset, and `at <= arrived` always.
    - Within a type an id is logged once, until it is pruned; a later event with it is a duplicate.
    - Any number of threads and processes may append and read. What one append takes becomes
      visible as a whole.
    """

    def append(
        self,
        events: Sequence[NewEvent],
        *,
        now: int,
        positions: Mapping[str, int] | None = None,
        expected: Mapping[str, int] | None = None,
        quarantine: Sequence[BadRow] = (),
    ) -> list[Outcome]:
        """Take events, all in one transaction with the positions and bad rows given; one outcome each, in order.

        An `at` up to 5 minutes ahead of arrival becomes the arrival (`claimed_at` keeps it); one further
        ahead, or a value the log can't hold, puts the event into quarantine: the others are taken.
        A position not as `expected` raises `ConflictError`, a full disk `FullError`.
        """
        ...

    def append_import(
        self,
        import_id: str,
        type: str,
        rows: int,
        first_arrived: int,
        last_arrived: int,
        ids: Iterable[str] = (),
        times: Times = Times(),  # noqa: B008 (a tuple of numbers)
        revisions: Revisions | None = None,
    ) -> ImportRecord:
        """Make rows staged in the lake part of the log; idempotent by `import_id`.

        Rows whose id was logged before are named in the record's `duplicates`. Raises `ConflictError`
        when the rows begin before the newest arrival of their type.
        """
        ...

    def read(self, start: int, limit: int) -> list[LogRecord | ImportRecord]:
        """Read from offset `start` on, at most `limit`. Raises `NotFoundError` below what was trimmed."""
        ...

    def read_batch(self, start: int, limit: int, types: Collection[str] | None = None) -> LogBatch:
        """Read the same as columns: a run of events, or the one import that `start` is in; never both."""
        ...

    def head(self) -> int:
        """Offset that the next event will get."""
        ...

    def newest_arrived(self, type: str) -> int:
        """Return the newest arrival of a type, 0 for none."""
        ...

    def position(self, name: str) -> int:
        """Return a position stored with an append, 0 for none."""
        ...

    def seen_many(self, type: str, ids: Sequence[str]) -> list[int | None]:
        """Offsets at which ids were logged, None for those that were not."""
        ...

    def imports(self) -> list[ImportRecord]:
        """All imports, by offset; they outlive trimming."""
        ...

    def trim(self, below: int) -> None:
        """Drop events below an offset, once the lake and every state have them."""
        ...

    def prune_ids(self, type: str, before: int) -> int:
        """Forget ids that arrived before an instant; return how many."""
        ...

    def bad_rows(self, type: str | None = None, *, after: int = 0, limit: int = 100) -> list[BadRow]:
        """Quarantined rows numbered above `after`, oldest first."""
        ...

    def delete_bad_rows(self, seqs: Sequence[int]) -> int:
        """Take rows out of quarantine; return how many there were."""
        ...

    def stats(self) -> LogStats:
        """Head, size and counters."""
        ...

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        ...
