"""A model of lists in a thread of its own: one that is dear, or stalls, keeps no other request waiting.

What the batcher is to single rows (:mod:`tidewheel.serving.deciding.batching`) this is to candidates, which come as a
batch already: lists go one by one, by deadline, and what is too late is left out before anything is computed.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable
from queue import PriorityQueue
from time import perf_counter_ns
from typing import TYPE_CHECKING

from tidewheel.errors import DeadlineError, OverloadedError, ServingError
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Compute = Callable[[Floats], Floats]
    Entry = tuple[int, int, Floats | None, Pending[Floats]]
    """Until when, the how manieth, its rows (None to end), who is owed."""

MOST_WAITING = 64


class OwnThread:
    """Scores lists' rows in a thread of its own.

    Parameters
    ----------
    compute : callable
        From rows, shape (n, width), to n scores. Is called in that thread only.
    name : str
        Of the model, for the thread and for errors.
    most_waiting : int, optional
        Lists in the queue.

    Examples
    --------
    >>> import numpy as np
    >>> from tidewheel.serving.deciding.flight import waited
    >>> from tidewheel.serving.deciding.scoring import settled
    >>> total = OwnThread(lambda rows: rows.sum(axis=1), "Total@1")
    >>> async def scores():
    ...     return await total(np.ones((2, 3)), NO_DEADLINE)
    >>> waited(scores())
    array([3., 3.])
    """

    def __init__(self, compute: Compute, name: str, *, most_waiting: int = MOST_WAITING) -> None:
        self.name = name
        self._most_waiting = most_waiting
        self._count = itertools.count()
        self._queue: PriorityQueue[Entry] = PriorityQueue()
        threading.Thread(target=_work, args=(compute, self._queue), name=f"tidewheel-{name}", daemon=True).start()
        # The thread does not hold this: a version that is forgotten ends its thread and frees its memory.
        self.close = weakref.finalize(self, self._queue.put, (NO_DEADLINE, -1, None, Pending()))

    def __call__(self, words: Floats, until: int) -> Pending[Floats]:
        """Ask for the scores of some rows.

        Raises
        ------
        OverloadedError
            Too many lists wait already.
        """
        if self._queue.qsize() >= self._most_waiting:
            raise OverloadedError(f"{self._most_waiting} lists wait for the model", where=self.name)
        owed: Pending[Floats] = Pending(until)
        self._queue.put((until, next(self._count), words, owed))
        return owed


def _work(compute: Compute, queue: PriorityQueue[Entry]) -> None:
    """Score what comes until told to end."""
    while True:
        until, _, words, owed = queue.get()
        if words is None:
            return
        if owed.dropped:
            continue
        if until <= perf_counter_ns():
            owed.fail(DeadlineError("the deadline passed before the model was free"))
            continue
        try:
            scores = compute(words)
            if len(scores) != len(words):
                raise ServingError(f"the model gave {len(scores)} scores for {len(words)} rows")
        except Exception as error:
            owed.fail(error)
        else:
            owed.finish(scores)
