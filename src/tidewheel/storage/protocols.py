"""What each store promises. An implementation is one that passes its suite in `tidewheel.testing`.

Common to all: errors are those of `tidewheel.errors`; a call that raises has changed nothing;
what a call acknowledged survives a process killed at any moment, and (unless said otherwise) a
power loss. Instants are µs UTC, offsets and positions start at 0 for "nothing yet".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tidewheel.storage.log_records import BadRow, ImportRecord, LogBatch, LogRecord, LogStats, NewEvent, Outcome

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

    from tidewheel.storage.state import Snapshot
    from tidewheel.storage.state_partition import StatePartition


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
        self, import_id: str, type: str, rows: int, first_arrived: int, last_arrived: int, ids: Iterable[str] = ()
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
        """Read the same as columns: a run of events, or one import; never both."""
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


class Journal(Protocol):
    """One writer's decisions, in order.

    - A record whose `append` returned survives a killed process; one for which `commit` returned after it, or some
      20 ms later, a power loss too.
    - A record is read whole or not at all.
    - Any number of threads may append.
    """

    def append(self, payload: bytes) -> tuple[str, int]:
        """Write one record, in microseconds; return its segment and position.

        Raises `FullError`, and can go on after it.
        """
        ...

    def commit(self, timeout: float = 10.0) -> None:
        """Wait until everything appended before is on the disk."""
        ...

    def committed(self) -> Future[None]:
        """Return the same as a future, for event loops."""
        ...

    def close(self) -> None:
        """Seal the segment; a second call does nothing."""
        ...


class State(Protocol):
    """One blob per (state id, entity key), in K partitions by entity key, with the offset folded into each.

    - All of a batch becomes visible at once, blobs with their offset.
    - A killed process loses no committed batch. A power loss may empty a partition (offsets too), never tear
      it: it is derived, and rebuilt from lake and log.
    - One writer a partition; a writer whose fencing token is below one that was seen raises `LeaseError`.
    - Readers never wait for writers.
    """

    def snapshot(self) -> Snapshot:
        """Begin a read; ``get(state_id, key)`` gives a blob's memory, valid inside the ``with`` block."""
        ...

    def partition_of(self, key: bytes) -> int:
        """CRC-32 of the key modulo K, on every implementation."""
        ...

    def writer(self, partition: int, token: int = 0) -> StatePartition:
        """Open the writer of a partition."""
        ...

    def text(self, hash: int) -> str | None:
        """Return the text of a hash that a batch stored."""
        ...

    def offsets(self) -> list[dict[str, int]]:
        """Per partition, the last offset folded by state id."""
        ...

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        ...


class HistoryLake(Protocol):
    """All history in tables, each row stored once.

    - Rows and the position read in their source are stored in one commit.
    - Readers see whole commits.
    """

    def append(self, table: str, rows: pa.Table, *, position: tuple[str, int], expected: int | None = None) -> bool:
        """Add rows unless `position` is reached already (then False). `ConflictError` when it is not as `expected`."""
        ...

    def position(self, table: str, app: str) -> int:
        """Position stored by the last append of `app`, 0 for none."""
        ...

    def write_import(self, type: str, import_id: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Stage a file's rows, once by `import_id`, all or none; return how many are staged."""
        ...

    def scan(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        where: pc.Expression | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """Read rows, in no promised order; a column that the table lacks comes as nulls."""
        ...

    def version(self, table: str) -> int:
        """Version of a table, -1 when there is none."""
        ...

    def tables(self) -> list[str]:
        """Names of all tables."""
        ...


class Artifacts(Protocol):
    """Files named by the SHA-256 of their content.

    - An artifact is there whole or not at all, and never changes.
    - What was `put` survives a power loss.
    """

    def put(self, content: bytes | Path) -> str:
        """Store bytes or a copy of a file; return its digest."""
        ...

    def get(self, digest: str, *, verify: bool = True) -> Path:
        """Path of an artifact. Raises `NotFoundError`, or `CorruptError` when it no longer holds what its name says."""
        ...

    def read(self, digest: str) -> bytes:
        """Return the content, checked."""
        ...

    def digests(self) -> Iterator[str]:
        """All digests."""
        ...
