"""The feature state: one blob per (state, entity), changed together with the offset that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tidewheel.storage.state.partition import Reference, Words


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

    def offsets(self, *, for_decision: bool = False) -> list[dict[str, int]]:
        """Per partition, the last offset folded by state id. A decision waits for them no longer than for a blob."""
        ...

    def offset(self, state_id: str) -> int:
        """Offset up to which every partition has folded a state; 0 when one has not begun."""
        ...

    def check_there(self) -> None:
        """Raise `StorageError` where what is open is no longer what would be opened: its files were deleted."""
        ...

    def scan(self, state_id: str) -> Iterator[tuple[bytes, bytes]]:
        """All entities of a state, (key, blob), each partition as of about the moment it is reached."""
        ...

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        ...
