"""Takes the events of journalled decisions to the log, each once.

The journal is the hand-over: a decision is safe there before its answer leaves, and how far each segment has
been shipped is stored in the log in the transaction that takes its events. So whoever dies at whatever moment,
the next one goes on from the position, and a segment whose writer died is taken over by anyone.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import NamedTuple

from tidewheel.collect.appending.decision_index import JournalEntry, read_entries
from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.segments import is_live, is_sealed, list_segments
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent

_logger = logging.getLogger("tidewheel.collect")
POSITION = "journal:"
"""A segment's position in the log is stored under this and its name."""
SECONDS_BETWEEN_LOOKS = 2.0
"""How often the journal's folder is searched for segments whose writer died."""
SETTLED_NS = 100_000_000
"""Two changes of a folder closer than a tick of the kernel's clock may carry one time."""


class Shipment(NamedTuple):
    """Decisions to be logged: their events, and the positions of the segments before and after."""

    entries: list[JournalEntry]
    before: dict[str, int]
    after: dict[str, int]

    @property
    def events(self) -> list[NewEvent]:
        """The events that were decided on."""
        return [event_of(entry.record) for entry in self.entries]


def event_of(record: DecisionRecord) -> NewEvent:
    """Return the event that a decision was made on, as it is to be logged."""
    return NewEvent(
        type=record.event_type, id=record.event_id, at=record.at, columns=record.inputs, arrived=record.arrived
    )


class Shipper:
    """Reads the segments of one writer, and of writers that died, from where the log has them.

    Parameters
    ----------
    log : EventLog
    folder : Path
        The journal.
    writer : str
        Name of the own journal's writer: its segments are read while they are written. "" has none.
    """

    def __init__(self, log: EventLog, folder: Path, writer: str = "") -> None:
        self._log = log
        self._folder = folder
        self._own = writer
        self._segments: dict[str, Path] = {}
        self._positions: dict[str, int] = {}
        self._done: set[str] = set()
        self._next_look = 0.0
        self._changed = -1
        self.damaged: dict[str, str] = {}
        """Segments that can't be read on, and why."""

    def collect(self, limit: int, *, look: bool = False) -> Shipment:
        """Return up to about `limit` decisions that the log does not have yet.

        With `look` the folder is searched for dead writers' segments now, else every other second.
        """
        self._find_segments(look)
        shipment = Shipment([], {}, {})
        for name in list(self._segments):
            if len(shipment.entries) >= limit:
                break
            self._collect_segment(name, limit, shipment)
        return shipment

    def shipped(self, shipment: Shipment) -> None:
        """Note that the log has taken a shipment."""
        self._positions.update({name.removeprefix(POSITION): at for name, at in shipment.after.items()})

    def forget(self) -> None:
        """Read all positions again: someone else has shipped."""
        self._positions.clear()

    def _find_segments(self, look: bool) -> None:
        now = time.monotonic()
        all_too = look or now >= self._next_look
        if all_too:
            self._next_look = now + SECONDS_BETWEEN_LOOKS
        elif not self._folder_changed():
            return
        for path in list_segments(self._folder):
            name = path.stem
            if name in self._segments or name in self._done or name in self.damaged:
                continue
            if self._is_own(name) or (all_too and _is_orphan(path)):
                self._segments[name] = path

    def _folder_changed(self) -> bool:
        """Whether a segment may have come since the last look; a change of this very moment may still be followed."""
        try:
            changed = os.stat(self._folder).st_mtime_ns
        except FileNotFoundError:
            return False
        if changed == self._changed:
            return False
        self._changed = changed if time.time_ns() - changed > SETTLED_NS else -1
        return True

    def _is_own(self, name: str) -> bool:
        return self._own != "" and name.rpartition("-")[0] == self._own

    def _is_newest(self, name: str) -> bool:
        """Whether it is the segment that the own writer writes; asked at each look, so not of the disk."""
        return self._is_own(name) and name == max(filter(self._is_own, self._segments))

    def _collect_segment(self, name: str, limit: int, shipment: Shipment) -> None:
        path = self._segments[name]
        if name not in self._positions:
            self._positions[name] = self._log.position(POSITION + name)
        position = self._positions[name]
        entries: list[JournalEntry] = []
        try:
            # Asked before reading: what is finished now has nothing to come after what is read below.
            finished = not self._is_newest(name) and (is_sealed(path) or _is_orphan(path))
            for entry in read_entries(path, position):
                if len(shipment.entries) + len(entries) >= limit:
                    finished = False
                    break
                entries.append(entry)
        except NotFoundError:
            finished = True  # deleted: log and lake have all of it
        except CorruptError as error:
            finished = False
            if not entries:  # what comes before the damage is shipped first
                self._give_up(name, error)
                return
        if entries:
            shipment.entries.extend(entries)
            shipment.before[POSITION + name] = position
            shipment.after[POSITION + name] = entries[-1].following
        elif finished:
            self._segments.pop(name)
            self._positions.pop(name)
            self._done.add(name)

    def _give_up(self, name: str, error: CorruptError) -> None:
        self._segments.pop(name)
        self.damaged[name] = str(error)
        _logger.error("decisions in the journal do not come to the log: %s", error)


def _is_orphan(path: Path) -> bool:
    try:
        return not is_live(path)
    except NotFoundError:
        return False
