"""From runs at rising rates: latencies, the knee, and how many cores a target takes. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from tidewheel.capacity.driver import Run

FAILED_ALLOWED = 0.001
"""Share of requests without a good answer up to which a rate counts as kept."""
BEHIND_ALLOWED = 0.05
"""A run that ended so much later than its last request was due did not keep the rate."""
CLIENT_FULL = 0.85
STEPS = 3
"""Bisections after the first rate that is not kept: the knee is known to an eighth of the last doubling."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One rate, and what came of it. Latencies in milliseconds, of good answers, from when each was due."""

    rate: float
    """Requests a second that were due."""
    answered: float
    """Good answers a second."""
    failed: float
    """Share of requests that were refused, failed or not answered."""
    p50: float
    p90: float
    p99: float
    p999: float
    most: float
    statuses: dict[int, int]
    server: float | None = None
    """Cores that the server's processes used; None where they can't be seen."""
    client: float = 0.0
    """Share of its one core that the client used."""

    def keeps(self, p99: float) -> bool:
        """Whether this rate was kept: answers good and in time, and no queue left at the end."""
        return self.failed <= FAILED_ALLOWED and self.p99 <= p99 and self.answered >= (1 - BEHIND_ALLOWED) * self.rate


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """How many cores a target takes.

    Attributes
    ----------
    target, p99 : float
        Requests a second, and milliseconds.
    knee : float
        The highest measured rate that was kept.
    found : bool
        Whether a higher rate was measured that was not kept; without one `cores` is too many, not too few.
    provided : float
        Cores that were there for the server at the knee.
    cores : int
    per_request : float or None
        Microseconds of the server's processors for one request at the knee.
    cost : float or None
        An hour of those cores.
    """

    target: float
    p99: float
    knee: float
    found: bool
    provided: float
    cores: int
    per_request: float | None = None
    cost: float | None = None


def point(run: Run, server: float | None = None) -> Point:
    """Return what came of a run, as numbers."""
    good = run.statuses == 200
    milliseconds = run.seconds[good] * 1000.0
    span = float(np.nanmax(np.append(run.due + run.seconds, run.due[-1])))
    quantiles = np.percentile(milliseconds, [50, 90, 99, 99.9, 100]) if good.any() else np.full(5, math.inf)
    p50, p90, p99, p999, most = (float(value) for value in quantiles)
    rate = max(run.due.size - 1, 1) / max(float(run.due[-1]), 1e-9)
    statuses, counts = np.unique(run.statuses, return_counts=True)
    return Point(
        rate=rate,
        answered=float(good.sum()) / max(span, 1e-9),
        failed=1.0 - float(good.mean()),
        p50=p50,
        p90=p90,
        p99=p99,
        p999=p999,
        most=most,
        statuses={int(status): int(count) for status, count in zip(statuses, counts, strict=True)},
        server=server,
        client=run.client,
    )


def find_knee(measure: Callable[[float], Point], first: float, p99: float, most: float) -> list[Point]:
    """Measure rising rates until one is not kept, then between; return all points by rate.

    Parameters
    ----------
    measure : callable
        Runs one rate.
    first : float
        Where to begin; doubled until a rate is not kept.
    p99 : float
        Milliseconds.
    most : float
        Rates stop here.
    """
    points = [measure(first)]
    while points[-1].keeps(p99) and points[-1].client < CLIENT_FULL and points[-1].rate * 2 <= most:
        points.append(measure(points[-1].rate * 2))
    low, high = (points[-2].rate if len(points) > 1 else 0.0), points[-1].rate
    for _ in range(0 if points[-1].keeps(p99) else STEPS):
        points.append(measure((low + high) / 2))
        low, high = (points[-1].rate, high) if points[-1].keeps(p99) else (low, points[-1].rate)
    return sorted(points, key=lambda found: found.rate)


def size(
    points: Sequence[Point], target: float, p99: float, workers: float, price: float | None = None
) -> Sizing | None:
    """Return how many cores a target takes, from the highest rate that was kept; None when none was.

    Cores scale with the rate: workers share nothing on the request path but memory pages that are only read.

    Parameters
    ----------
    points : sequence of Point
    target : float
        Requests a second.
    p99 : float
        Milliseconds.
    workers : float
        Cores that were there for answering: one a worker.
    price : float, optional
        Of a core for an hour.

    Examples
    --------
    >>> def at(rate, p99): return Point(rate=rate, answered=rate, failed=0.0, p50=1.0, p90=2.0, p99=p99, p999=p99,
    ...                                 most=p99, statuses={200: 1})
    >>> found = size([at(5000.0, 4.0), at(10_000.0, 90.0)], 100_000.0, 50.0, workers=1, price=0.04)
    >>> found.knee, found.cores, found.cost
    (5000.0, 20, 0.8)
    """
    kept = [found for found in points if found.keeps(p99)]
    if not kept:
        return None
    knee = max(kept, key=lambda found: found.rate)
    provided = max(workers, knee.server or 0.0)
    cores = math.ceil(target * provided / knee.rate)
    return Sizing(
        target=target,
        p99=p99,
        knee=knee.rate,
        found=any(found.rate > knee.rate for found in points),
        provided=provided,
        cores=cores,
        per_request=None if knee.server is None else knee.server / knee.rate * 1e6,
        cost=None if price is None else cores * price,
    )
