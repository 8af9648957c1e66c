"""Functions over columns, for what operators can't say (or can't say to a type checker)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, overload

from tidewheel.definitions.columns import Column, Condition, Expression, Operand
from tidewheel.definitions.places import mistake

T = TypeVar("T")


def isin(column: object, values: Iterable[str | float]) -> Column[bool]:
    """Whether a column is one of some literals; null is null.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Payment(tw.Event):
    ...     country: tw.Category
    >>> north = tw.isin(Payment.country, ["SE", "NO"])
    """
    if isinstance(values, str | Column):
        raise mistake("isin() takes a list of literals", "write tw.isin(column, ['SE', 'NO'])")
    return Expression("isin", column, *values)


def not_(condition: Condition) -> Column[bool]:
    """The opposite of a condition; null stays null."""
    return Expression("not", condition)


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
    """The natural logarithm of 1 + `a`."""
    return Expression("log1p", a)
