"""How many events come in an hour, and how many usually do in this hour of the week."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidewheel.collect.keeping.history import History

HOUR = 3_600_000_000
DAY = 24 * HOUR
HOURS_A_WEEK = 168
WEEKS_AT_LEAST = 2


def hour_counts(history: History, event: str, hour: int, weeks: int) -> list[int]:
    """Return how many events arrived in an hour (counted since 1970), and in the same hour of so many weeks before.

    The weeks at the beginning whose days on either side saw none at all are left out: there was nothing yet.
    """
    starts = [(hour - back * HOURS_A_WEEK) * HOUR for back in range(weeks + 1)]
    counts = [len(history.arrivals(event, start, start + HOUR)) for start in starts]
    # A week that saw events on none of the days looked at is before the first of them.
    while len(counts) > 1 and not _any(history, event, starts[len(counts) - 1]):
        counts.pop()
    return counts


def _any(history: History, event: str, start: int) -> bool:
    return len(history.arrivals(event, start - DAY, start + DAY)) > 0


def usual_volume(counts: Sequence[int]) -> float | None:
    """Return the median of the weeks before; None when there are too few.

    Examples
    --------
    >>> usual_volume([90, 110, 100]), usual_volume([90])
    (100, None)
    """
    return median(counts) if len(counts) >= WEEKS_AT_LEAST else None
