"""Replay in step: results that do not depend on the machine's speed.

In a replay workspace the caller says what time it is. Before the clock moves, the events of the decisions made at
the instant that ends go to the log; before a decision is made, the stream has folded everything that the log holds.
So all decisions of one instant see the same past, and none sees another of its own instant.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from tidewheel.collect.appending.appender import outcome_of
from tidewheel.collect.appending.decision_index import JournalEntry, read_entries
from tidewheel.collect.appending.shipping import POSITION, Shipper
from tidewheel.errors import ConflictError, NotReadyError
from tidewheel.runtime.clock import ReplayClock
from tidewheel.storage.journal.segments import is_live, list_segments
from tidewheel.storage.log.records import BadRow, NewEvent

if TYPE_CHECKING:
    from tidewheel.serving.service import Serving
    from tidewheel.storage.log.records import Outcome

MOST_SHIPPED = 4096
INDEXED_AT_ONCE = 200
PATIENCE = 60.0
"""Seconds in which the stream has to catch up."""
SHORT, LONG = 0.0002, 0.001
"""Seconds between looks at the stream, at first and at most."""
SYNC_EVERY = 1.0
FOLD_EVERY = 0.02
"""Seconds between looks at the scheduler, and folds, at most."""


class Stream(Protocol):
    """Folds the log into the state, in this process and thread."""

    def catch_up(self) -> int:
        """Fold up to the log's head; return how many offsets were passed."""
        ...

    def sync(self) -> None:
        """Flush the states to the disk."""
        ...

    def close(self) -> None:
        """Give the partitions back."""
        ...


class Steps:
    """Keeps one process of a replay workspace in step. For its event loop's thread.

    Parameters
    ----------
    serving : Serving
        Made with ``hold=True``.
    stream : Stream, optional
        Folds in this very process, where it is the workspace's only worker; otherwise stream workers are waited for.
    """

    def __init__(self, serving: Serving, stream: Stream | None = None) -> None:
        clock = serving.stores.clock
        assert isinstance(clock, ReplayClock)
        self._clock = clock
        self._serving = serving
        self._stream = stream
        self._log = serving.stores.log
        self._folder = serving.stores.layout.journal
        self._shipper = Shipper(self._log, self._folder, serving.recent.writer)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tidewheel-steps")
        self._turn = asyncio.Lock()
        self._shipped_at = -1
        self._settled = (-1, -1)
        """Instant and log head for which everything is known to be folded."""
        self._quick = serving.stores.settings.sync == "second"
        """The log does not wait for the disk: then shipping is quicker than a thread's turn."""
        self._appending = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._first = True
        self._unindexed: list[JournalEntry] = []
        self._synced = time.monotonic()
        self._alone_since = -1
        """When the journal's folder was last changed, if by then no other live writer had a segment in it."""

    async def reach(self, instant: int | None) -> int:
        """Let the clock be at `instant` (where it stands when None), with all earlier decisions' events logged.

        Raises
        ------
        ClockError
            It lies before the clock's instant.
        """
        now = self._clock.now()
        if (instant is None or instant == now) and self._shipped_at == now:
            return now
        async with self._turn:
            now = self._clock.now()
            if self._shipped_at != now or (instant is not None and instant > now):
                self._ship() if self._quick else await self._run(self._ship)
            if instant is not None and instant != now:
                due = self._clock.next_due <= instant
                now = await self._wait_for_scheduler(instant) if due else self._clock.advance(instant)
            self._shipped_at = now
        return now

    def append(self, rows: Sequence[NewEvent | BadRow]) -> list[Outcome] | None:
        """Append events at once, when this process alone brings events and nobody waits for the disk; else None."""
        if self._stream is None or not self._quick:
            return None
        bad = [row for row in rows if isinstance(row, BadRow)]
        good = [row for row in rows if isinstance(row, NewEvent)]
        given = iter(self._log.append(good, now=self._clock.now(), quarantine=bad))
        return [outcome_of(row) or next(given) for row in rows]

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Say that events of this instant are on their way to the log: who asks to be settled waits for them."""
        self._appending += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._appending -= 1
            if not self._appending:
                self._quiet.set()

    async def settle(self) -> None:
        """Wait until the stream has folded everything in the log.

        Raises
        ------
        NotReadyError
            It does not catch up.
        """
        await self._quiet.wait()
        now = self._clock.now()
        if self._settled == (now, self._log.head()):
            return
        if self._stream is not None:
            self._stream.catch_up()
            self._settled = (now, self._log.head())
            return
        async with self._turn:
            # Only now: what was shipped and appended for this instant is folded in one go.
            self._serving.ring(0)
            pause, until = SHORT, time.monotonic() + PATIENCE
            while not self._others_shipped() or not self._folded(head := self._log.head()):
                if time.monotonic() > until:
                    raise NotReadyError(
                        f"the stream has not folded the log within {PATIENCE:g} s",
                        remedy="see that its workers run: tidewheel status",
                    )
                await asyncio.sleep(pause)
                pause = min(pause * 1.2, LONG)
            self._settled = (now, head)

    def tick(self) -> None:
        """Fold what has come, also for groups that are new, and flush each second."""
        if self._stream is None:
            return
        self._stream.catch_up()
        if time.monotonic() - self._synced >= SYNC_EVERY:
            self._stream.sync()
            self._synced = time.monotonic()

    def close(self) -> None:
        """Ship and fold everything now; for the end of the process."""
        self._ship()
        self._index()
        self._thread.shutdown()
        if self._stream is not None:
            self._stream.catch_up()

    async def _run(self, work: Callable[[], int]) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _wait_for_scheduler(self, instant: int) -> int:
        """Move the clock past what is due, as it gets done; fold meanwhile, as that may wait for features."""
        pause = SHORT
        while (reached := self._clock.advance(instant, wait=0)) < instant or self._clock.next_due <= instant:
            self.tick()
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, FOLD_EVERY)
        return reached

    def _ship(self) -> int:
        """Bring the journal's events to the log; return the log's head."""
        # Where this is the only worker, only those before it can have left a journal.
        look, self._first = self._first or self._stream is None, False
        while True:
            shipment = self._shipper.collect(MOST_SHIPPED, look=look)
            look = False
            if not shipment.entries:
                return self._log.head()
            try:
                self._log.append(
                    shipment.events, now=self._clock.now(), positions=shipment.after, expected=shipment.before
                )
            except ConflictError:
                self._shipper.forget()
                continue
            self._shipper.shipped(shipment)
            self._unindexed += shipment.entries
            if len(self._unindexed) >= INDEXED_AT_ONCE:
                self._index()

    def _index(self) -> None:
        """Tell the index of what was shipped: some at a time, since this process knows its newest answers by heart."""
        entries, self._unindexed = self._unindexed, []
        self._serving.index.add_shipped(self._folder, entries)

    def _folded(self, head: int) -> bool:
        wanted = self._serving.state_ids()
        if not wanted:
            return True
        offsets = self._serving.stores.state.offsets()
        return all(of.get(state_id, 0) >= head - 1 for of in offsets for state_id in wanted)

    def _others_shipped(self) -> bool:
        """Whether the log has all decisions of other live writers that were made at an earlier instant."""
        changed = os.stat(self._folder).st_mtime_ns
        if changed == self._alone_since:
            return True
        own, now = self._serving.recent.writer, self._clock.now()
        segments = list_segments(self._folder)
        if not any(path.stem.rpartition("-")[0] != own and is_live(path) for path in segments):
            self._alone_since = changed
            return True
        for path in segments:
            if path.stem.rpartition("-")[0] == own or not is_live(path):
                continue
            waiting = next(read_entries(path, self._log.position(POSITION + path.stem)), None)
            if waiting is not None and waiting.record.arrived < now:
                return False
        return True
