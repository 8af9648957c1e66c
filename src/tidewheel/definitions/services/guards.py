"""What a version must keep to while it is rolled out: the namespace ``tw.guard``.

A gate asks before a version is deployed, a guard afterwards: on the traffic that it answers, or in a shadow would
have answered. One that fires takes the version back at once. Guards may be looked at as often as one likes:
their bounds hold at every sample size (see docs/rollout.md).

Examples
--------
>>> import tidewheel as tw
>>> guards = [
...     tw.guard.latency("20ms"),
...     tw.guard.fallbacks(0.01),
...     tw.guard.divergence("10%"),
...     tw.guard.outcome(at_least=0.02),
...     tw.guard.fresh("5min"),
... ]
>>> [guard.kind for guard in guards]
['latency', 'fallbacks', 'divergence', 'outcome', 'fresh']
"""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.quantities import number, share_of, whole
from tidewheel.errors import DefinitionError

__all__ = ["divergence", "fallbacks", "fresh", "latency", "outcome"]


def latency(limit: Duration, *, percentile: float = 99.0, rows: int = 100) -> ir.Guard:
    """Fire when clearly fewer of 100 decisions than `percentile` take at most `limit`.

    Parameters
    ----------
    limit : duration
    percentile : float
        By default p99.
    rows : int
        With fewer decisions by the version nothing is said.
    """
    if not 0.0 < percentile < 100.0:
        raise DefinitionError(f"percentile={percentile} is not between 0 and 100")
    share = round(1.0 - percentile / 100.0, 12)
    return ir.Guard("latency", float(parse_duration(limit)), share, rows=whole("rows", rows))


def fallbacks(share: str | float = 0.01, *, rows: int = 100) -> ir.Guard:
    """Fire when the share of its units that get a fallback is clearly larger than the champion's, by more than `share`.

    An error, a passed deadline and a score that is no number all end in a fallback, so this is the error rate as well.
    """
    return ir.Guard("fallbacks", share_of("share", share), rows=whole("rows", rows))


def divergence(share: str | float, *, rows: int = 100) -> ir.Guard:
    """Fire when clearly more than this share of decisions would get another action than from the champion.

    Both versions score the same decisions. For a service without thresholds the mean absolute difference of the
    scores is taken (of each at most 1).
    """
    return ir.Guard("divergence", share_of("share", share), rows=whole("rows", rows))


def outcome(*, at_least: float | None = None, at_most: float | None = None, rows: int = 100) -> ir.Guard:
    """Fire when the mean outcome of the version's decisions is clearly outside: the floor under a business metric.

    The outcome is the model's label, known when its horizon is over: a click, a chargeback, an amount.
    """
    if at_least is None and at_most is None:
        raise DefinitionError("this guard would never fire", remedy="give at_least= or at_most=")
    if at_least is not None and at_most is not None and not at_least < at_most:
        raise DefinitionError(f"nothing lies between {at_least} and {at_most}")
    return ir.Guard("outcome", low=_bound(at_least), high=_bound(at_most), rows=whole("rows", rows))


def fresh(within: Duration) -> ir.Guard:
    """Fire when the version's features are further behind the log than this, and the champion's are not.

    While both are, the rollout stands still.
    """
    return ir.Guard("fresh", float(parse_duration(within)), rows=0)


def _bound(value: float | None) -> float | None:
    return None if value is None else number(value)
