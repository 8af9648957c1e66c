"""Trying a step again when what went wrong may pass: after a second, then two, then four."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tidewheel.errors import BusyError, UnreachableError

T = TypeVar("T")
TRANSIENT: tuple[type[BaseException], ...] = (BusyError, UnreachableError, ConnectionError, TimeoutError)
"""What may pass by itself."""
LONGEST = 60.0


@dataclass(frozen=True)
class Retry:
    """How often a step is tried, and what for.

    Attributes
    ----------
    attempts : int
        The first one counted.
    wait : float
        Seconds before the second; each further wait is twice as long, up to a minute, give or take a quarter.
    on : tuple of exception types
    """

    attempts: int = 1
    wait: float = 1.0
    on: tuple[type[BaseException], ...] = TRANSIENT

    def call(self, do: Callable[[], T], again: Callable[[int, BaseException], None]) -> T:
        """Do it; `again` is told of each attempt that failed and is followed by another.

        Examples
        --------
        >>> tried = []
        >>> def unsteady():
        ...     tried.append(1)
        ...     return 1 / (len(tried) - 1)
        >>> Retry(2, 0.0, (ZeroDivisionError,)).call(unsteady, lambda attempt, error: print(attempt, error))
        1 division by zero
        1.0
        """
        for attempt in range(1, self.attempts):
            try:
                return do()
            except self.on as error:
                again(attempt, error)
                time.sleep(self._pause(attempt))
        return do()

    def _pause(self, attempt: int) -> float:
        return float(min(LONGEST, self.wait * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25))


ONCE = Retry()
STEADY = Retry(attempts=3)
"""Of steps that read and write stores: what passes is waited for."""
