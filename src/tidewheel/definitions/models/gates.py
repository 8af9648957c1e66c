"""What a version must pass before it may be deployed: the namespace ``tw.gate``.

A gate asks whether a version is *good* (how it scores, on whom, how it differs from what serves now) or *servable*
(features equal, fast enough, small enough, same schema). `ask` leaves the last word to a person.

Examples
--------
>>> import tidewheel as tw
>>> gates = [
...     tw.gate.at_least("average_precision", 0.3),
...     tw.gate.no_slice_worse("average_precision", by=["country"], margin=0.01),
...     tw.gate.calibrated(0.02),
...     tw.gate.latency_below("20ms"),
...     tw.gate.ask("risk@bank", when=tw.gate.churn_below("5%")),
... ]
>>> [gate.kind for gate in gates]
['at_least', 'no_slice_worse', 'calibrated', 'latency_below', 'churn_below']
>>> gates[-1].approvers
('risk@bank',)
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.quantities import number, parse_bytes, share_of, whole
from tidewheel.errors import DefinitionError

__all__ = [
    "ask", "at_least", "at_most", "beats_champion", "calibrated", "churn_below", "fair", "fresh_data", "latency_below",
    "memory_below", "no_slice_worse", "p99_below", "parity", "schema_compatible",
]  # fmt: skip

GROUP_MEASURES = ("selected", "true_positive_rate", "false_positive_rate", "precision", "mean_score", "positives")
"""What `fair` compares between groups; see ``tidewheel.registry.runs.evaluation.Group``."""


def at_least(metric: str, value: float) -> ir.Gate:
    """Pass when a metric on the test set is at least `value`."""
    return ir.Gate("at_least", metric, number(value))


def at_most(metric: str, value: float) -> ir.Gate:
    """Pass when a metric on the test set is at most `value`."""
    return ir.Gate("at_most", metric, number(value))


def beats_champion(metric: str, *, confidence: float = 0.95) -> ir.Gate:
    """Pass when better than the deployed version on the same rows, with this confidence (or when there is none)."""
    return ir.Gate("beats_champion", metric, confidence=share_of("confidence", confidence))


def parity() -> ir.Gate:
    """Pass when features served equal features trained on, bit for bit."""
    return ir.Gate("parity")


def p99_below(limit: Duration) -> ir.Gate:
    """Pass when 99 of 100 whole decisions take less than `limit`; the short form of ``tw.gate.latency_below``."""
    return ir.Gate("p99_below", value=float(parse_duration(limit)))


def no_slice_worse(
    metric: str, *, by: str | Sequence[str], margin: float = 0.0, confidence: float = 0.95, rows: int = 100
) -> ir.Gate:
    """Pass when on no slice the champion is better by more than `margin` (or when there is no champion).

    Parameters
    ----------
    metric : str
    by : str or sequence of str
        Columns of the view, by name; each of their values is a slice. A number is cut into four equally full bins.
    margin : float
        How much worse is borne.
    confidence : float
        A slice counts when it is worse beyond chance; corrected for their number (Benjamini-Hochberg).
    rows : int
        Smaller slices are left out.
    """
    columns = (by,) if isinstance(by, str) else tuple(by)
    if not columns or not all(isinstance(name, str) and name for name in columns):
        raise DefinitionError("by= names columns of the view", remedy='write by=["country"]')
    if margin < 0:
        raise DefinitionError(f"margin={margin} is below 0", remedy="say how much worse is borne, 0 or more")
    share = share_of("confidence", confidence)
    return ir.Gate("no_slice_worse", metric, float(margin), share, by=columns, rows=whole("rows", rows))


def calibrated(error: float, *, bins: int = 10) -> ir.Gate:
    """Pass when the expected calibration error, over `bins` of equal width, is at most `error`."""
    return ir.Gate("calibrated", f"calibration_error(bins={whole('bins', bins)})", share_of("error", error))


def fair(
    column: str,
    measure: str = "selected",
    *,
    ratio: float | None = None,
    difference: float | None = None,
    at: float | None = None,
    rows: int = 100,
    confidence: float = 0.95,
) -> ir.Gate:
    """Pass when a measure is alike for the groups of a column, beyond chance.

    Parameters
    ----------
    column : str
        Of the view.
    measure : str
        ``selected`` (demographic parity), ``true_positive_rate`` (equal opportunity), ``false_positive_rate``,
        ``precision`` (predictive parity), ``mean_score`` or ``positives``.
    ratio : float, optional
        The least group's over the greatest's must reach it; 0.8 is the four-fifths rule.
    difference : float, optional
        The greatest group's minus the least's must not pass it.
    at : float, optional
        Rows with this score or more are selected; by default where the service's lowest action ends.
    rows : int
        Smaller groups are left out, and named.
    confidence : float
        With which every pair of groups must keep the bound; where the rows are too few to say, the gate says so and
        does not pass.
    """
    if measure not in GROUP_MEASURES:
        raise DefinitionError(f"no group measure '{measure}'", remedy=f"take one of {', '.join(GROUP_MEASURES)}")
    if ratio is None and difference is None:
        raise DefinitionError("this gate would pass anything", remedy="give ratio=0.8, or difference=0.05")
    low = None if ratio is None else share_of("ratio", ratio)
    high = None if difference is None else share_of("difference", difference)
    value = 0.0 if at is None else share_of("at", at)
    sure = share_of("confidence", confidence)
    if not 0.5 <= sure < 1.0:
        raise DefinitionError(f"confidence={confidence} is not from 0.5 to below 1", remedy="write confidence=0.95")
    return ir.Gate("fair", measure, value, sure, by=(column,), low=low, high=high, rows=whole("rows", rows))


def latency_below(limit: Duration, *, percentile: float = 99.0) -> ir.Gate:
    """Pass when so many of 100 decisions take less than `limit`.

    A whole decision is timed, in a process of its own: features read from state, rules, model, thresholds, journal.
    """
    if not 0 < percentile < 100:
        raise DefinitionError(f"percentile={percentile} is not between 0 and 100")
    return ir.Gate("latency_below", value=float(parse_duration(limit)), confidence=percentile / 100)


def memory_below(limit: str) -> ir.Gate:
    """Pass when a process that serves this version alone never holds more memory than ``"300MB"``."""
    return ir.Gate("memory_below", value=float(parse_bytes(limit)))


def schema_compatible() -> ir.Gate:
    """Pass when callers and readers of the champion need not change.

    Nothing new is required of the event, no column of the view is gone or of another type, and the actions are the
    same.
    """
    return ir.Gate("schema_compatible")


def churn_below(share: str | float) -> ir.Gate:
    """Pass when at most this share of test rows gets another action than from the champion.

    At the service's thresholds; where it has none, the mean absolute change of the score is taken.
    """
    return ir.Gate("churn_below", value=share_of("share", share))


def fresh_data(*, within: Duration) -> ir.Gate:
    """Pass when the newest row with a label is at most `within` older than the label's horizon makes it."""
    return ir.Gate("fresh_data", value=float(parse_duration(within)))


def ask(*approvers: str, expires: Duration = "7d", when: ir.Gate | None = None) -> ir.Gate:
    """Leave it to a person: the version waits for ``tidewheel approve``.

    Parameters
    ----------
    *approvers : str
        Who may answer; one of them is enough. For several people's consent, ask several times.
    expires : duration
        After this the question is closed, and the version can't be deployed.
    when : gate, optional
        Ask only when this gate does not pass. By default always.
    """
    if not approvers or not all(isinstance(name, str) and name.strip() for name in approvers):
        raise DefinitionError("nobody is asked", remedy='write tw.gate.ask("risk@bank")')
    if when is not None and when.approvers:
        raise DefinitionError("this asks a person whether to ask a person", remedy="ask several times instead")
    gate = ir.Gate("ask") if when is None else when
    return msgspec.structs.replace(gate, approvers=tuple(approvers), expires=parse_duration(expires))
