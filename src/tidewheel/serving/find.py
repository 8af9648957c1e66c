"""Finding a decision again: by its event (a caller who asks twice) or by its id (``why``).

The decisions of the last moments are found through the writers' tables, older ones through the decision index, and
those whose journal segment is gone in the lake.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tidewheel.collect.appending.decision_index import Place, event_key
from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.storage.journal.decisions import DecisionRecord, decode_decision
from tidewheel.storage.journal.segments import HEADER, LARGEST_PAYLOAD, SEED, SUFFIX

if TYPE_CHECKING:
    from tidewheel.collect.appending.decision_index import DecisionIndex
    from tidewheel.serving.recent import Recent

LakeLookup = Callable[[str], DecisionRecord | None]
"""Finds a decision in the lake by its id."""


class Finder:
    """Finds decisions in one workspace.

    Parameters
    ----------
    journal : Path
        The folder of segments.
    recent : Recent
        The writers' tables.
    index : DecisionIndex
        Where older ones stand.
    lake : callable
        Finds one whose segment is gone.
    """

    def __init__(self, journal: Path, recent: Recent, index: DecisionIndex, lake: LakeLookup) -> None:
        self.journal = journal
        self.recent = recent
        self.index = index
        self.lake = lake

    def by_event(self, service: str, event_id: str, key: bytes = b"") -> DecisionRecord | None:
        """Return the decision that a service made on an event, or None when it made none.

        Takes microseconds unless there is one that has left the journal.
        """
        key = key or event_key(service, event_id)
        for place in self.recent.find(key):
            record = record_at(self.journal, place)
            if record is not None and record.event_id == event_id and record.service == service:
                return record
        decision_id = self.index.decision_on(service, event_id, key)
        return None if decision_id is None else self._indexed(decision_id)

    def by_id(self, decision_id: str) -> DecisionRecord:
        """Return a decision by its id.

        Raises
        ------
        NotFoundError
            Neither the journal nor the lake holds it.
        """
        found = self._indexed(decision_id)
        if found is None:
            # It may be so new that the index has not read it.
            self.index.catch_up(self.journal)
            found = self._indexed(decision_id)
        found = found or self.lake(decision_id)
        if found is None:
            raise NotFoundError(f"no decision {decision_id[:40]!r}", remedy="a decision's id is in its answer")
        return found

    def _indexed(self, decision_id: str) -> DecisionRecord | None:
        place = self.index.find(decision_id)
        if place is None:
            return None
        record = record_at(self.journal, place)
        if record is not None and record.decision_id == decision_id:
            return record
        return self.lake(decision_id)


def record_at(folder: Path, place: Place) -> DecisionRecord | None:
    """Return the record at a place, or None when there is none (any more): a place may be only a hint."""
    try:
        descriptor = os.open(folder / f"{place.segment}{SUFFIX}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        head = os.pread(descriptor, HEADER.size, place.position)
        if len(head) < HEADER.size:
            return None
        length, checksum = HEADER.unpack(head)
        if length > LARGEST_PAYLOAD:
            return None
        payload = os.pread(descriptor, length, place.position + HEADER.size)
    finally:
        os.close(descriptor)
    if len(payload) < length or zlib.crc32(payload, length ^ SEED) != checksum:
        return None
    try:
        return decode_decision(payload)
    except CorruptError:
        return None
