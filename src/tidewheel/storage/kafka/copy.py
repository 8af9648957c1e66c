"""The local copy of a log on Kafka: an LMDB log, and how much of the topic it has."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

import msgspec

from tidewheel.errors import ConflictError
from tidewheel.storage.kafka.apply import Parts, apply
from tidewheel.storage.kafka.messages import Born, Message, Result, Rows, Slice, decode
from tidewheel.storage.kafka.moving import Standing, read_standing
from tidewheel.storage.log import contents
from tidewheel.storage.log.append import offset_key
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.places.boot import CleanMark
from tidewheel.storage.places.disks import sync_folder
from tidewheel.storage.places.environments import Environment, open_environment, translated

_APPLIED, _LAST, _BORN, _COPY = b"kafka:applied", b"kafka:last", b"kafka:born", b"kafka:copy"
_RESULTS_KEPT = 200


def digest_of(value: bytes) -> bytes:
    """Return what tells a message from any other."""
    return hashlib.blake2b(value, digest_size=16).digest()


class KafkaCopy(EventLog):
    """What of `KafkaLog` is on this host: the log as of some message of the topic.

    A message and the note that it was applied are one transaction, so any number of processes of the host may apply:
    each message is applied once, in order.
    """

    def __init__(self, environment: Environment, mark: CleanMark) -> None:
        super().__init__(environment, mark)
        self._parts = Parts(environment.database("parts"), environment.path)
        self._results = environment.database("results")
        self.id = self._made_id()

    def _made_id(self) -> bytes:
        with self._environment.write() as transaction:
            found = bytes(transaction.get(_COPY, b"", db=self._databases.meta))
            if not found:
                found = uuid.uuid4().bytes
                transaction.put(_COPY, found, db=self._databases.meta)
        return found

    def applied(self) -> int:
        """Place in the topic of the last message that is in the copy; -1 for none."""
        with self._environment.read() as transaction:
            return self._applied(transaction)

    def born(self) -> Born | None:
        """Return the first message of the topic that the copy is of; None for a copy of nothing yet."""
        with self._environment.read() as transaction:
            raw = transaction.get(_BORN, b"", db=self._databases.meta)
        return msgspec.msgpack.decode(raw, type=Born) if raw else None

    def last(self) -> tuple[int, bytes]:
        """Place and digest of the last message that was applied: what tells this topic from another."""
        with self._environment.read() as transaction:
            raw = bytes(transaction.get(_LAST, b"", db=self._databases.meta))
        return int.from_bytes(raw[:8], "big"), raw[8:]

    def standing(self) -> Standing:
        """Where the log stands that the topic holds: here, or on the move."""
        with self._environment.read() as transaction:
            return read_standing(transaction, self._databases.meta)

    def copy_log(self, folder: Path) -> None:
        """Write what the log holds, without what it has of the topic, as a log in a folder that is not there yet."""
        folder.mkdir()
        with translated(str(folder)):
            self._environment.raw.copy(str(folder), compact=True)
        environment = open_environment(folder)
        meta, *of_the_topic = map(environment.database, ("meta", "parts", "results"))
        with environment.write() as transaction:
            for database in of_the_topic:
                transaction.drop(database)
            contents.forget_copy(transaction, meta)
        environment.close()
        sync_folder(folder)

    def skip(self, since: int, until: int) -> None:
        """Note that nothing of ours is from one offset to another: brokers put marks of their own into a topic."""
        with self._environment.write() as transaction:
            if since - 1 == self._applied(transaction) < until:
                self._set_applied(transaction, until)

    def apply(self, offset: int, value: bytes, *, since: int, own: bool = False) -> Result | None:
        """Apply the message at `offset`, before which, from `since` on, there is no other.

        `own`: the caller takes the result; else it is kept for a while where a process of this host waits for it.

        Returns
        -------
        Result or None
            None where messages before it are still to be applied. One that was applied before has the result that
            was kept, and a `count` of -1 where there is none.
        """
        message = decode(value, self._environment.path)
        keep = not own and getattr(message, "copy", b"") == self.id
        try:
            return self._apply(offset, value, message, since, keep)
        except ConflictError as error:
            # It changed nothing, here as on any host; that it was met is noted by itself.
            result = Result(refused=(error.message, error.where, error.remedy))
            with self._environment.write() as transaction:
                if self._applied(transaction) < offset:
                    self._note(transaction, offset, value, result if keep else None)
            return result

    def _apply(self, offset: int, value: bytes, message: Message | None, since: int, keep: bool) -> Result | None:
        with self.appending(0) as appending:
            transaction = appending.transaction
            applied = self._applied(transaction)
            if applied >= offset:
                raw = transaction.get(offset_key(offset), db=self._results)
                return Result(count=-1) if raw is None else msgspec.msgpack.decode(raw, type=Result)
            if applied < since - 1:
                return None
            result = Result()
            if isinstance(message, Slice | Rows):
                self._parts.keep(transaction, offset, value)
            elif isinstance(message, Born):
                self._set_born(transaction, message)
            elif message is not None:
                result = apply(appending, self._parts, message, offset)
            self._note(transaction, offset, value, result if keep else None)
        return result

    def _set_born(self, transaction: Any, message: Born) -> None:
        """Take the first; of two hosts that began the topic at once the other is too late."""
        if not transaction.get(_BORN, b"", db=self._databases.meta):
            transaction.put(_BORN, msgspec.msgpack.encode(message), db=self._databases.meta)

    def _applied(self, transaction: Any) -> int:
        raw = transaction.get(_APPLIED, b"", db=self._databases.meta)
        return int.from_bytes(raw, "big") if raw else -1

    def _set_applied(self, transaction: Any, offset: int) -> None:
        transaction.put(_APPLIED, offset.to_bytes(8, "big"), db=self._databases.meta)

    def _note(self, transaction: Any, offset: int, value: bytes, result: Result | None) -> None:
        self._set_applied(transaction, offset)
        transaction.put(_LAST, offset.to_bytes(8, "big") + digest_of(value), db=self._databases.meta)
        if result is None:
            return
        transaction.put(offset_key(offset), msgspec.msgpack.encode(result), db=self._results)
        if transaction.stat(self._results)["entries"] > _RESULTS_KEPT:
            with transaction.cursor(self._results) as cursor:
                cursor.first()
                cursor.delete()
