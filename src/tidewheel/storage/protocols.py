"""What each store promises. An implementation is one that passes its suite in `tidewheel.testing`.

Common to all: errors are those of `tidewheel.errors`; a call that raises has changed nothing;
what a call acknowledged survives a process killed at any moment, and (unless said otherwise) a
power loss. Instants are µs UTC, offsets and positions start at 0 for "nothing yet".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tidewheel.storage.log_records import (
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

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

    from tidewheel.storage.state_partition import Reference, Words


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


class StateSnapshot(Protocol):
    """A read of some entities, inside a ``with`` block; for one thread."""

    def __enter__(self) -> StateSnapshot:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """End; memory that `get` gave is not to be used any more."""
        ...

    def get(self, state_id: str, key: bytes) -> bytes | memoryview | None:
        """Return the blob of one entity, None for one without state."""
        ...

    def get_many(self, entities: Sequence[tuple[str, bytes]]) -> Sequence[bytes | memoryview | None]:
        """Blobs of several entities, (state id, key), in one round trip; those of a partition are of one commit."""
        ...


class StateBatch(Protocol):
    """The reads and writes of one micro-batch, which reads what it has written."""

    def blobs(self, state_id: str, keys: Sequence[bytes]) -> tuple[Words, Words]:
        """Blobs of some entities, concatenated: words and starts; an empty slice for one without state."""
        ...

    def put_blobs(self, state_id: str, keys: Sequence[bytes], words: Words, starts: Words) -> None:
        """Store blobs, given as `blobs` gives them; an empty slice is left out."""
        ...

    def put_strings(self, texts: Mapping[int, str]) -> None:
        """Store texts by their hash."""
        ...

    def put_references(self, type: str, references: Iterable[tuple[str, Reference]]) -> None:
        """Store what is kept of events of `type`, by id."""
        ...

    def references(self, type: str, ids: Sequence[str]) -> list[Reference | None]:
        """What is kept of events of `type`, None for those that have not come (or were pruned)."""
        ...

    def wait(self, type: str, target: str, offset: int, entry: bytes) -> None:
        """Keep an event (at `offset`) until the event `target` of `type` comes."""
        ...

    def take_waiting(self, type: str, targets: Iterable[str]) -> list[tuple[str, int, bytes]]:
        """Remove and return the events that wait for some targets: (target, offset, entry), in order of offset."""
        ...

    def offset(self, name: str) -> int:
        """Return the last offset folded into a state, or what else carries this name; 0 for none."""
        ...

    def set_offset(self, name: str, offset: int) -> None:
        """Store the last offset folded, with everything else of this batch."""
        ...


class StateWriter(Protocol):
    """The writer of one partition."""

    def batch(self) -> AbstractContextManager[StateBatch]:
        """One micro-batch: all of it or nothing.

        Raises `LeaseError` when a later lease has the partition, `ConflictError` when another process wrote to it
        meanwhile. After an `UnreachableError` it is stored or not: the offsets tell.
        """
        ...

    def offsets(self) -> dict[str, int]:
        """All stored offsets, by name."""
        ...

    def drop(self, state_id: str) -> int:
        """Delete a state that no version reads any more, in steps; return how many entities it had."""
        ...

    def prune_references(self, type: str, before: int) -> int:
        """Forget references to events that arrived before an instant; return how many."""
        ...

    def reset(self) -> None:
        """Empty the partition, to be rebuilt; the fencing token stays."""
        ...

    def sync(self) -> None:
        """Bring what was committed to the disk, where that is this process's work. Call it each second or so."""
        ...

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        ...


class State(Protocol):
    """One blob per (state id, entity key), in K partitions by entity key, with the offset folded into each.

    - All of a batch becomes visible at once, blobs with their offset.
    - A killed process loses no committed batch. A power loss may take a partition back to an earlier commit, or empty
      it (offsets too), never tear it: it is derived, and folded again from lake and log.
    - One writer a partition; a writer whose fencing token is below one that was seen raises `LeaseError`.
    - Readers never wait for writers.
    - One that is on the network raises `UnreachableError` while it does not answer.
    """

    @property
    def partitions(self) -> int:
        """K: how many partitions there are."""
        ...

    def snapshot(self) -> StateSnapshot:
        """Begin a read."""
        ...

    def partition_of(self, key: bytes) -> int:
        """CRC-32 of the key modulo K, on every implementation."""
        ...

    def writer(self, partition: int, token: int = 0) -> StateWriter:
        """Open the writer of a partition."""
        ...

    def text(self, hash: int) -> str | None:
        """Return the text of a hash that a batch stored."""
        ...

    def offsets(self) -> list[dict[str, int]]:
        """Per partition, the last offset folded by state id."""
        ...

    def offset(self, state_id: str) -> int:
        """Offset up to which every partition has folded a state; 0 when one has not begun."""
        ...

    def scan(self, state_id: str) -> Iterator[tuple[bytes, bytes]]:
        """All entities of a state, (key, blob), each partition as of about the moment it is reached."""
        ...

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        ...


Bound = tuple[str, str, str | int]
"""A column, one of ``= != < <= > >=``, and a value: what whole files of the lake are left out by."""


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
        among: Sequence[Bound] = (),
        version: int | None = None,
    ) -> pa.Table:
        """Read rows, in no promised order, of files that may hold rows within the bounds; missing columns are null."""
        ...

    def version(self, table: str) -> int:
        """Version of a table, -1 when there is none."""
        ...

    def drop(self, table: str) -> None:
        """Delete a table with every file of it, of old versions as well; one that is not there is fine."""
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

    def has(self, digest: str) -> bool:
        """Whether there is an artifact of this digest."""
        ...

    def written(self, digest: str) -> float:
        """Return when an artifact was put last, in seconds since 1970; putting it again counts."""
        ...

    def size(self, digest: str) -> int:
        """Bytes of an artifact."""
        ...

    def discard(self, digest: str, before: float) -> bool:
        """Delete an artifact unless it was put at `before` or later; tell whether it is gone."""
        ...

    def supersede(self, digest: str, new: str) -> None:
        """Delete an artifact and let its name lead to another's."""
        ...

    def current(self, digest: str) -> str:
        """Digest of what an artifact is to be read as: its own, or that of what superseded it."""
        ...
