"""A test for a derived function: what it gives, and that it is fit to be served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import microseconds
from tidewheel.definitions.columns.columns import Derived
from tidewheel.definitions.compiling.capture import capture
from tidewheel.errors import FeatureError
from tidewheel.features.derived import call, load
from tidewheel.features.words import Texts

Argument = npt.NDArray[Any]
Value = float | str | None


def check_derived(derived: Derived, *arguments: Sequence[object], gives: Sequence[object] | None = None) -> list[Value]:
    """Run a view's derived function on examples, as training and serving would.

    It is run from the source that travels with a version, not from the module. Checked: it gives one value a row;
    each row alone gives the same bits as among the others, in any order, and again; nulls and no rows at all
    raise nothing; it writes into none of its arguments.

    Parameters
    ----------
    derived : the view's attribute
        ``PaymentView.abroad``.
    *arguments : sequence
        Values for each parameter, all of one length; None is null. Numbers, booleans, times or strings.
    gives : sequence, optional
        What it is expected to give, with None for null; numbers may differ by 1e-12 of their size.

    Returns
    -------
    list
        What it gives: numbers (booleans as 1.0 and 0.0) or strings, None for null.

    Raises
    ------
    DefinitionError
        The function uses what does not travel.
    FeatureError
        A check failed; the error says on which values.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Payment(tw.Event):
    ...     amount: float
    ...     limit: float | None
    >>> class PaymentView(tw.View, on=Payment):
    ...     @tw.derived(Payment.amount, Payment.limit)
    ...     def used(amount, limit):
    ...         return amount / limit
    >>> check_derived(PaymentView.used, [5.0, 2.0, 1.0], [10.0, None, 4.0], gives=[0.5, None, 0.25])
    [0.5, None, 0.25]
    """
    checked = _Checked(derived)
    columns = [_column(values) for values in arguments]
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise checked.error(
            f"the examples are {sorted(lengths)} values long", "give one value a row for each parameter"
        )
    found = checked.run(columns)
    checked.same_alone(columns, found)
    for position, column in enumerate(columns):
        nothing = np.full(len(column), None if column.dtype == object else np.nan, column.dtype)
        nulls = [*columns[:position], nothing, *columns[position + 1 :]]
        checked.same_alone(nulls, checked.run(nulls))
    checked.run([column[:0] for column in columns])
    values = checked.values(found)
    if gives is not None:
        checked.compare(values, gives)
    return values


class _Checked:
    """One derived function, loaded from its captured source."""

    def __init__(self, derived: Derived) -> None:
        if not isinstance(derived, Derived):
            raise FeatureError(f"{derived!r} is no derived function", remedy="give the view's attribute: View.name")
        self.name = derived.fn.__name__
        self.text = derived._text
        self.function = load(self.name, capture(derived.fn))
        self.texts = Texts()

    def run(self, columns: Sequence[Argument]) -> npt.NDArray[np.int64]:
        """Return the words it gives, after seeing that it gives them twice and leaves its arguments alone."""
        given = [column.copy() for column in columns]
        words = [self._call(given) for _ in range(2)]
        for position, (column, after) in enumerate(zip(columns, given, strict=True)):
            same = column.tolist() == after.tolist() if column.dtype == object else column.tobytes() == after.tobytes()
            if not same:
                raise self.error(f"writes into its argument {position + 1}", "work on a copy: x = x.copy()")
        if words[0].tolist() != words[1].tolist():
            raise self.error(
                "gives something else when it is called again", "use no clock, no random numbers, no state"
            )
        return words[0]

    def same_alone(self, columns: Sequence[Argument], found: npt.NDArray[np.int64]) -> None:
        """See that each row alone, and all of them backwards, give the same."""
        alone = [int(self._call([column[row : row + 1].copy() for column in columns])[0]) for row in range(len(found))]
        backwards = self._call([column[::-1].copy() for column in columns])[::-1].tolist()
        for row, (word, one, back) in enumerate(zip(found.tolist(), alone, backwards, strict=True)):
            if word != one or word != back:
                given = ", ".join(repr(column.tolist()[row]) for column in columns)
                raise self.error(
                    f"gives something else for row {row} ({given}) alone or in another order",
                    "look at each row on its own: no means, sorts or shifts over the array",
                )

    def values(self, words: npt.NDArray[np.int64]) -> list[Value]:
        """Return words as people write them."""
        if self.text:
            return list(self.texts.strings(words))
        return [None if number != number else number for number in words.view(np.float64).tolist()]

    def compare(self, values: list[Value], gives: Sequence[object]) -> None:
        """See that values are those expected."""
        if len(gives) != len(values):
            raise self.error(f"{len(gives)} values are expected of {len(values)} rows", "give one a row")
        for row, (value, expected) in enumerate(zip(values, gives, strict=True)):
            if not _alike(value, expected):
                raise self.error(f"gives {value!r} for row {row}, expected {expected!r}", "mend one of the two")

    def error(self, message: str, remedy: str) -> FeatureError:
        """Return an error placed at the function."""
        return FeatureError(message, where=f"derived '{self.name}'", remedy=remedy)

    def _call(self, columns: Sequence[Argument]) -> npt.NDArray[np.int64]:
        rows = len(columns[0])
        return call(self.name, self.function, columns, self.text, self.texts, rows).view(np.int64)


def _column(values: Sequence[object]) -> Argument:
    """Return examples as a derived function gets them."""
    plain = [microseconds(value) if isinstance(value, datetime) else value for value in values]
    if any(isinstance(value, str) for value in plain):
        column = np.empty(len(plain), object)
        column[:] = plain
        return column
    return np.array([np.nan if value is None else value for value in plain], np.float64)


def _alike(value: Value, expected: object) -> bool:
    if isinstance(value, float) and isinstance(expected, int | float):
        return abs(value - expected) <= 1e-12 * max(1.0, abs(value))
    return value == expected or (value is None and expected != expected)
