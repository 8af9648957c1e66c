"""Conditions that operators can't say, or can't say to a type checker."""

from __future__ import annotations

from collections.abc import Iterable

from tidewheel.definitions.columns.columns import Column, Condition, Expression
from tidewheel.definitions.language.places import mistake


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
    different = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if not different:
        raise mistake("isin() of nothing holds for no row", "name at least one value")
    return Expression("isin", column, *different)  # one order, that hashes don't depend on how they were listed


def not_(condition: Condition) -> Column[bool]:
    """The opposite of a condition; null stays null."""
    return Expression("not", condition)
