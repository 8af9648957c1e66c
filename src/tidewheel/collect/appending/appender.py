"""The appender: one thread that brings this process's events and decisions into the log, many at a time.

Whoever hands over events gets a future and goes on. The thread takes all that is waiting, appends it in one
transaction (one flush to the disk for everybody: group commit), and then resolves the futures.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tidewheel.collect.appending.decision_index import DecisionIndex
from tidewheel.collect.appending.shipping import Shipment, Shipper
from tidewheel.errors import ConflictError, OverloadedError, StorageError, TidewheelError
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import BadRow, NewEvent, Outcome

_logger = logging.getLogger("tidewheel.collect")
MOST_WAITING = 20_000
"""Rows that may wait for the log before more are refused."""
MOST_A_COMMIT = 4_096
SECONDS_IDLE = 0.5
"""How long the thread sleeps when nobody wakes it; then it looks at the journal anyway."""
REST, SHORTEST_REST, LONGEST_REST = 4, 0.01, 0.2
"""How long the journal is left alone between two rounds: a multiple of the last one's time, within seconds."""
SECONDS_AFTER_FAILURE = 0.2

Row = NewEvent | BadRow


class _Waiting(NamedTuple):
    rows: Sequence[Row]
    future: Future[list[Outcome]]


class Appender:
    """Appends events, and the events of journalled decisions, to the log. Safe to share between threads.

    Parameters
    ----------
    log : EventLog
    clock : callable
        Gives the workspace's time in microseconds: the arrival of what is handed over.
    journal : Path, optional
        The decision journal's folder; without it only `submit` brings events.
    writer : str
        Name of this process's writer in the journal.
    index : DecisionIndex, optional
        Kept up with the journal as its decisions are shipped.
    committed : callable, optional
        Called with the next offset after each commit that logged something: to wake the stream workers.
    limit : int
        Rows that may wait; more are refused with `OverloadedError`.

    Examples
    --------
    >>> import tempfile
    >>> log = EventLog.open(Path(tempfile.mkdtemp()))
    >>> with Appender(log, lambda: 9) as appender:
    ...     appender.submit([NewEvent("Sale", "s1", at=5, columns={"amount": 2.5})]).result()
    [Outcome(status='logged', offset=1, reason='')]
    """

    def __init__(
        self,
        log: EventLog,
        clock: Callable[[], int],
        *,
        journal: Path | None = None,
        writer: str = "",
        index: DecisionIndex | None = None,
        committed: Callable[[int], None] | None = None,
        limit: int = MOST_WAITING,
    ) -> None:
        self._log = log
        self._clock = clock
        self._journal = journal
        self._shipper = Shipper(log, journal, writer) if journal is not None else None
        self._index = index
        self._committed = committed
        self._limit = limit
        self._queue: deque[_Waiting] = deque()
        self._rows_waiting = 0
        self._changed = threading.Condition()
        self._flushes: list[Future[None]] = []
        self._journal_grew = self._behind = True
        self._idle = self._closing = False
        self._thread = threading.Thread(target=self._run, name="tidewheel-appender", daemon=True)

    def start(self) -> Self:
        """Start the thread. Decisions that a dead process left in the journal are shipped first."""
        self._thread.start()
        return self

    def submit(self, rows: Sequence[Row]) -> Future[list[Outcome]]:
        """Hand over rows; the future gives one outcome each, in order, once they are in the log.

        Rows that were refused already (`BadRow`) go to quarantine in the same transaction.

        Raises
        ------
        OverloadedError
            Too many rows are waiting.
        StorageError
            The appender is closed.
        """
        future: Future[list[Outcome]] = Future()
        with self._changed:
            if self._closing:
                raise StorageError("the appender is closed", remedy="open the workspace again")
            if self._rows_waiting and self._rows_waiting + len(rows) > self._limit:
                raise OverloadedError(
                    f"{self._rows_waiting} rows are waiting for the log, at most {self._limit} may",
                    remedy="send more slowly, or again in a second",
                )
            self._rows_waiting += len(rows)
            self._queue.append(_Waiting(rows, future))
            self._changed.notify()
        return future

    def ship(self) -> None:
        """Say that the journal has grown. Costs next to nothing; called for each decision.

        What is taken together costs a fraction of one by one, and while the thread works it competes with the
        requests for the interpreter. So after each round it rests several times as long as that took.
        """
        self._journal_grew = True
        # Without the lock a notice may be missed: then the thread looks SECONDS_IDLE later.
        if self._idle and self._changed.acquire(blocking=False):
            try:
                self._changed.notify()
            finally:
                self._changed.release()

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until all that was handed over or journalled before this call is in the log.

        Raises
        ------
        TidewheelError
            What kept the log from taking it.
        """
        future: Future[None] = Future()
        with self._changed:
            if self._closing:
                return
            self._flushes.append(future)
            self._changed.notify()
        try:
            future.result(timeout)
        except TimeoutError as error:
            raise StorageError(f"the log took more than {timeout} s", remedy="see `tidewheel log status`") from error

    def waiting(self) -> int:
        """Return how many rows wait for the log."""
        return self._rows_waiting

    def close(self) -> None:
        """Append what is waiting, then stop the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        for waiting in self._queue:
            waiting.future.set_exception(StorageError("the appender was closed before the log took this"))
        self._queue.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        look = True
        rested = 0.0
        while True:
            with self._changed:
                self._wait(rested)
                closing = self._closing
                taken, flushes = self._take(), self._flushes
                self._flushes, self._journal_grew = [], False
            began = time.monotonic()
            more = self._round(taken, look=look or bool(flushes) or closing)
            look = False
            now = time.monotonic()
            rested = 0.0 if more else now + min(max(REST * (now - began), SHORTEST_REST), LONGEST_REST)
            self._settle_flushes(flushes, more)
            self._journal_grew = self._journal_grew or more is True
            if closing and (isinstance(more, TidewheelError) or not (more or self._queue)):
                return

    def _wait(self, rested: float) -> None:
        """Wait for something to do; the journal alone is nothing to do before `rested`."""
        self._idle = not self._journal_grew
        if self._idle and not self._asked():
            self._changed.wait(SECONDS_IDLE)
        self._idle = False
        rest = rested - time.monotonic()
        if rest > 0.0 and not self._asked():
            self._changed.wait(rest)

    def _asked(self) -> bool:
        """Return whether somebody waits for an answer."""
        return bool(self._queue or self._flushes or self._closing)

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        rows = 0
        while self._queue and (not taken or rows + len(self._queue[0].rows) <= MOST_A_COMMIT):
            waiting = self._queue.popleft()
            rows += len(waiting.rows)
            if waiting.future.running() or waiting.future.set_running_or_notify_cancel():
                taken.append(waiting)
        self._rows_waiting -= rows
        return taken

    def _settle_flushes(self, flushes: list[Future[None]], more: bool | TidewheelError) -> None:
        if isinstance(more, TidewheelError):
            for future in flushes:
                future.set_exception(more)
        elif more or self._queue:
            with self._changed:
                self._flushes = [*flushes, *self._flushes]
        else:
            for future in flushes:
                future.set_result(None)

    def _round(self, taken: list[_Waiting], *, look: bool) -> bool | TidewheelError:
        """Make one commit. Return whether the journal may hold more, or what went wrong."""
        try:
            if self._behind and self._index is not None and self._journal is not None:
                self._index.catch_up(self._journal)
            self._behind = False
            shipment = self._shipper.collect(MOST_A_COMMIT, look=look) if self._shipper else Shipment([], {}, {})
            if taken or shipment.entries:
                self._append(taken, shipment)
            return len(shipment.entries) >= MOST_A_COMMIT
        except ConflictError:
            # Another process has shipped part of it; the events handed over here are still to be taken.
            if self._shipper is not None:
                self._shipper.forget()
            self._put_back(taken)
            return True
        except TidewheelError as error:
            return self._fail(taken, error)
        except Exception as error:  # the thread must outlive what it did not foresee
            _logger.exception("the appender could not append")
            return self._fail(taken, StorageError(f"the log could not be written: {error!r}"))

    def _append(self, taken: list[_Waiting], shipment: Shipment) -> None:
        events = [row for waiting in taken for row in waiting.rows if isinstance(row, NewEvent)]
        bad = [row for waiting in taken for row in waiting.rows if isinstance(row, BadRow)]
        outcomes = self._log.append(
            [*events, *shipment.events],
            now=self._clock(),
            positions=shipment.after,
            expected=shipment.before,
            quarantine=bad,
        )
        if self._shipper is not None:
            self._shipper.shipped(shipment)
        given = iter(outcomes)
        for waiting in taken:
            waiting.future.set_result([outcome_of(row) or next(given) for row in waiting.rows])
        if self._index is not None and self._journal is not None and shipment.entries:
            self._index.add_shipped(self._journal, shipment.entries)
        if self._committed is not None and any(outcome.status == "logged" for outcome in outcomes):
            self._committed(max(outcome.offset for outcome in outcomes) + 1)

    def _put_back(self, taken: list[_Waiting]) -> None:
        with self._changed:
            self._queue.extendleft(reversed(taken))
            self._rows_waiting += sum(len(waiting.rows) for waiting in taken)

    def _fail(self, taken: list[_Waiting], error: TidewheelError) -> TidewheelError:
        for waiting in taken:
            if not waiting.future.done():
                waiting.future.set_exception(error)
        time.sleep(SECONDS_AFTER_FAILURE)
        return error


def outcome_of(row: Row) -> Outcome | None:
    """Return what became of a row that was refused before the log saw it, or None for an event."""
    return Outcome("quarantined", 0, row.reason) if isinstance(row, BadRow) else None
