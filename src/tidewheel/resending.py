"""When a call that has no answer may be made once more: budgets, and how long to wait for the first answer.

What is sent again is load when there is least to spare. So each client has a bucket of tokens that its successful calls
fill by a share of one: while all goes well it is full, and when nothing is answered any more it soon is empty.
"""

from __future__ import annotations

import re
import time

from tidewheel.errors import ConfigError, DefinitionError

MOST = 10.0
"""Calls that may be made again at once, whatever went before."""
LEAST_SEEN, REMEMBERED, RECKONED = 50, 512, 32
"""Durations from which a quantile is told, those that are kept for it, and calls after which it is told anew."""


class Budget:
    """Calls that may be made again. Threads may share it: a token too many now and then is no harm.

    Parameters
    ----------
    share : float
        Of a token, that each successful call adds.

    Examples
    --------
    >>> budget = Budget(0.1)
    >>> [budget.take() for _ in range(11)].count(True)
    10
    >>> for _ in range(10):
    ...     budget.earn()
    >>> budget.take(), budget.take()
    (True, False)
    """

    __slots__ = ("_left", "share")

    def __init__(self, share: float) -> None:
        self.share = share
        self._left = MOST if share else 0.0

    def earn(self) -> None:
        """Count a call that was answered."""
        # A little more, so that ten tenths are one.
        self._left = min(self._left + self.share + 1e-9, MOST) if self.share else 0.0

    def take(self) -> bool:
        """Return whether there is a token left, and take it."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Hedge:
    """Says after how long a call is made a second time, beside the first, and how often.

    Parameters
    ----------
    after : str or float
        Seconds, text such as ``"5ms"``, or a quantile of the durations seen, as ``"p95"``.
    share : float
        Of the calls at most, but for the first few.

    Raises
    ------
    ConfigError
        `after` is none of these, or `share` is not between 0 and 1.

    Examples
    --------
    >>> Hedge("5ms").delay
    0.005
    >>> hedge = Hedge("p95")
    >>> print(hedge.delay)
    None
    >>> for milliseconds in range(1, 201):
    ...     hedge.note(milliseconds / 1000)
    >>> 0.15 < hedge.delay < 0.2
    True
    """

    __slots__ = ("_at", "_budget", "_quantile", "_seen", "_unseen", "delay")

    def __init__(self, after: str | float, share: float = 0.05) -> None:
        if not 0 < share <= 1:
            raise ConfigError(f"a share of {share!r} of the calls", remedy="give one between 0 and 1, such as 0.05")
        self._quantile, fixed = _read(after)
        self.delay: float | None = fixed
        """Seconds to wait for an answer first; None while too few durations were seen."""
        self._budget = Budget(share)
        self._seen: list[float] = []
        self._at = self._unseen = 0

    def note(self, seconds: float) -> None:
        """Count a call that was answered, and how long that took, from its first try."""
        self._budget.earn()
        if not self._quantile:
            return
        if len(self._seen) < REMEMBERED:
            self._seen.append(seconds)
        else:
            self._seen[self._at] = seconds
            self._at = (self._at + 1) % REMEMBERED
        self._unseen += 1
        if self._unseen >= RECKONED and len(self._seen) >= LEAST_SEEN:
            self._unseen = 0
            self.delay = sorted(self._seen)[int(self._quantile * (len(self._seen) - 1))]

    def take(self) -> bool:
        """Return whether another call may be made a second time, and count it."""
        return self._budget.take()


def hedge_of(after: str | float, share: float) -> Hedge | None:
    """Return a hedge; None where `after` is "" or 0.

    Raises
    ------
    ConfigError
        As `Hedge`.
    """
    return Hedge(after, share) if after else None


def left_until(until: int) -> float:
    """Return the seconds until an instant of ``time.perf_counter_ns``; 0 is never."""
    return (until - time.perf_counter_ns()) / 1e9 if until else float("inf")


def _read(after: str | float) -> tuple[float, float | None]:
    """Return a quantile and None, or 0 and seconds."""
    from tidewheel.definitions.language.durations import parse_duration

    text = str(after)
    try:
        if re.fullmatch(r"p\d{2}(\.\d+)?", text):
            return float(text[1:]) / 100, None
        seconds = parse_duration(text) / 1e6 if isinstance(after, str) else float(after)
        if seconds > 0:
            return 0.0, seconds
    except (DefinitionError, ValueError) as error:
        raise ConfigError(f"a hedge after {after!r}: {error}", remedy='write it like "5ms" or "p95"') from error
    raise ConfigError(f"a hedge after {after!r}", remedy='write it like "5ms" or "p95"')
