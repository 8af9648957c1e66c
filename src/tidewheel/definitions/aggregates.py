"""Aggregates: one accumulator over one source, keyed by the group's key, in one window."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, TypedDict, TypeVar, Unpack, overload

from tidewheel.definitions import ir
from tidewheel.definitions.columns import Aggregated, Column, Condition
from tidewheel.definitions.durations import Duration
from tidewheel.definitions.places import likely, mistake
from tidewheel.definitions.rows import Row

T = TypeVar("T")
KeyLike: TypeAlias = "type[Row] | str | float | datetime | Column[Any] | None"
Keys: TypeAlias = "KeyLike | tuple[KeyLike, ...]"
Number: TypeAlias = "float | Column[float] | None"


class Options(TypedDict, total=False):
    """What every aggregate takes, by name."""

    where: Condition
    """Only rows for which this holds."""
    delay: Duration
    """End the window this much before the instant, e.g. where labels are known."""
    hop: Duration
    """How fine the window's tail is; by default about a twelfth of the window or less."""
    by: Keys
    """The path to the key, where several lead there; a tuple for a key of several parts."""
    default: float | str
    """Value of an empty window, otherwise 0 for count and distinct and null for the rest."""
    was: str
    """The feature's former name, for readers: renaming keeps state in any case."""


def _aggregate(op: ir.AggregateOp, value: object, window: Duration | None, **options: Any) -> Aggregated:
    unknown = set(options) - set(Options.__annotations__) - {"exact_to"}
    if unknown:
        name = sorted(unknown)[0]
        raise mistake(f"tw.{op}() has no option '{name}'", likely(name, Options.__annotations__))
    return Aggregated(op, value, window=window, **options)


def count(source: type[Row], window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Count the rows of an event type in the last `window`, or ever.

    Parameters
    ----------
    source : event class
        What is counted; rows with nulls count too.
    window : duration, optional
        ``"10min"``, ``"7d"``; without it the whole life of the entity.
    **options
        ``where=`` rows that count; ``delay=`` end the window so much earlier; ``hop=`` how fine its tail
        is; ``by=`` the path to the key where several lead there; ``default=`` the value of an empty window;
        ``was=`` a former name.

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
    return _aggregate("count", source, window, **options)


def sum(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Sum of a number over the window's rows; null when there is none. Options as for `count`."""
    return _aggregate("sum", value, window, **options)


def mean(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Mean of a number over the window's rows. Options as for `count`."""
    return _aggregate("mean", value, window, **options)


def min(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Smallest value in the window. Options as for `count`."""
    return _aggregate("min", value, window, **options)


def max(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Largest value in the window. Options as for `count`."""
    return _aggregate("max", value, window, **options)


def std(value: Number, window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Sample standard deviation over the window's rows; null for fewer than two. Options as for `count`."""
    return _aggregate("std", value, window, **options)


@overload
def first(value: Column[T], window: Duration | None = ..., **options: Unpack[Options]) -> Column[T]: ...
@overload
def first(value: str | type[Row], window: Duration | None = ..., **options: Unpack[Options]) -> Column[str]: ...
@overload
def first(
    value: float | datetime | None, window: Duration | None = ..., **options: Unpack[Options]
) -> Column[float]: ...
def first(value: object, window: Duration | None = None, **options: Unpack[Options]) -> Column[Any]:
    """Oldest value in the window by event time, text or a number. Options as for `count`."""
    return _aggregate("first", value, window, **options)


@overload
def last(value: Column[T], window: Duration | None = ..., **options: Unpack[Options]) -> Column[T]: ...
@overload
def last(value: str | type[Row], window: Duration | None = ..., **options: Unpack[Options]) -> Column[str]: ...
@overload
def last(
    value: float | datetime | None, window: Duration | None = ..., **options: Unpack[Options]
) -> Column[float]: ...
def last(value: object, window: Duration | None = None, **options: Unpack[Options]) -> Column[Any]:
    """Newest value by event time; with a window, an as-of join with a staleness limit. Options as for `count`."""
    return _aggregate("last", value, window, **options)


def distinct(
    value: object, window: Duration | None = None, *, exact_to: int = 256, **options: Unpack[Options]
) -> Column[float]:
    """Count different values in the window. Other options as for `count`.

    Exact up to `exact_to` values; beyond, a deterministic sketch whose relative standard error is
    1 / sqrt(exact_to - 2), which is 6.3 % at 256.
    """
    return _aggregate("distinct", value, window, exact_to=exact_to, **options)


def time_since_last(source: type[Row], window: Duration | None = None, **options: Unpack[Options]) -> Column[float]:
    """Seconds since the newest row; null when there was none. Options as for `count`."""
    return _aggregate("time_since_last", source, window, **options)
