"""Whether to ask again, and when: with jitter, within the deadline, and within a budget that all calls share."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from tidewheel.errors import DeadlineError
from tidewheel.resending import Budget

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds; the pause doubles from one to the other."""
TRIES = 5
RETRY_SHARE = 0.1
"""Usual share of the answered calls that may be sent again: a server that is down is not asked five times as often."""
AGAIN = frozenset({429, 502, 503, 504})
"""Statuses that may pass."""


class Tries:
    """One call's tries.

    Parameters
    ----------
    budget : Budget
        The client's.
    seconds : float
        Until its deadline.
    repeatable : bool
        Whether it may be asked again when it is unknown what became of it.
    """

    def __init__(self, budget: Budget, seconds: float, repeatable: bool) -> None:
        self.until = time.monotonic() + seconds
        self._seconds = seconds
        self._budget = budget
        self._repeatable = repeatable
        self._made = 0
        self.began = time.monotonic()

    def left(self) -> float:
        """Return the seconds to the deadline.

        Raises
        ------
        DeadlineError
            It has passed.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise DeadlineError(f"no answer within {self._seconds:g} s", remedy="give a longer deadline, or ask again")
        return left

    def again(self, *, status: int = 0, headers: Mapping[str, str] | None = None, fresh: bool = True) -> float | None:
        """Return the seconds to wait before the next try; None when there is to be none.

        Parameters
        ----------
        status : int
            Of the answer; 0 when the connection broke.
        headers : mapping
            Of the answer.
        fresh : bool
            The connection was new. One that had waited for use may have been closed meanwhile: that is no failure.
        """
        self._made += 1
        if self._made >= TRIES or (status and status not in AGAIN) or not (status or self._repeatable):
            return None
        if not status and not fresh:
            return 0.0
        pause = max(_asked_for(headers or {}), random.uniform(0, FIRST_PAUSE * 2**self._made))
        pause = min(pause, LONGEST_PAUSE) * random.uniform(1.0, 1.25)
        if time.monotonic() + pause >= self.until or not self._budget.take():
            return None
        return pause


def _asked_for(headers: Mapping[str, str]) -> float:
    """Return the seconds that the server asks for."""
    exact, whole = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    if exact.isdigit():
        return int(exact) / 1000
    return float(whole) if whole.isdigit() else 0.0
