"""The cores of this process: compiled work that releases the lock, on threads, one per part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tidewheel.cores import cores
from tidewheel.engine.gang import Member, until_whole
from tidewheel.engine.processes import run_members

Part = TypeVar("Part")
Result = TypeVar("Result")


def map_parts(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    workers: int | None = None,
    done: Callable[[int], None] | None = None,
) -> list[Result]:
    """Apply `work` to every part on threads and return the results in order.

    The first error is raised once the parts under way have ended; parts not yet begun are dropped.

    Parameters
    ----------
    workers : int, optional
        Threads; as many as there are cores by default.
    done : callable, optional
        Called in this thread with the number of parts finished, after each.

    Examples
    --------
    >>> map_parts(lambda part: part * 2, [1, 2, 3])
    [2, 4, 6]
    """
    workers = min(workers or cores(), len(parts))
    results: list[Result] = []
    if workers <= 1:
        for part in parts:
            results.append(work(part))
            if done:
                done(len(results))
        return results
    pool = ThreadPoolExecutor(workers, thread_name_prefix="tidewheel-part")
    try:
        for result in pool.map(work, parts):
            results.append(result)
            if done:
                done(len(results))
    finally:
        pool.shutdown(cancel_futures=True)
    return results


class LocalEngine:
    """The cores of this process; `tidewheel.engine.GangEngine` is its contract. Members of a gang are processes.

    Parameters
    ----------
    workers : int, optional
        Threads; as many as there are cores by default.

    Examples
    --------
    >>> LocalEngine().map(abs, [-1, 2])
    [1, 2]
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def map(
        self, work: Callable[[Part], Result], parts: Sequence[Part], *, done: Callable[[int], None] | None = None
    ) -> list[Result]:
        """Apply `work` to every part and return the results in order."""
        return map_parts(work, parts, workers=self.workers, done=done)

    def gang(self, work: Callable[[Member, Part], Result], parts: Sequence[Part], *, cpus: int = 1) -> list[Result]:
        """Apply `work` to every part at once, each in a process of its own on this machine."""
        return until_whole(lambda: run_members(work, parts))
