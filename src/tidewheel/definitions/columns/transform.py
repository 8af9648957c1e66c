"""Transforms of columns: ``tw.transform``. One implementation, in the kernel, for training, stream and serving.

Unless it says otherwise, a transform of a null is null, and so is a result that would not be finite.

Examples
--------
>>> import tidewheel as tw
>>> class Trip(tw.Event):
...     fare: float
...     km: float
...     city: tw.Category
>>> class TripView(tw.View, on=Trip):
...     fare = tw.transform.clip(Trip.fare, 0, 500)
...     per_km = tw.transform.ratio(Trip.fare, Trip.km, floor=0.1)
...     time = tw.transform.cyclic(Trip.at, "1d")
...     city = tw.transform.one_hot(Trip.city, ["Oslo", "Stockholm"])
>>> from tidewheel.definitions import compile_declarations
>>> [column.name for column in compile_declarations(TripView).views[0].columns]
['fare', 'per_km', 'time_sin', 'time_cos', 'city_Oslo', 'city_Stockholm']
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar, overload

from tidewheel.definitions.columns.columns import Column, Condition, Expression, Operand, Several
from tidewheel.definitions.language.durations import MICROSECONDS, parse_duration
from tidewheel.definitions.language.places import mistake

__all__ = [
    "Column", "bucketize", "clip", "cosine", "cross", "cyclic", "day_of_week", "dot", "fill", "hash_bucket",
    "haversine", "hour_of_day", "if_else", "is_null", "log1p", "maximum", "min_max", "minimum", "one_hot", "ratio",
    "standardise",
]  # fmt: skip

T = TypeVar("T")
MOST_BUCKETS = 2**31


def is_null(column: object) -> Column[bool]:
    """Whether a column is missing. Never null itself."""
    return Expression("is_null", column)


@overload
def fill(column: Column[T], value: object) -> Column[T]: ...
@overload
def fill(column: str, value: object) -> Column[str]: ...
@overload
def fill(column: float | None, value: object) -> Column[float]: ...
def fill(column: object, value: object) -> Column[Any]:
    """The column, or `value` where it is null."""
    return Expression("fill", column, value)


def if_else(condition: Condition, then: object, otherwise: object) -> Column[Any]:
    """`then` where the condition holds, `otherwise` where it does not, null where it is null."""
    return Expression("if_else", condition, then, otherwise)


def minimum(a: Operand, b: Operand) -> Column[float]:
    """The smaller of two columns in each row; null where either is."""
    return Expression("minimum", a, b)


def maximum(a: Operand, b: Operand) -> Column[float]:
    """The larger of two columns in each row; null where either is."""
    return Expression("maximum", a, b)


def log1p(a: Operand) -> Column[float]:
    """The natural logarithm of 1 + `a`; null for -1 and less."""
    return Expression("log1p", a)


def clip(x: Operand, low: float | None, high: float | None) -> Column[float]:
    """`x`, but at least `low` and at most `high`: ``min(max(x, low), high)``. None leaves an end open."""
    if (low is None and high is None) or (low is not None and high is not None and not low <= high):
        raise mistake(f"clip() between {low} and {high}", "give low <= high; None leaves one end open")
    if low is None:
        return Expression("minimum", x, high)
    raised = Expression("maximum", x, low)
    return raised if high is None else Expression("minimum", raised, high)


def ratio(a: Operand, b: Operand, floor: float) -> Column[float]:
    """``a / max(b, floor)``: a ratio whose denominator is never smaller than a positive `floor`."""
    if not floor > 0:
        raise mistake(f"ratio() with a floor of {floor!r}", "give a positive number, the least denominator")
    return Expression("div", a, Expression("maximum", b, floor))


def bucketize(x: Operand, edges: Sequence[float]) -> Column[float]:
    """The number of `edges` that are not above `x`: 0 below the first, ``len(edges)`` from the last on.

    As ``numpy.searchsorted(edges, x, side="right")``: each bucket holds its lower edge.

    Parameters
    ----------
    x : column
        Numbers or times.
    edges : sequence of float
        Finite, rising, at least one.
    """
    numbers = list(edges)
    if not numbers or not all(map(math.isfinite, numbers)) or not all(a < b for a, b in pairwise(numbers)):
        raise mistake(f"bucketize() with the edges {numbers}", "give finite numbers, each above the one before")
    return Expression("bucketize", x, *map(float, numbers))


def one_hot(x: object, categories: Sequence[str | float]) -> Several:
    """One column a category: 1 where `x` is it, else 0; all of them null where `x` is.

    Columns are called after the view's attribute and the category: ``country_SE``, ``country_NO``. A value
    that is no category gives 0 in all of them.
    """
    values = [] if isinstance(categories, str | set | frozenset) else list(categories)  # of sets, order would change
    if not values or len({str(value) for value in values}) != len(values):
        raise mistake(f"one_hot() over {categories!r}", "give a list of different literals, e.g. ['SE', 'NO']")
    return Several({_text(value): Expression("eq", x, value) for value in values})


def hash_bucket(x: object, buckets: int) -> Column[float]:
    """A whole number below `buckets` that a value's 64-bit hash gives, the same on every machine for ever.

    The remainder of the hash: XXH64 of a text's UTF-8 bytes, MurmurHash3's finaliser of a number's bits.
    """
    return Expression("hash_bucket", x, _buckets(buckets))


def cross(a: object, b: object, buckets: int) -> Column[float]:
    """A whole number below `buckets` for each pair of values: the hash of both, in their order."""
    return Expression("cross", a, b, _buckets(buckets))


def hour_of_day(at: object, tz_offset: str = "+00:00") -> Column[float]:
    """The hour, 0 to 23, that a clock `tz_offset` ahead of UTC shows: ``"+01:00"``, ``"-05:30"``.

    A fixed offset, not a time zone: clocks that change twice a year are no function of the instant alone
    once their rules change.
    """
    return Expression("hour_of_day", at, _offset(tz_offset))


def day_of_week(at: object, tz_offset: str = "+00:00") -> Column[float]:
    """The day of the week, 0 for Monday to 6 for Sunday, on a clock `tz_offset` ahead of UTC."""
    return Expression("day_of_week", at, _offset(tz_offset))


def cyclic(x: Operand, period: float | str) -> Several:
    """Where `x` is in its period, as a point on a circle: ``name_sin``, ``name_cos``.

    ``sin(2 pi x / period)`` and the cosine, so that the last hour of a day is next to the first. Within
    2e-15 of the exact value, from + - x / alone: the same bits on every machine.

    Parameters
    ----------
    x : column
        Numbers; or times, for which the period is a duration that begins at 1970-01-01T00:00Z (a Thursday).
    period : float or str
        Positive; ``"1d"`` for times.
    """
    length = float(parse_duration(period)) if isinstance(period, str) else float(period)
    if not (math.isfinite(length) and length > 0):
        raise mistake(f"cyclic() with a period of {period!r}", "give a positive number, or a duration such as '1d'")
    return Several({"sin": Expression("cyclic_sin", x, length), "cos": Expression("cyclic_cos", x, length)})


def haversine(lat1: Operand, lon1: Operand, lat2: Operand, lon2: Operand) -> Column[float]:
    """The distance in km of two points on a sphere of 6371.0088 km, given in degrees.

    ``2 R asin(sqrt(sin²(dlat/2) + cos(lat1) cos(lat2) sin²(dlon/2)))``, within 1e-6 km of it.
    Null for a latitude beyond 90 degrees; longitudes may be any number of turns.
    """
    return Expression("haversine", lat1, lon1, lat2, lon2)


def dot(a: object, b: object) -> Column[float]:
    """The inner product of two vectors of one size, added from the first element to the last."""
    return Expression("dot", a, b)


def cosine(a: object, b: object) -> Column[float]:
    """The cosine of the angle between two vectors of one size; null where one of them is all zeros."""
    return Expression("cosine", a, b)


def standardise(x: Operand) -> Column[float]:
    """``(x - mean) / deviation``, with constants learned in training from the training rows alone.

    Mean and population standard deviation of the values that are not null (of none: 0 and 1; a deviation of 0
    counts as 1). They stand in the version's bundle: serving, replay and every later look at that version use exactly
    them, beside other versions with theirs. The label has no part in it. For views only.
    """
    return Expression("standardise", x)


def min_max(x: Operand) -> Column[float]:
    """``(x - low) / (high - low)``, with the ends learned in training from the training rows alone.

    As `standardise`. The training rows lie in 0 to 1, others may lie outside (`clip` keeps them in). Where all training
    values are one, the width counts as 1.
    """
    return Expression("min_max", x)


def _text(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _buckets(buckets: int) -> float:
    if not isinstance(buckets, int) or isinstance(buckets, bool) or not 2 <= buckets <= MOST_BUCKETS:
        raise mistake(f"{buckets!r} buckets", f"give a whole number from 2 to {MOST_BUCKETS}")
    return float(buckets)


def _offset(text: str) -> float:
    """Return an offset such as ``"+05:30"`` in microseconds."""
    found = re.fullmatch(r"([+-])(\d\d):([0-5]\d)", text) if isinstance(text, str) else None
    if found is None or int(found[2]) > 23:
        raise mistake(f"{text!r} is no offset from UTC", "write it as '+01:00' or '-05:30'")
    ahead = int(found[2]) * MICROSECONDS["h"] + int(found[3]) * MICROSECONDS["min"]
    return float(ahead if found[1] == "+" else -ahead)
