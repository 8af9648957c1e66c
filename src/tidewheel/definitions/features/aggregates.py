"""Aggregates: one accumulator over one source, keyed by the group's key, in one window."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar, Unpack, overload

from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.events.rows import Row, Vector
from tidewheel.definitions.features.options import Decaying, Number, Options, aggregated
from tidewheel.definitions.language.durations import Duration

T = TypeVar("T")


def count(source: type[Row], window: Duration | None = None, **options: Unpack[Decaying]) -> Column[float]:
    """Count the rows of an event type in the last `window`, or ever.

    Parameters
    ----------
    source : event class
        What is counted; rows with nulls count too.
    window : duration, optional
        ``"10min"``, ``"7d"``; without it the whole life of the entity.
    **options
        ``where=`` rows that count; ``delay=`` end the window so much earlier; ``hop=`` how fine its tail
        is; ``exact=True`` make it exact, from at most ``cap=`` rows, and ``past_cap=True`` how many that was
        too few; ``include_request=True`` count the row being decided as well; ``by=`` the path to the key
        where several lead there; ``default=`` the value of an empty window; ``half_life=`` let rows weigh
        half after so long (`count`, `sum` and `mean`); ``was=`` a former name.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    ...     amount: float
    >>> class Lately(tw.Features, by=Card):
    ...     large = tw.count(Payment, "7d", where=Payment.amount > 500)
    """
    return aggregated("count", source, window, **options)


def sum(value: Number, window: Duration | None = None, **options: Unpack[Decaying]) -> Column[float]:
    """Sum of a number over the window's rows; null when there is none. Options as for `count`."""
    return aggregated("sum", value, window, **options)


def mean(value: Number, window: Duration | None = None, **options: Unpack[Decaying]) -> Column[float]:
    """Mean of a number over the window's rows. Options as for `count`."""
    return aggregated("mean", value, window, **options)


def min(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Smallest value in the window. Options as for `count`."""
    return aggregated("min", value, window, **options)


def max(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Largest value in the window. Options as for `count`."""
    return aggregated("max", value, window, **options)


def var(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Sample variance over the window's rows (n - 1); null for fewer than two. Options as for `count`.

    Kept and merged as (n, mean, sum of squared deviations): Welford 1962; Chan, Golub and LeVeque 1979.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    ...     amount: float
    >>> class Lately(tw.Features, by=Card):
    ...     spread = tw.var(Payment.amount, "7d")
    """
    return aggregated("var", value, window, **options)


def std(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Sample standard deviation over the window's rows; null for fewer than two. Options as for `count`."""
    return aggregated("std", value, window, **options)


@overload
def first(value: Column[T], window: Duration | None = ..., **options: Unpack[Options]) -> Column[T]: ...
@overload
def first(value: Vector, window: Duration | None = ..., **options: Unpack[Options]) -> Column[Vector]: ...
@overload
def first(value: str | type[Row], window: Duration | None = ..., **options: Unpack[Options]) -> Column[str]: ...
@overload
def first(
    value: float | datetime | None, window: Duration | None = ..., **options: Unpack[Options]
) -> Column[float]: ...
def first(value: object, window: Duration | None = None, **options: Unpack[Options]) -> Column[Any]:
    """Oldest value in the window by event time, text or a number. Options as for `count`."""
    return aggregated("first", value, window, **options)


@overload
def last(value: Column[T], window: Duration | None = ..., **options: Unpack[Options]) -> Column[T]: ...
@overload
def last(value: Vector, window: Duration | None = ..., **options: Unpack[Options]) -> Column[Vector]: ...
@overload
def last(value: str | type[Row], window: Duration | None = ..., **options: Unpack[Options]) -> Column[str]: ...
@overload
def last(
    value: float | datetime | None, window: Duration | None = ..., **options: Unpack[Options]
) -> Column[float]: ...
def last(value: object, window: Duration | None = None, **options: Unpack[Options]) -> Column[Any]:
    """Newest value by event time; with a window, an as-of join with a staleness limit. Options as for `count`."""
    return aggregated("last", value, window, **options)


def distinct(
    value: object, window: Duration | None = None, *, exact_to: int = 256, **options: Unpack[Options]
) -> Column[float]:
    """Count different values in the window. Other options as for `count`.

    Exact up to `exact_to` values; beyond, a deterministic sketch whose relative standard error is
    1 / sqrt(exact_to - 2), which is 6.3 % at 256.
    """
    return aggregated("distinct", value, window, exact_to=exact_to, **options)


def time_since_last(source: type[Row], window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Seconds since the newest row; null when there was none. Options as for `count`."""
    return aggregated("time_since_last", source, window, **options)


def time_since_first(source: type[Row], window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Seconds since the oldest row, by event time; null when there was none. Options as for `count`.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    >>> class Lately(tw.Features, by=Card):
    ...     age = tw.time_since_first(Payment)
    """
    return aggregated("time_since_first", source, window, **options)


def rate(source: type[Row], window: Duration, **options: Unpack[Options]) -> Column[float]:
    """Rows per second over a window; 0 when it is empty. Options as for `count`.

    The rows counted, divided by the seconds in which they can have happened: from the beginning of the
    tile that the window's tail lies in to the instant of the read. That is the window and at most one
    hop more, so a steady stream has a steady rate wherever tiles begin. With ``delay=`` both edges lie on
    tiles, and it is the window. How long the entity has been known plays no part.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    >>> class Lately(tw.Features, by=Card):
    ...     per_second = tw.rate(Payment, "1h")
    """
    return aggregated("rate", source, window, **options)
