"""What rows of an event should be like: the namespace ``tw.expect``.

::

    class PaymentQuality(tw.expect.Suite, on=Payment):
        plausible = tw.expect.between(Payment.amount, 0, 1e6, policy="quarantine")
        known = tw.expect.in_set(Payment.country, ["SE", "NO", "DK"], tolerate=0.01)
        iban = tw.expect.matches(Payment.account, r"[A-Z]{2}[0-9]{2}.*")
        told = tw.expect.null_rate(Payment.tip, 0.2)
        alive = tw.expect.fresh("15min")

        @tw.expect.check(Payment.amount, Payment.limit)
        def within_limit(amount, limit):
            return amount <= limit

Policies: ``warn`` lets rows through and raises an alert; ``quarantine`` also puts each row that fails aside; ``stop``
refuses the whole batch (a file, a posted body) when more than `tolerate` of its rows fail. A null meets every
expectation but `null_rate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

from tidewheel.definitions import ir
from tidewheel.definitions.events.rows import Row, microseconds
from tidewheel.definitions.language.declared import Declared
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.places import mistake

Policy: TypeAlias = Literal["warn", "quarantine", "stop"]
Bound: TypeAlias = float | datetime | None
F = TypeVar("F", bound=Callable[..., Any])


class Expectation:
    """One expectation as declared; its name is the attribute that it is given to."""

    def __init__(self, kind: ir.ExpectationKind, columns: tuple[object, ...], **options: Any) -> None:
        self.kind = kind
        self.columns = columns
        self.options = options
        self.fn: Callable[..., Any] | None = None


class Suite(metaclass=Declared):
    """The expectations on one event or entity: ``class PaymentQuality(tw.expect.Suite, on=Payment)``.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Payment(tw.Event):
    ...     amount: float
    >>> class PaymentQuality(tw.expect.Suite, on=Payment):
    ...     plausible = tw.expect.between(Payment.amount, 0, 1e6, policy="quarantine")
    """

    _on: type[Row] | None = None

    def __init_subclass__(cls, *, on: type[Row] | None = None) -> None:
        cls._on = on if on is not None else cls._on


def between(
    column: object, low: Bound = None, high: Bound = None, *, policy: Policy = "warn", tolerate: float = 0.0
) -> Expectation:
    """Expect a number or a time from `low` to `high`, both included; None is no bound.

    Parameters
    ----------
    column : column
    low, high : float or datetime, optional
    policy : {"warn", "quarantine", "stop"}
    tolerate : float
        The share of a batch's rows that may fail before it counts as a breach.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Reading(tw.Event):
    ...     celsius: float
    >>> class ReadingQuality(tw.expect.Suite, on=Reading):
    ...     possible = tw.expect.between(Reading.celsius, -90, 60, policy="quarantine")
    """
    low, high = (microseconds(bound) if isinstance(bound, datetime) else bound for bound in (low, high))
    if low is None and high is None:
        raise mistake("between() has no bound", "give low, high or both")
    if low is not None and high is not None and low > high:
        raise mistake(f"no value lies between {low} and {high}", "give the lower bound first")
    return Expectation("between", (column,), low=low, high=high, policy=policy, tolerate=tolerate)


def in_set(
    column: object, values: Iterable[str | float], *, policy: Policy = "warn", tolerate: float = 0.0
) -> Expectation:
    """Expect one of some values. Parameters as for `between`."""
    kept = tuple(sorted(set(values), key=lambda value: (isinstance(value, str), value)))
    if not kept:
        raise mistake("in_set() has no values", "name at least one")
    return Expectation("in_set", (column,), values=kept, policy=policy, tolerate=tolerate)


def matches(column: object, pattern: str, *, policy: Policy = "warn", tolerate: float = 0.0) -> Expectation:
    """Expect a text that a regular expression (Python's) matches as a whole. Parameters as for `between`."""
    import re

    try:
        re.compile(pattern)
    except re.error as error:
        raise mistake(f"{pattern!r} is no regular expression: {error}", "see Python's re") from None
    return Expectation("matches", (column,), pattern=pattern, policy=policy, tolerate=tolerate)


def null_rate(column: object, most: float, *, rows: int = 100, policy: Literal["warn", "stop"] = "warn") -> Expectation:
    """Expect at most a share `most` of nulls in a batch.

    Parameters
    ----------
    column : column
    most : float
        From 0 to 1.
    rows : int
        Batches are put together until they have so many rows; before, there is no verdict. A file or a posted
        body that has fewer is not stopped.
    policy : {"warn", "stop"}
        No single row is to blame, so none can be quarantined.
    """
    return Expectation("null_rate", (column,), limit=most, rows=rows, policy=policy)


def unique(*columns: object, policy: Policy = "warn", tolerate: float = 0.0) -> Expectation:
    """Expect that no two rows of a batch hold the same values; of those that do, all but the first fail.

    A batch is a file, a posted body, or what is looked at together in the log: for uniqueness over time give the
    event a ``tw.Id``, which the log takes once.
    """
    return Expectation("unique", columns, policy=policy, tolerate=tolerate)


def increasing(column: object, *, by: object = None, policy: Policy = "warn", tolerate: float = 0.0) -> Expectation:
    """Expect a number or time that never falls from a row to the next, in order of arrival within a batch.

    Parameters
    ----------
    column : column
    by : column, optional
        Rows with the same value of this column are compared with each other.
    policy, tolerate
        As for `between`.
    """
    return Expectation("increasing", (column,) if by is None else (column, by), policy=policy, tolerate=tolerate)


def fresh(within: Duration) -> Expectation:
    """Expect that the newest event arrived no longer ago than this. Nothing can be put aside: it warns."""
    return Expectation("fresh", (), within=parse_duration(within))


def volume(low: float = 0.5, high: float = 2.0, *, weeks: int = 4) -> Expectation:
    """Expect a number of events in each hour like that of the same hour in the weeks before. It warns.

    Parameters
    ----------
    low, high : float
        Times the median of that hour of the week. A difference within three times its square root is chance.
    weeks : int
        How many weeks to look back; there is a verdict from the second on.
    """
    if not 0 <= low <= high:
        raise mistake(f"no volume lies between {low} and {high} times the usual", "give 0 <= low <= high")
    return Expectation("volume", (), low=low, high=high, rows=weeks)


def check(*columns: object, policy: Policy = "warn", tolerate: float = 0.0) -> Callable[[F], Expectation]:
    """Make a function over arrays an expectation: it returns which rows are fine, or one answer for all.

    Numbers, booleans and times come as float64 (NaN for null, times in microseconds), strings as an object array
    of ``str`` and ``None``. The function's source travels with the declaration, as that of ``@tw.derived`` does.
    Parameters are as for `between`.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Trip(tw.Event):
    ...     begin: float
    ...     end: float
    >>> class TripQuality(tw.expect.Suite, on=Trip):
    ...     @tw.expect.check(Trip.begin, Trip.end, policy="quarantine")
    ...     def forward(begin, end):
    ...         return begin <= end
    """

    def declare(function: F) -> Expectation:
        made = Expectation("check", columns, policy=policy, tolerate=tolerate)
        made.fn = function
        return made

    return declare
