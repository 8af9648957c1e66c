"""The event log: one order for all events, kept in LMDB and read by offset."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

import msgspec

from tidewheel.errors import CorruptError, StorageError
from tidewheel.storage.keys import prune
from tidewheel.storage.log import append as log_append
from tidewheel.storage.log import ids as log_ids
from tidewheel.storage.log import quarantine
from tidewheel.storage.log.append import Appending
from tidewheel.storage.log.reader import LogReader
from tidewheel.storage.log.records import BadRow, ImportRecord, NewEvent, Outcome, Revisions, Times
from tidewheel.storage.log.tail import FIRST, WriterMemory, read_tail, type_code
from tidewheel.storage.places.boot import CleanMark
from tidewheel.storage.places.environments import MAP_SIZE, Environment, open_environment

SyncMode = Literal["always", "second"]
_CHUNKS_A_TRIM = 500
_IDS_A_PRUNE = 50_000


class EventLog(LogReader):
    """The log of one workspace; `tidewheel.storage.protocols.Log` is its contract.

    Any process of the workspace may append: LMDB's writer lock puts the appends in one order.
    Safe to share between threads.

    Examples
    --------
    >>> import tempfile
    >>> log = EventLog.open(Path(tempfile.mkdtemp()))
    >>> log.append([NewEvent("Sale", "s1", at=5, columns={"amount": 2.5})], now=9)
    [Outcome(status='logged', offset=1, reason='')]
    >>> log.append([NewEvent("Sale", "s1", at=5, columns={"amount": 2.5})], now=9)
    [Outcome(status='duplicate', offset=1, reason='')]
    >>> log.read(1, 10)[0].columns
    {'amount': 2.5}
    >>> log.close()
    """

    def __init__(self, environment: Environment, mark: CleanMark) -> None:
        super().__init__(environment)
        self._mark = mark
        self._memory = WriterMemory()
        self._closed = threading.Event()
        self._unsynced = False
        self._syncing: threading.Thread | None = None
        self._failure: StorageError | None = None

    @classmethod
    def open(cls, path: Path, sync: SyncMode = "always", create: bool = True, map_size: int = MAP_SIZE) -> Self:
        """Open the log in folder `path`.

        Parameters
        ----------
        path : Path
        sync : {"always", "second"}
            Flush to the disk before `append` returns, or once a second. Either way an append that
            returned survives a killed process; with ``"second"`` a power loss takes the last second, and
            may take the log (`docs/durability.md`).
        create : bool
            Make it when missing.

        Raises
        ------
        NotFoundError, StorageError, CorruptError
        """
        mark = CleanMark(path / "mark.json")
        trust = mark.trust()
        if trust == "power lost":
            raise CorruptError(
                "the power went while the log was written with sync = 'second'; it can't be trusted",
                where=str(path),
                remedy="move the folder away and import what the lake holds; use sync = 'always' where this matters",
            )
        log = cls(open_environment(path, map_size=map_size, sync=sync == "always", create=create), mark)
        if sync == "second":
            log._begin_sync_each_second()
        elif trust == "same boot":
            log.sync()
            mark.set(clean=True)
        return log

    def close(self) -> None:
        """Flush and give the file back."""
        if not self._closed.is_set():
            self._closed.set()
            if self._environment.inherited:
                return
            if self._syncing is not None:
                self._syncing.join()
            self.sync()
            if not self._environment.sync_commits:
                self._mark.try_set_clean()
            self._environment.close()

    def sync(self) -> None:
        """Flush to the disk now (a matter of ``sync="second"``), and free the slots of readers that died."""
        self._unsynced = False
        self._environment.sync()

    def _begin_sync_each_second(self) -> None:
        self._mark.set(clean=False)
        self._syncing = threading.Thread(target=self._sync_each_second, name="tidewheel-log-sync", daemon=True)
        self._syncing.start()

    def _sync_each_second(self) -> None:
        while not self._closed.wait(1.0):
            try:
                if self._unsynced:
                    self.sync()
                if self._mark.trust() == "clean":
                    # Another process closed the log: it is not clean while this one writes.
                    self._mark.set(clean=False)
            except StorageError as error:
                # Told to who appends next, instead of going on with what the disk refused.
                self._failure = error
                return

    @contextmanager
    def appending(self, now: int) -> Iterator[Appending]:
        """One write transaction, for this log and those built on it: what the block adds is taken whole or not."""
        if self._failure is not None:
            raise self._failure
        with self._environment.write() as transaction:
            try:
                self._memory.load(transaction, self._databases.meta)
                appending = Appending(transaction, self._databases, self._memory, now)
                yield appending
                if appending.overtaken:
                    self._memory.forget()
                else:
                    appending.write()
                    self._memory.save(transaction, self._databases.meta)
            except BaseException:
                self._memory.forget()
                raise
        self._environment.check_there()  # before anybody is told that it is safe
        self._unsynced = True

    def append(
        self,
        events: Sequence[NewEvent],
        *,
        now: int,
        positions: Mapping[str, int] | None = None,
        expected: Mapping[str, int] | None = None,
        quarantine: Sequence[BadRow] = (),
    ) -> list[Outcome]:
        """Take events, in one transaction with what else is given; one outcome each, in order.

        Parameters
        ----------
        events : sequence of NewEvent
        now : int
            The workspace's clock, µs.
        positions : mapping, optional
            Where the caller has read to in its sources, stored in the same transaction.
        expected : mapping, optional
            Positions as the caller found them; when one has moved, nothing is written.
        quarantine : sequence of BadRow
            Rows the caller put aside.

        Raises
        ------
        FullError
            No space; nothing was written.
        ConflictError
            A position is not as `expected`; nothing was written.
        StorageError
            The log's file was deleted while it was open. With ``sync="second"``: the disk refused a flush since the
            last append.
        """
        with self.appending(now) as appending:
            log_append.set_positions(appending.transaction, self._databases.meta, positions or {}, expected)
            outcomes = [appending.add(event) for event in events]
            appending.put_aside(quarantine)
        return outcomes

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
        """Make the staged rows of a file part of the log, once: a second call returns the first one's record.

        Parameters
        ----------
        import_id : str
            The name that the rows carry in the lake (`_import`).
        type : str
        rows : int
            How many; row `_row` gets offset ``base + _row``.
        first_arrived, last_arrived : int
            Range of their arrivals, µs.
        ids : iterable of str
            Their ids in the order of `_row`; empty for types without an id column.
        times : Times, optional
            What is counted of the rows' times.
        revisions : Revisions, optional
            For a type whose events may be corrected.

        Raises
        ------
        ConflictError
            The rows begin before the newest logged arrival of their type, or correct events too late.
        """
        done = self.import_record(import_id)
        if done is not None:
            return done
        record = ImportRecord(0, import_id, type, rows, first_arrived, last_arrived)
        with self.appending(0) as appending:
            raw = appending.transaction.get(import_id.encode(), db=self._databases.imports)
            if raw is not None:
                return msgspec.msgpack.decode(raw, type=ImportRecord)
            return log_append.put_import(appending, record, ids, times, revisions)

    def trim(self, below: int) -> None:
        """Drop events below an offset; the lake has them. Imports keep their records, ids stay known."""
        with self._environment.write() as transaction:
            first = max(min(below, read_tail(transaction, self._databases.meta).head), self._first(transaction))
            transaction.put(FIRST, msgspec.msgpack.encode(first), db=self._databases.meta)
        deleted = _CHUNKS_A_TRIM
        while deleted == _CHUNKS_A_TRIM:
            with self._environment.write() as transaction:
                deleted = log_append.delete_chunks(transaction, self._databases.events, first, _CHUNKS_A_TRIM)

    def prune_ids(self, type: str, before: int) -> int:
        """Forget ids that arrived before an instant; return how many. In steps, so that appends get between."""
        with self._environment.read() as transaction:
            code = type_code(read_tail(transaction, self._databases.meta), type)
        deleted, key = 0, b"" if code is not None else None
        while code is not None and key is not None:
            with self._environment.write() as transaction:
                count, key = prune(transaction, self._databases.ids, log_ids.id_prefix(code), before, key, _IDS_A_PRUNE)
            deleted += count
        return deleted

    def delete_bad_rows(self, seqs: Sequence[int]) -> int:
        """Delete quarantined rows (after a retry that worked); return how many there were."""
        with self._environment.write() as transaction:
            return quarantine.delete(transaction, self._databases.quarantine, seqs)
