"""The event log on a Kafka-protocol broker: its order is that of a topic, its events are read from a local copy.

A topic of one partition holds the calls that change the log, in the order that the broker gave them. Each host
applies them, in that order, to an LMDB copy of its own: so ids, arrivals, offsets and positions come out the same on
every host, and reading costs what it costs on one machine. The copy is derived: it is made anew from the topic.
"""

from __future__ import annotations

import fcntl
import shutil
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

from tidewheel.errors import ConflictError, CorruptError, StorageError, UnreachableError
from tidewheel.storage.kafka.client import Topic, TopicReader, place_of
from tidewheel.storage.kafka.copy import KafkaCopy, digest_of
from tidewheel.storage.kafka.follower import Follower
from tidewheel.storage.kafka.messages import (
    Append,
    Born,
    Delete,
    Import,
    Long,
    Message,
    Prune,
    Result,
    can_travel,
    decode,
    encode,
    rows_of,
    slices_of,
)
from tidewheel.storage.log.append import readable
from tidewheel.storage.log.records import BadRow, ImportRecord, NewEvent, Outcome, Revisions, Times
from tidewheel.storage.places.boot import CleanMark
from tidewheel.storage.places.environments import MAP_SIZE, Environment

_MOST_A_TURN = 500
_TURN = 0.1


class KafkaLog(KafkaCopy):
    """The log of one workspace on a broker; `tidewheel.storage.protocols.Log` is its contract.

    Any process of any host may append. Safe to share between threads. Open it with `open_on`.
    """

    def __init__(self, environment: Environment, mark: CleanMark) -> None:
        super().__init__(environment, mark)
        self._topic: Topic
        self._workspace = ""
        self._filling = threading.Lock()
        self._filler: TopicReader | None = None
        self._reader: TopicReader | None = None
        self._follower: Follower | None = None

    @classmethod
    def open_on(
        cls,
        url: str,
        namespace: str,
        path: Path,
        workspace: str = "",
        map_size: int = MAP_SIZE,
        *,
        moving: bool = False,
    ) -> Self:
        """Open the log in the topic ``{namespace}.log``, with its copy in folder `path`.

        The copy is brought up to the topic's end. Where there is one already and the broker does not answer, the
        log opens as the copy stands, to be read, and catches up when the broker is back.

        Parameters
        ----------
        url : str
            Such as ``kafka://one:9092,two:9092``.
        namespace : str
        path : Path
        workspace : str
            Id of the workspace, which all its hosts share.
        map_size : int
        moving : bool
            Open one that is not all there, or has moved away: for who moves it.

        Raises
        ------
        UnreachableError
            No answer, and no copy yet.
        ConflictError
            The topic is another workspace's; the log is still on its way into it, or has moved away.
        CorruptError
            The topic is not the one that the copy was made of, or has lost messages.
        """
        topic = Topic(place_of(url), f"{namespace}.log")
        log = cls._open_copy(path, map_size)
        log._topic, log._workspace = topic, workspace
        try:
            log._begin(path)
            problem, remedy = log.standing().refuses
            if problem and not moving:
                raise ConflictError(problem, where=topic.where, remedy=remedy)
        except BaseException:
            log.close()
            raise
        return log

    @classmethod
    def _open_copy(cls, path: Path, map_size: int) -> Self:
        """Open the copy; one that a power loss may have torn is thrown away, since the topic has what it had."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path, "opening").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                return cls.open(path, sync="second", map_size=map_size)
            except CorruptError:
                shutil.rmtree(path)
                return cls.open(path, sync="second", map_size=map_size)

    def _begin(self, path: Path) -> None:
        joined = True
        try:
            self._join()
            self.catch_up()
        except UnreachableError:
            if self.applied() < 0:
                raise
            joined = False
        self._follower = Follower(_beside(path, "follower"), self._follow_a_while, self._join, joined=joined)
        self._follower.start()

    def _join(self) -> None:
        """Make the topic when it is missing; see that it is this workspace's, and the one that the copy is of."""
        born = self.born()
        self._topic.make(anew=born is None)
        with closing(self._topic.reader()) as reader:
            if born is not None:
                offset, digest = self.last()
                value = self._message_at(reader, offset)
                if value is None or digest_of(value) != digest:
                    raise self._lost(f"message {offset} is {'missing' if value is None else 'another'}")
            else:
                born = self._first_message(reader)
        if self._workspace and born.workspace != self._workspace:
            raise ConflictError(
                "the topic is another workspace's",
                where=self._topic.where,
                remedy="give this workspace a namespace of its own; another host of the same workspace "
                "needs a copy of the file `id` in its data folder",
            )

    def _first_message(self, reader: TopicReader) -> Born:
        """Return the message that a log begins with, written by whichever host comes first."""
        value = self._message_at(reader, 0)
        if value is None:
            self._topic.send([encode(Born(uuid.uuid4().hex, self._workspace))])
            value = self._message_at(reader, 0)
        if value is None:
            raise self._silent()
        born = decode(value, self._topic.where)
        if not isinstance(born, Born):
            raise CorruptError("the topic does not begin as a log does", where=self._topic.where)
        return born

    def _message_at(self, reader: TopicReader, offset: int) -> bytes | None:
        """Return a message, None where the topic ends before it. A broker that has just come back is given time."""
        quiet, met = 0.0, -1
        while quiet < self._topic.place.seconds and (met < 0 or offset > 0):
            taken, met = reader.take(offset, 1, _TURN)
            if taken:
                return taken[0][1]
            quiet += _TURN
        if met < 0:
            raise self._silent()
        return None

    def _lost(self, what: str) -> CorruptError:
        return CorruptError(
            f"the topic is not what it was: {what}",
            where=self._topic.where,
            remedy=f"restore it; or, to go on with what the topic has now, move {self._environment.path} away",
        )

    def _silent(self) -> UnreachableError:
        return UnreachableError("the broker does not answer", where=self._topic.where, remedy="see that it runs")

    def close(self) -> None:
        """Stop following, and give the files back; a second call does nothing."""
        if not self._closed.is_set() and not self._environment.inherited:
            if self._follower is not None:
                self._follower.stop()
            for reader in (self._reader, self._filler):
                if reader is not None:
                    reader.close()
            self._topic.close()
        super().close()

    def catch_up(self, until: int | None = None) -> None:
        """Apply what is in the topic up to a place in it, or up to its end.

        Raises
        ------
        UnreachableError, CorruptError
        """
        with self._filling:
            if self._filler is None:
                self._filler = self._topic.reader()
            if until is None:
                self._filler.next = -1  # so that the end is told, though it was met before
            quiet, ended = 0.0, False
            while not ended if until is None else self.applied() < until:
                came, ended = self._follow(self._filler)
                quiet = 0.0 if came else quiet + _TURN
                if quiet > self._topic.place.seconds:
                    raise self._silent()

    def _follow_a_while(self) -> None:
        if self._reader is None:
            self._reader = self._topic.reader()
        self._follow(self._reader)

    def _follow(self, reader: TopicReader) -> tuple[int, bool]:
        """Apply some of what comes next, waiting a turn for it; return how many messages, and whether it was all."""
        applied = self.applied()
        # What the appenders of this host have applied themselves is passed over, not sought past each time.
        start = reader.next if 0 <= applied + 1 - reader.next < _MOST_A_TURN and reader.next >= 0 else applied + 1
        taken, end = reader.take(start, _MOST_A_TURN, _TURN)
        since = start
        for offset, value in taken:
            if offset > applied:
                self.apply(offset, value, since=since)
            since = offset + 1
        if end > since:
            self.skip(since, end - 1)
        return len(taken), end >= 0

    def _call(self, message: Message) -> Result:
        """Send a call, and apply it: its result is what this host, like any other, makes of it.

        Raises
        ------
        ConflictError
            It is refused.
        UnreachableError
            It may be in the topic or not.
        """
        value = encode(message)
        before = self.applied()
        if parts := slices_of(value):
            value = encode(Long(self.id, self._topic.send([encode(part) for part in parts])))
        [offset] = self._topic.send([value])
        if offset <= before:
            raise self._lost(f"a new message is at {offset}, the copy here has {before}")
        result = self.apply(offset, value, since=offset, own=True)
        while result is None:
            self.catch_up(offset - 1)
            result = self.apply(offset, value, since=offset, own=True)
        if result.refused is not None:
            refused, where, remedy = result.refused
            # Not one for whoever sends again what was taken in between: nothing is taken any more.
            kind = StorageError if self.standing().refuses[0] else ConflictError
            raise kind(refused, where=where, remedy=remedy)
        if result.count < 0:
            raise UnreachableError(
                "it is in the log, but what became of it is not known any more", where=self._topic.where,
                remedy="send it again: what was logged is known by its id",
            )  # fmt: skip
        return result

    def send(self, messages: Sequence[Message]) -> list[int]:
        """Send calls whose outcome nobody asks for, and apply them as they come back; return their places.

        Raises
        ------
        UnreachableError
            They may be in the topic or not.
        """
        offsets = self._topic.send([encode(message) for message in messages])
        self.catch_up(offsets[-1])
        return offsets

    def append(
        self,
        events: Sequence[NewEvent],
        *,
        now: int,
        positions: Mapping[str, int] | None = None,
        expected: Mapping[str, int] | None = None,
        quarantine: Sequence[BadRow] = (),
    ) -> list[Outcome]:
        """Take events, in one message with what else is given; one outcome each, in order.

        Parameters
        ----------
        events, now, positions, expected, quarantine
            As in `EventLog.append`.

        Raises
        ------
        UnreachableError
            The broker did not acknowledge it in time: it may be taken or not. What is sent again is known by its id,
            or by the position that has moved.
        ConflictError
            A position is not as `expected`; nothing was taken.
        FullError, StorageError
        """
        if not (events or positions or expected or quarantine):
            return []
        reasons = [can_travel(event) for event in events]
        bad = [
            BadRow(event.type, reason, readable(event), "append", now)
            for event, reason in zip(events, reasons, strict=True)
            if reason
        ]
        able = [event for event, reason in zip(events, reasons, strict=True) if not reason]
        message = Append(self.id, now, able, dict(positions or {}), dict(expected or {}), [*bad, *quarantine])
        outcomes = iter(self._call(message).outcomes)
        return [Outcome("quarantined", 0, reason) if reason else next(outcomes) for reason in reasons]

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
        """Make the staged rows of a file part of the log, once, as `EventLog.append_import` does.

        Raises
        ------
        ConflictError
            The rows begin before the newest logged arrival of their type, or correct events too late.
        UnreachableError
            The broker did not acknowledge it in time; call again.
        """
        done = self.import_record(import_id)
        if done is not None:
            return done
        revised = revisions or Revisions(0, (), ())
        parts = [self._topic.send([part])[0] for part in rows_of(ids, revised.numbers, revised.arrived)]
        record = ImportRecord(0, import_id, type, rows, first_arrived, last_arrived)
        revisable = None if revisions is None else revisions.revisable
        result = self._call(Import(self.id, record, times, revisable, parts))
        return result.record or record

    def prune_ids(self, type: str, before: int) -> int:
        """Forget ids that arrived before an instant, on every host; return how many."""
        return self._call(Prune(self.id, type, before)).count

    def delete_bad_rows(self, seqs: Sequence[int]) -> int:
        """Delete quarantined rows; return how many there were."""
        return self._call(Delete(self.id, list(seqs))).count


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")
