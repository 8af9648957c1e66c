"""Decisions as they are made: read from the journal, behind all who write it on this host.

The journal is what waits for a slow reader, so nothing is kept for one in memory, and who decides knows of none. A
reader's place is a place in the newest segment of each writer; whoever gives it back goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidewheel.collect.appending.decision_index import JournalEntry, read_entries
from tidewheel.errors import CorruptError, InputError, NotFoundError
from tidewheel.serving.api.instants import text_of
from tidewheel.serving.deciding.answers import Answer, answer_of
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.segments import list_segments, read_segment

log = logging.getLogger("tidewheel.serving")

MOST_BEHIND = 64 << 20
"""Bytes of the journal that a reader may be behind before it is taken to its end."""
AT_ONCE = 200
"""Decisions of one look, so that a reader who catches up leaves the interpreter to who decides."""
SHARED = 5 * AT_ONCE
"""Decisions that readers of one worker keep for each other."""
Read = Callable[[Path, int], Iterable[JournalEntry]]


class Followed(Answer, omit_defaults=True, frozen=True, kw_only=True):
    """What followers are told of a decision: its answer, when it was made, for whom, and how long it took."""

    arrived: str
    microseconds: int
    caller: str = ""


class Gap(NamedTuple):
    """Decisions that were passed over, whatever the filter; None when nobody can count them any more."""

    decisions: int | None
    why: str


class Wanted(NamedTuple):
    """Which decisions to tell; "" for any.

    Attributes
    ----------
    service : str
    version : str
        ``Fraud@3``, or ``Fraud`` for all of its versions.
    fallback : str
        A link of the chain, ``any`` of them, or ``none``.

    Examples
    --------
    >>> Wanted(version="Fraud").fits("Score", "Fraud@3", ""), Wanted(fallback="any").fits("Score", "Fraud@3", "")
    (True, False)
    """

    service: str = ""
    version: str = ""
    fallback: str = ""

    def fits(self, service: str, model: str, fallback: str) -> bool:
        """Return whether a decision is wanted."""
        if self.service not in ("", service):
            return False
        if self.version and self.version not in (model, model.partition("@")[0]):
            return False
        return not self.fallback or self.fallback == (fallback or "none") or (self.fallback == "any" and bool(fallback))


class Place(NamedTuple):
    """A place in what one writer's slot has written: comparable, later is greater."""

    term: int
    number: int
    position: int


class Shared:
    """Reads for several followers of one thread: what one has read lately is not decoded again for the others."""

    def __init__(self) -> None:
        self._lately: dict[tuple[str, int], JournalEntry] = {}

    def read(self, path: Path, position: int) -> Iterator[JournalEntry]:
        """Yield the decisions of a segment from a position on."""
        while (known := self._lately.get((path.stem, position))) is not None:
            yield known
            position = known.following
        for entry in read_entries(path, position):
            self._lately[path.stem, position] = entry
            if len(self._lately) > SHARED:
                del self._lately[next(iter(self._lately))]
            yield entry
            position = entry.following


class Follower:
    """Reads on, each time it looks. For one thread at a time.

    Parameters
    ----------
    folder : Path
        The journal's.
    after : str
        A `mark` to go on from; "" begins with what is decided from now on.
    known : callable
        From a segment to a place in it where a record begins, so that its end is found soon.
    most_behind : int
        Bytes.
    read : callable
        Gives the decisions of a segment from a position on; that of a `Shared` shares them with others.

    Raises
    ------
    InputError
        `after` is no mark.
    """

    def __init__(
        self,
        folder: Path,
        after: str = "",
        known: Callable[[str], int] = lambda segment: 0,
        most_behind: int = MOST_BEHIND,
        read: Read = read_entries,
    ) -> None:
        self._read = read
        self._folder = folder
        self._most_behind = most_behind
        self._places = _places_of(after)
        self._listed = -1
        self._paths: list[Path] = []
        paths = self._unread()
        self._lost = not {_segment(slot, place) for slot, place in self._places.items()} <= {p.stem for p in paths}
        if not after:
            newest = {_parts(path.stem)[0]: path for path in paths}
            for slot, path in newest.items():
                self._places[slot] = Place(*_parts(path.stem)[1:], known(path.stem))
            self._paths = list(newest.values())
            self._to_the_end()

    @property
    def mark(self) -> str:
        """The reader's place."""
        return ",".join(f"{_segment(slot, place)}:{place.position}" for slot, place in self._places.items())

    def look(self, most: int = AT_ONCE) -> Iterator[DecisionRecord | Gap]:
        """Give what has come since the last look, some of it; `mark` is behind what was given last."""
        if self._lost:
            self._lost = False
            yield Gap(None, "the journal does not go back so far")
        if self._behind() > self._most_behind:
            yield Gap(self._to_the_end(), "the reader was too slow")
        for path in self._unread():
            slot, term, number = _parts(path.stem)
            try:
                for entry in self._read(path, self._from(path)):
                    self._places[slot] = Place(term, number, entry.following)
                    yield entry.record
                    most -= 1
                    if not most:
                        return
            except NotFoundError:
                yield Gap(None, "a segment of the journal is gone")
            except CorruptError as error:
                log.warning("followers pass over a segment: %s", error)
                self._places[slot] = Place(term, number, path.stat().st_size)
                yield Gap(None, "a segment of the journal is damaged")

    def _unread(self) -> list[Path]:
        """Return the segments that may not be read to their end, each writer's in the order in which it wrote them."""
        changed = self._folder.stat().st_mtime_ns
        if changed != self._listed:
            self._listed, self._paths = changed, sorted(list_segments(self._folder), key=lambda path: _parts(path.stem))
        self._paths = [path for path in self._paths if self._is_ahead(*_parts(path.stem))]
        return self._paths

    def _is_ahead(self, slot: str, term: int, number: int) -> bool:
        return slot not in self._places or (term, number) >= self._places[slot][:2]

    def _from(self, path: Path) -> int:
        slot, *which = _parts(path.stem)
        place = self._places.get(slot)
        return place.position if place is not None and [*place[:2]] == which else 0

    def _behind(self) -> int:
        return sum(max(path.stat().st_size - self._from(path), 0) for path in self._unread() if path.exists())

    def _to_the_end(self) -> int:
        """Pass over all that is there; return how many decisions that was."""
        passed = 0
        for path in self._unread():
            slot, term, number = _parts(path.stem)
            position = self._from(path)
            try:
                for _, following, _ in read_segment(path, position):
                    position = following
                    passed += 1
            except (CorruptError, NotFoundError) as error:
                log.warning("followers pass over a segment: %s", error)
            self._places[slot] = Place(term, number, position)
        return passed


def lately(folder: Path) -> str:
    """Return the mark of a place before the newest decisions: the segment before the newest of each writer's slot."""
    last: dict[str, list[tuple[int, int]]] = {}
    for path in list_segments(folder):
        slot, term, number = _parts(path.stem)
        last.setdefault(slot, []).append((term, number))
    return ",".join(f"{_segment(slot, Place(*sorted(found)[-2:][0], 0))}:0" for slot, found in last.items())


def followed(record: DecisionRecord) -> Followed:
    """Return what is told of a decision."""
    answer = msgspec.structs.asdict(answer_of(record))
    spent = sum(record.timings) // 1000
    return Followed(**answer, arrived=text_of(record.arrived), microseconds=spent, caller=record.caller)


def _parts(segment: str) -> tuple[str, int, int]:
    """Take a segment's name apart: its writer's slot, which term of that slot, which segment of the term."""
    slot, term, number = segment.rsplit("-", 2)
    return slot, int(term), int(number)


def _segment(slot: str, place: Place) -> str:
    return f"{slot}-{place.term}-{place.number:08d}"


def _places_of(mark: str) -> dict[str, Place]:
    places: dict[str, Place] = {}
    try:
        for one in filter(None, mark.split(",")):
            segment, position = one.rsplit(":", 1)
            slot, term, number = _parts(segment)
            places[slot] = Place(term, number, int(position))
    except ValueError as error:
        remedy = "send the id of the last event that came, as it was; or leave it out to begin now"
        raise InputError(f"no place in the decisions: {mark[:60]!r}", remedy=remedy) from error
    return places
