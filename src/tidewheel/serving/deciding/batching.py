"""Batches of what is asked at the same time, at no cost to who asks alone.

Each model has a thread of its own, which waits for nothing but work: when it is free it takes what is there, and what
comes while it computes is the next batch. There is no timer and nothing polls, so a lone request starts at once. A
model that stalls stalls its own thread and queue, and no other's.

A batch is cut so that it ends, as far as can be told, within half of the time that its most pressing row has left.
Rows go by deadline. What is too late, or what nobody waits for any more, is left out before anything is computed.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from tidewheel.errors import DeadlineError, OverloadedError, ServingError
from tidewheel.serving.deciding.flight import waited
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending, settled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Compute = Callable[[Floats], Floats]
    Entry = tuple[int, int, Floats, Pending[float]]
    """Until when, the how manieth, its row, who is owed."""

MOST_ROWS = 64
"""In one batch. Nets gain little beyond 16 rows on a core, and nothing beyond 64."""
MOST_WAITING = 1000
KEPT = 0.98
"""What an observation counts after the next one."""
OUTLIER = 4.0
"""A batch that took longer than so many times the expected is learned from as if it had taken just that."""
PRIMED = (1, 1, 8)
"""Batches run before the first request, so that none is spent on learning."""


class CostLine:
    """What n rows take: ``a + b * n``, by least squares over the batches that ran, of which older ones count less.

    Examples
    --------
    >>> line = CostLine()
    >>> for n in (1, 4, 16):
    ...     line.learn(n, 100.0 + 10.0 * n)
    >>> round(line(32)), line.rows_within(205.0)
    (420, 10)
    """

    def __init__(self) -> None:
        self.fixed = self.each = 0.0
        self._sums = [0.0] * 5

    def __call__(self, rows: int) -> float:
        """Return the ns that so many rows are expected to take."""
        return self.fixed + self.each * rows

    def rows_within(self, ns: float) -> int:
        """Return how many rows are expected to take no longer."""
        return int(max(ns - self.fixed, 0.0) / self.each) if self.each > 0 else MOST_ROWS

    def learn(self, rows: int, ns: float) -> None:
        """Take in what a batch took."""
        if (expected := self(rows)) > 0:
            ns = min(ns, OUTLIER * expected)
        seen = (1.0, rows, rows * rows, ns, rows * ns)
        self._sums = [KEPT * old + new for old, new in zip(self._sums, seen, strict=True)]
        weight, n, nn, t, nt = self._sums
        spread = nn * weight - n * n
        # Batches of one size tell no slope: then all of it is the rows'.
        self.each = max((nt * weight - n * t) / spread, 0.0) if spread > 1e-6 * nn * weight else t / n
        self.fixed = max((t - self.each * n) / weight, 0.0)


class Batcher:
    """A scoring that asks a model of its own thread, in batches.

    Parameters
    ----------
    compute : callable
        From rows, shape (n, width), to n scores. Is called in that thread only. The rows are lent.
    width : int
        Words of a row.
    name : str
        Of the model, for the thread and for errors.
    most_rows, most_waiting : int, optional
        In a batch, and in the queue.
    loop : AbstractEventLoop, optional
        What is asked within one turn of this loop is handed over at the turn's end, so that the thread does not begin
        with the first row of many. Only for a loop that is never blocked while it waits for a score.

    Examples
    --------
    >>> from tidewheel.serving.deciding.flight import waited
    >>> from tidewheel.serving.deciding.scoring import NO_DEADLINE, settled
    >>> total = Batcher(lambda rows: rows.sum(axis=1), 2, "Total@1")
    >>> waited(settled(total(np.array([1.0, 2.0]), NO_DEADLINE)))
    3.0
    """

    def __init__(
        self,
        compute: Compute,
        width: int,
        name: str,
        *,
        most_rows: int = MOST_ROWS,
        most_waiting: int = MOST_WAITING,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.name = name
        self._loop = loop
        self._gathered: list[Entry] = []
        self._most_waiting = most_waiting
        self._count = itertools.count()
        self._room = _Room(compute, np.zeros((most_rows, width)))
        self._thread = threading.Thread(target=self._room.run, name=f"tidewheel-{name}", daemon=True)
        self._thread.start()
        # The thread does not hold the batcher: a version that is forgotten ends its thread and frees its memory.
        self.close = weakref.finalize(self, self._room.inbox.put, None)

    def __call__(self, words: Floats, until: int) -> Pending[float]:
        """Ask for the score of one row.

        Raises
        ------
        OverloadedError
            Too many wait already.
        DeadlineError
            So many wait that this row could not be scored in time.
        """
        if waiting := self.waiting():
            if waiting >= self._most_waiting:
                raise OverloadedError(f"{self._most_waiting} requests wait for the model", where=self.name)
            if perf_counter_ns() + self.predicted_wait() > until:
                raise DeadlineError("the deadline would pass before the model is free")
        owed: Pending[float] = Pending(until)
        entry = (until, next(self._count), words, owed)
        if self._loop is None or asyncio._get_running_loop() is not self._loop:
            self._room.inbox.put(entry)
            return owed
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(entry)
        return owed

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        for entry in gathered:
            self._room.inbox.put(entry)

    def waiting(self) -> int:
        """Return how many rows wait for their batch."""
        return len(self._gathered) + self._room.inbox.qsize() + self._room.held

    def predicted_wait(self) -> int:
        """Return the ns after which a row that is asked for now is expected to be scored."""
        room = self._room
        rows = self.waiting() + 1
        batches = -(-rows // len(room.rows))
        left = max(room.busy_until - perf_counter_ns(), 0)
        return int(left + batches * room.line.fixed + rows * room.line.each)

    def prime(self, words: Floats) -> None:
        """Learn what batches take from a row of nothing in particular. Raises what the model raises."""
        for rows in PRIMED:
            for owed in [self(words, NO_DEADLINE) for _ in range(rows)]:
                waited(settled(owed))
            if self._room.batches == 1:
                self._room.line = CostLine()  # the first run of a model is like no other

    def sizes(self) -> tuple[int, int]:
        """Return how many batches ran, and of how many rows."""
        return self._room.batches, self._room.scored


class _Room:
    """What a batcher's thread works with; it knows nothing of the batcher."""

    def __init__(self, compute: Compute, rows: Floats) -> None:
        self.inbox: SimpleQueue[Entry | None] = SimpleQueue()
        self.line = CostLine()
        self.rows = rows
        self.held = self.batches = self.scored = 0
        self.busy_until = 0
        self._compute = compute

    def run(self) -> None:
        """Work until told to stop."""
        waiting: list[Entry] = []
        while True:
            for _ in range(self.inbox.qsize() or (0 if waiting else 1)):
                entry = self.inbox.get()
                if entry is None:
                    return
                waiting.append(entry)
            waiting = self._work(waiting)
            self.held = len(waiting)

    def _work(self, waiting: list[Entry]) -> list[Entry]:
        """Score one batch of what waits; return what waits on."""
        now = perf_counter_ns()
        alive = []
        for entry in waiting:
            until, _, _, owed = entry
            if until <= now and not owed.dropped:
                owed.fail(DeadlineError("the deadline passed before the model was free"))
            elif not owed.dropped:
                alive.append(entry)
        alive.sort()
        size = self._size(alive, now)
        batch, alive = alive[:size], alive[size:]
        self.held = len(alive)
        if batch:
            self._score(batch)
        return alive

    def _size(self, alive: list[Entry], now: int) -> int:
        """Return how many rows end within half of the time of the first; those that can't be in time don't count."""
        alone = self.line(1)
        left = next((until - now for until, *_ in alive if until - now > alone), 0)
        return max(min(self.line.rows_within(left / 2), len(self.rows)), 1)

    def _score(self, batch: list[Entry]) -> None:
        size, start = len(batch), perf_counter_ns()
        rows = self.rows[:size]
        self.busy_until = start + int(self.line(size))
        try:
            for place, (_, _, words, _) in enumerate(batch):
                rows[place] = words
            scores = self._compute(rows).tolist()
            if len(scores) != size:
                raise ServingError(f"the model gave {len(scores)} scores for {size} rows")
        except Exception as error:
            self._score_apart(batch, error)
            return
        took = perf_counter_ns() - start
        for (_, _, _, owed), score in zip(batch, scores, strict=True):
            owed.finish(score)
        self.line.learn(size, took)
        self.batches += 1
        self.scored += size

    def _score_apart(self, batch: list[Entry], error: Exception) -> None:
        """Score rows one by one after a batch failed, so that one bad row fails alone."""
        if len(batch) == 1:
            batch[0][3].fail(error)
            return
        for entry in batch:
            self._score([entry])
