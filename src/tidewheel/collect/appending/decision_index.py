"""Where each decision stands in the journal: by decision, and by the event it was made on.

The index follows the journal like any other reader of it: entries and the position they came from are
written in one transaction. It is not flushed at each commit; should the power go it is made anew from the
journal, and what the journal no longer holds is found in the lake.
"""

from __future__ import annotations

import itertools
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import lmdb
import msgspec

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.runtime.lease import Lease
from tidewheel.storage.journal.decisions import DecisionRecord, decode_decision, time_of
from tidewheel.storage.journal.segments import MAGIC, SUFFIX, list_segments, read_segment
from tidewheel.storage.places.boot import CleanMark
from tidewheel.storage.places.environments import Environment, open_environment, raise_for

_logger = logging.getLogger("tidewheel.collect")
_POSITION = b"position:"
_encode = msgspec.msgpack.Encoder().encode
_STEP = 10_000
"""Entries written or looked at in one transaction, so that other writers get between."""


class Place(NamedTuple):
    """A record's place in the journal: the segment's name and the byte at which the record begins."""

    segment: str
    position: int


class JournalEntry(NamedTuple):
    """One journalled decision with its place, and where the next record begins."""

    place: Place
    following: int
    record: DecisionRecord


class DecisionIndex:
    """The index of one workspace. Any process may write it; safe to share between threads."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._decisions = environment.database("decisions")
        self._events = environment.database("events")
        self._meta = environment.database("meta")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the index in `folder`, made when missing, and anew when the power went while it was written."""
        with Lease.acquire(folder.parent / f"{folder.name}.lease", "opening the index of decisions", wait=30):
            mark = CleanMark(folder / "mark.json")
            if mark.trust() == "power lost":
                shutil.rmtree(folder)
            environment = open_environment(folder, sync=False)
            mark.set(clean=False)
        return cls(environment)

    def close(self) -> None:
        """Flush and give the file back."""
        self._environment.sync()
        self._environment.close()

    def sync(self) -> None:
        """Flush to the disk now."""
        self._environment.sync()

    def position(self, segment: str) -> int:
        """Return how far into a segment the index has read; 0 when it has not begun."""
        with self._environment.read() as transaction:
            return _position(transaction, self._meta, segment)

    def add(self, entries: Iterable[JournalEntry]) -> int:
        """Add entries of one segment that follow on from its position; others are passed over. Return how many."""
        added = known = following = 0
        segment = ""
        with self._environment.write() as transaction:
            for place, following, record in entries:
                if not segment:
                    segment, known = place.segment, _position(transaction, self._meta, place.segment)
                if following <= known:
                    continue
                identity = record.decision_id.encode()
                transaction.put(identity, _encode(place), db=self._decisions)
                transaction.put(event_key(record.service, record.event_id), identity, db=self._events, overwrite=False)
                added += 1
            if added:
                transaction.put(_POSITION + segment.encode(), following.to_bytes(8, "big"), db=self._meta)
        return added

    def add_shipped(self, folder: Path, entries: Sequence[JournalEntry]) -> None:
        """Add entries that were just shipped, after what the index may have missed before them."""
        for segment, group in itertools.groupby(entries, lambda entry: entry.place.segment):
            following = list(group)
            if max(self.position(segment), len(MAGIC)) < following[0].place.position:
                self._catch_up_segment(folder / f"{segment}{SUFFIX}")
            self.add(following)

    def catch_up(self, folder: Path) -> int:
        """Read what the journal in `folder` holds beyond the positions; return how many entries that were."""
        added = 0
        for path in list_segments(folder):
            try:
                added += self._catch_up_segment(path)
            except (CorruptError, NotFoundError) as error:
                _logger.warning("the index of decisions passes over a segment: %s", error)
        return added

    def _catch_up_segment(self, path: Path) -> int:
        return sum(self.add(batch) for batch in read_batches(path, self.position(path.stem), _STEP))

    def find(self, decision_id: str) -> Place | None:
        """Return where a decision stands, or None."""
        with self._environment.read() as transaction:
            value = transaction.get(decision_id.encode(), db=self._decisions)
        return None if value is None else msgspec.msgpack.decode(value, type=Place)

    def decision_on(self, service: str, event_id: str, key: bytes = b"") -> str | None:
        """Return the id of the first decision of a service on an event, or None; `key` is their `event_key`."""
        # Asked for each decision: without the context managers, which cost twice the look-up.
        try:
            transaction = self._environment.raw.begin(self._events)
            try:
                value = transaction.get(key or event_key(service, event_id))
            finally:
                transaction.abort()
        except lmdb.Error as error:
            raise_for(error, "index of decisions")
        return None if value is None else value.decode()

    def prune(self, before: int) -> int:
        """Forget decisions made before an instant (microseconds); return how many."""
        self._prune(self._events, before, by_key=False)
        return self._prune(self._decisions, before, by_key=True)

    def forget_segment(self, segment: str) -> None:
        """Drop the position of a segment that was deleted."""
        with self._environment.write() as transaction:
            transaction.delete(_POSITION + segment.encode(), db=self._meta)

    def _prune(self, database: Any, before: int, *, by_key: bool) -> int:
        key: bytes | None = b"\0"
        deleted = 0
        while key is not None:
            with self._environment.write() as transaction, transaction.cursor(database) as cursor:
                found = cursor.set_range(key)
                for _ in range(_STEP):
                    if not found:
                        break
                    if time_of((cursor.key() if by_key else cursor.value()).decode()) < before:
                        deleted += 1
                        found = cursor.delete() and cursor.key() != b""
                    else:
                        found = cursor.next()
                key = bytes(cursor.key()) if found else None
        return deleted


def event_key(service: str, event_id: str) -> bytes:
    """Return the key of the decision of a service on an event."""
    return f"{service}\0{event_id}".encode()


def read_entries(path: Path, position: int = 0) -> Iterator[JournalEntry]:
    """Yield the decisions of a segment from a position on."""
    for start, following, payload in read_segment(path, position):
        yield JournalEntry(Place(path.stem, start), following, decode_decision(payload))


def read_batches(path: Path, position: int, size: int) -> Iterator[list[JournalEntry]]:
    """Yield the decisions of a segment by so many; of a damaged one those before the damage, then its error."""
    batch: list[JournalEntry] = []
    try:
        for entry in read_entries(path, position):
            batch.append(entry)
            if len(batch) == size:
                yield batch
                batch = []
    except CorruptError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def read_place(folder: Path, place: Place) -> DecisionRecord | None:
    """Read the decision at a place; None when its segment is gone (the lake has it then)."""
    path = folder / f"{place.segment}{SUFFIX}"
    if not path.exists():
        return None
    entry = next(read_entries(path, place.position), None)
    if entry is None:
        raise CorruptError(f"no decision at {place.position}", where=str(path), remedy="run `tidewheel log status`")
    return entry.record


def _position(transaction: Any, meta: Any, segment: str) -> int:
    return int.from_bytes(transaction.get(_POSITION + segment.encode(), b"", db=meta), "big")
