"""The scoring seam: from a row that was read and a deadline to a score, at once or when it is there.

A :data:`Scoring` is called with the words of the model's view and the deadline. One that is cheap (trees in the
kernel, a plain call) returns a float, and the decision is made within one call, without a coroutine. One that is dear
(a net, a function in a thread of its own) returns something to await: a :class:`Pending`, made by whoever computes in
another thread, or a :class:`Started` coroutine.

Scorings are composed by plain ``async`` code that awaits nothing but these two; ``begin`` runs it up to its first wait
and gives the result itself where there was none. So a composed scoring of cheap parts is cheap too::

    def cascade(words, until):
        return begin(_cascade(words, until))

    async def _cascade(words, until):
        score = await settled(first(words, until))
        return await settled(second(words, until)) if 0.2 < score < 0.8 else score

Parts that are asked first and awaited after run at the same time. Nothing here belongs to an event loop: who drives
(:mod:`tidewheel.serving.deciding.flight`) waits on a loop or in a thread, and goes on when the result is there or the
deadline has passed, whichever is first. Then the await raises `DeadlineError`, and what comes late is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tidewheel.errors import DeadlineError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Words = npt.NDArray[np.float64]

T = TypeVar("T")
Scoring = Callable[["Words", int], "float | Awaitable[float]"]
"""From words and a deadline (ns of ``perf_counter_ns``) to a score. Raises where it can't score."""

NO_DEADLINE = 1 << 62


class Pending(Generic[T]):
    """A result that another thread owes; to be awaited once, in a coroutine that a driver drives.

    Parameters
    ----------
    until : int
        When it is too late, ns of ``perf_counter_ns``.

    Attributes
    ----------
    dropped : bool
        Nobody waits any more: what has not begun need not.

    Examples
    --------
    >>> owed = Pending()
    >>> owed.finish(0.5)
    >>> begin(settled(owed))
    0.5
    """

    __slots__ = ("_error", "_value", "_wakes", "done", "dropped", "until")

    def __init__(self, until: int = NO_DEADLINE) -> None:
        self.until = until
        self.done = self.dropped = False
        self._value: Any = None
        self._error: Exception | None = None
        self._wakes: list[Callable[[], object]] = []

    def finish(self, value: T) -> None:
        """Give the result; from any thread, once."""
        self._value = value
        self._end()

    def fail(self, error: Exception) -> None:
        """Say that there will be none; from any thread, instead of `finish`."""
        self._error = error
        self._end()

    def _end(self) -> None:
        self.done = True
        for wake in self._wakes:
            wake()

    def attach(self, wake: Callable[[], object]) -> None:
        """Have `wake` called, in whatever thread, when the result is there; perhaps twice."""
        self._wakes.append(wake)
        if self.done:
            wake()

    def __await__(self) -> Generator[Pending[Any], None, T]:
        """Wait; the driver resumes when it is done or too late."""
        try:
            if not self.done:
                yield self
        finally:
            self.dropped = not self.done
        if self.dropped:
            raise DeadlineError("the deadline passed before the model answered")
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value


class Started(Generic[T]):
    """A coroutine that has run to its first wait; awaited, it goes on from there. Forgotten, it is closed."""

    __slots__ = ("_steps", "waits_for")

    def __init__(self, steps: Coroutine[Pending[Any], None, T], waits_for: Pending[Any]) -> None:
        self._steps = steps
        self.waits_for = waits_for

    def __await__(self) -> Generator[Pending[Any], None, T]:
        """Wait for what it waits for, then for the rest."""
        try:
            yield self.waits_for
            return (yield from self._steps.__await__())
        finally:
            self._steps.close()


def begin(steps: Coroutine[Pending[Any], None, T]) -> T | Started[T]:
    """Run a coroutine to its first wait; return its result where there is none.

    Examples
    --------
    >>> async def double(score):
    ...     return 2 * await settled(score)
    >>> begin(double(0.25))
    0.5
    >>> type(begin(double(Pending()))).__name__
    'Started'
    """
    try:
        return Started(steps, steps.send(None))
    except StopIteration as stop:
        result: T = stop.value
        return result


async def settled(score: float | Awaitable[float]) -> float:
    """Return a score, waited for if need be."""
    return score if isinstance(score, float) else await score
