"""What a worker does again and again beside its requests; each piece outlives what it did not foresee."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tidewheel.errors import TidewheelError
from tidewheel.serving.observing.metrics import Metrics

log = logging.getLogger("tidewheel.serving")


class Upkeep:
    """Tasks on the running loop, each done over and over until :meth:`cancel`.

    One that fails is logged, counted (``upkeep_failures``) and tried again after its usual pause; what it fails of
    stands in `failing` until it works again.

    Parameters
    ----------
    metrics : Metrics, optional
        Counts failures.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.failing: dict[str, str] = {}
        """By task: why it failed, where it did the last time."""
        self._metrics = metrics or Metrics()
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Begin to do `work`, now and then `seconds` after each time that it ended."""
        self._tasks.append(asyncio.get_running_loop().create_task(self._repeat(seconds, name, work), name=name))

    def cancel(self) -> None:
        """End all tasks."""
        for task in self._tasks:
            task.cancel()

    async def _repeat(self, seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
                self.failing.pop(name, None)
            except Exception as error:
                self._failed(name, error)
            self._metrics.gauges["upkeep_failing"] = float(len(self.failing))
            await asyncio.sleep(seconds)

    def _failed(self, name: str, error: Exception) -> None:
        self._metrics.count("upkeep_failures", name)
        why = str(error) if isinstance(error, TidewheelError) else repr(error)
        if why != self.failing.get(name):  # what fails twice a second is told once
            foreseen = isinstance(error, TidewheelError | OSError)
            log.error("%s failed, and is tried again: %s", name, why, exc_info=None if foreseen else error)
        self.failing[name] = why
