"""Drives the coroutines of the request path: on an event loop for a worker, in the caller's thread without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractContextManager, nullcontext, suppress
from time import perf_counter_ns
from typing import Any, Generic, TypeVar

from tidewheel.errors import ServingError
from tidewheel.serving.deciding.scoring import Pending

T = TypeVar("T")


class Flight(Generic[T]):
    """A coroutine under way, and whoever waits for its end: as many as ask, by ``await`` or by :meth:`wait`.

    It belongs to none of them: one that gives up leaves it to the others, and when the last one does it is closed.

    Parameters
    ----------
    steps : coroutine
        Awaits only what :mod:`tidewheel.serving.deciding.scoring` has. It is run to its first wait.
    landed : callable
        Called when it has ended, however that was.
    """

    __slots__ = ("_awaiting", "_error", "_landed", "_result", "_steps", "_timer", "_waits_for", "done")

    def __init__(self, steps: Coroutine[Pending[Any], None, T], landed: Callable[[], object]) -> None:
        self.done = False
        self._steps = steps
        self._landed = landed
        self._result: Any = None
        self._error: BaseException | None = None
        self._awaiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waits_for: Pending[Any] | None = None
        self._go_on()

    # --- on a loop -----------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, T]:
        """Wait on the running loop. All who await one flight do so on one loop."""
        if not self.done:
            loop = asyncio.get_running_loop()
            if not self._awaiting:
                self._watch(loop)
            future: asyncio.Future[None] = loop.create_future()
            self._awaiting.append(future)
            try:
                yield from future
            finally:
                if not self.done:
                    self._awaiting.remove(future)
                    if not self._awaiting:
                        self.close()
        return self._given()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on when what is waited for is there, or its time has passed."""
        owed = self._waits_for
        assert owed is not None
        seconds = max(owed.until - perf_counter_ns(), 0) / 1e9
        self._timer = loop.call_later(seconds, self._turn, loop, owed)

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed, and who waited is gone with it
                loop.call_soon_threadsafe(self._turn, loop, owed)

        owed.attach(wake)

    def _turn(self, loop: asyncio.AbstractEventLoop, owed: Pending[Any]) -> None:
        if self._waits_for is not owed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._go_on()
        if not self.done:
            self._watch(loop)
            return
        for future in self._awaiting:
            if not future.done():
                future.set_result(None)

    # --- in a thread ---------------------------------------------------------------------------

    def wait(self, turn: AbstractContextManager[object] | None = None) -> T:
        """Wait in this thread; `turn` is held whenever the coroutine runs."""
        turn = turn or nullcontext()
        while (owed := self._waits_for) is not None:
            woken = threading.Event()
            owed.attach(woken.set)
            woken.wait(max(owed.until - perf_counter_ns(), 0) / 1e9)
            with turn:
                if self._waits_for is owed:
                    self._go_on()
        return self._given()

    # --- either way ----------------------------------------------------------------------------

    def close(self) -> None:
        """Give up: what has not begun will not."""
        self._end(ServingError("the decision was given up: nobody waits for it"))
        self._steps.close()

    def _go_on(self) -> None:
        try:
            self._waits_for = self._steps.send(None)
        except StopIteration as stop:
            self._result = stop.value
            self._end(None)
        except Exception as error:
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._error = error
        self.done = True
        self._waits_for = None
        if self._timer is not None:
            self._timer.cancel()
        self._landed()

    def _given(self) -> T:
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result


def waited(steps: Coroutine[Pending[Any], None, T]) -> T:
    """Run a coroutine of the request path to its end in this thread.

    Examples
    --------
    >>> from tidewheel.serving.deciding.scoring import settled
    >>> waited(settled(0.25))
    0.25
    """
    return Flight(steps, lambda: None).wait()
