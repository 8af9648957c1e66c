"""Aggregates over more values than a state can keep: quantiles, most frequent and newest values."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar, Unpack, overload

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.columns.lists import ColumnList
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.features.options import Number, Options, aggregated
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import mistake

T = TypeVar("T")
MOST = 100
"""So many columns one aggregate may give."""


def quantile(
    value: Number, q: float, window: Duration | None = None, *, exact_to: int = 256, **options: Unpack[Options]
) -> Column[float]:
    """Quantile of a number over the window's rows, e.g. the median with ``q=0.5``; null when there is none.

    Exact up to `exact_to` values, interpolated as ``numpy.quantile`` does; beyond, each value is first taken
    for the middle of its bin, of which there are 64 to a doubling: an error of at most 1/128 (0.8 %) of the
    values around the quantile. Other options as for `count`.

    Parameters
    ----------
    value : column of numbers
    q : float
        0 (smallest) to 1 (largest).
    window : duration, optional
    exact_to : int
        16 to 65536.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    ...     amount: float
    >>> class Usual(tw.Features, by=Card):
    ...     median_30d = tw.quantile(Payment.amount, 0.5, "30d")
    """
    if isinstance(q, bool) or not isinstance(q, int | float) or not 0 <= q <= 1:
        raise mistake(f"tw.quantile() takes q from 0 to 1, not {q!r}", "the median is q=0.5")
    return aggregated("quantile", value, window, q=float(q), exact_to=exact_to, **options)


@overload
def top_k(
    value: Column[T], k: int, window: Duration | None = ..., *, exact_to: int = ..., **options: Unpack[Options]
) -> ColumnList[T]: ...
@overload
def top_k(
    value: str | type[Row], k: int, window: Duration | None = ..., *, exact_to: int = ..., **options: Unpack[Options]
) -> ColumnList[str]: ...
@overload
def top_k(
    value: float | datetime | None,
    k: int,
    window: Duration | None = ...,
    *,
    exact_to: int = ...,
    **options: Unpack[Options],
) -> ColumnList[float]: ...
def top_k(
    value: object, k: int, window: Duration | None = None, *, exact_to: int = 256, **options: Unpack[Options]
) -> ColumnList[Any]:
    """The `k` most frequent values over the window's rows, most frequent first: `k` columns.

    Equal counts stand by value: numbers rising, texts by their 64-bit hashes. Where there are fewer than `k`
    values the last columns are null. Exact up to `exact_to` different values; beyond, counts are too small by at most
    1 / (exact_to + 1) of the rows (Misra and Gries, 1982). Other options as for `count`.

    Parameters
    ----------
    value : column
        Text, numbers, booleans or times.
    k : int
        How many, 1 to 100.
    window : duration, optional
    exact_to : int
        16 to 65536.

    Returns
    -------
    ColumnList
        ``favourites[0]`` is the most frequent; as the attribute ``favourites`` they are the columns
        ``favourites_1`` to ``favourites_k``.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class User(tw.Entity):
    ...     id: tw.Id
    >>> class Play(tw.Event):
    ...     user: tw.Ref[User]
    ...     genre: tw.Category
    >>> class Taste(tw.Features, by=User):
    ...     favourites = tw.top_k(Play.genre, 3, "30d")
    >>> class Row(tw.View, on=Play):
    ...     usual = Play.genre == Taste.favourites[0]
    ...     favourites = Taste.favourites
    """
    return _several("top_k", value, k, window, exact_to=exact_to, **options)


@overload
def last_n(value: Column[T], n: int, window: Duration | None = ..., **options: Unpack[Options]) -> ColumnList[T]: ...
@overload
def last_n(
    value: str | type[Row], n: int, window: Duration | None = ..., **options: Unpack[Options]
) -> ColumnList[str]: ...
@overload
def last_n(
    value: float | datetime | None, n: int, window: Duration | None = ..., **options: Unpack[Options]
) -> ColumnList[float]: ...
def last_n(value: object, n: int, window: Duration | None = None, **options: Unpack[Options]) -> ColumnList[Any]:
    """The `n` newest values over the window's rows by event time, newest first: `n` columns.

    Nulls are left out; where there are fewer than `n` values the last columns are null. Options as for `count`.

    Parameters
    ----------
    value : column
        Text, numbers, booleans or times.
    n : int
        How many, 1 to 100.
    window : duration, optional

    Returns
    -------
    ColumnList
        ``lately[0]`` is the newest; as the attribute ``lately`` they are the columns ``lately_1`` to ``lately_n``.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class User(tw.Entity):
    ...     id: tw.Id
    >>> class Play(tw.Event):
    ...     user: tw.Ref[User]
    ...     minutes: float
    >>> class Taste(tw.Features, by=User):
    ...     lately = tw.last_n(Play.minutes, 2)
    ...     growth = lately[0] - lately[1]
    """
    return _several("last_n", value, n, window, **options)


def _several(op: ir.AggregateOp, value: object, n: int, window: Duration | None, **options: Any) -> ColumnList[Any]:
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
        raise mistake(f"tw.{op}() gives 1 to {MOST} columns, not {n!r}", f"write tw.{op}(column, 3, '30d')")
    return ColumnList([aggregated(op, value, window, n=n, place=place, **options) for place in range(1, n + 1)])
