"""Labels: what became of a row, told by one later event, by several kinds of them, or by an aggregate of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, Condition
from tidewheel.definitions.events.rows import Event
from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import mistake
from tidewheel.definitions.language.quantities import is_finite

Immature = Literal["drop", "reweight"]
Told = tuple[str, ir.Path, ir.Path]


@dataclass(frozen=True, eq=False)
class Label:
    """What became of a row; made by `happened`, `outcome` and `grade`."""

    kind: Literal["happened", "outcome", "grade"]
    value: object
    within: Duration
    by: object = None
    otherwise: float | None = None
    immature: Immature = "drop"

    def _compared(self, compare: Callable[[Any, Any], Any], other: object) -> Label:
        if self.kind != "outcome" or not isinstance(self.value, Column):
            raise mistake("only what tw.outcome() gives can be compared", "write tw.outcome(tw.count(Visit), ...) == 0")
        return replace(self, value=compare(self.value, other))

    def __eq__(self, other: object) -> Label:  # type: ignore[override]  # a label, as of columns
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> Label:  # type: ignore[override]
        return self._compared(operator.ne, other)

    def __lt__(self, other: float) -> Label:
        return self._compared(operator.lt, other)

    def __le__(self, other: float) -> Label:
        return self._compared(operator.le, other)

    def __gt__(self, other: float) -> Label:
        return self._compared(operator.gt, other)

    def __ge__(self, other: float) -> Label:
        return self._compared(operator.ge, other)

    __hash__ = object.__hash__


def happened(event: type[Event], *, within: Duration, by: KeyLike = None, immature: Immature = "drop") -> Label:
    """Label a row by whether an event that refers to it came within a time: 1 or 0.

    Parameters
    ----------
    event : event class
    within : duration
        Counted from the row's instant.
    by : column, optional
        Which reference leads to the row, where two do.
    immature : {"drop", "reweight"}
        What becomes of a row whose time is not over when the model could be trained: it is left out, or learned from
        with a weight, by how late events come. Rows that are tested on are always ones whose time is over. The weights
        are those of Yasui et al. (WWW 2020), told in docs/training.md.

    Raises
    ------
    DefinitionError
        `immature` is something else.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Click(tw.Event): ...
    >>> tw.happened(Click, within="30d", immature="reweight").immature
    'reweight'
    """
    if immature not in get_args(Immature):
        raise mistake(f"immature={immature!r} says nothing of young rows", "write immature='drop' or 'reweight'")
    return Label("happened", event, within, by, immature=immature)


def outcome(
    value: float | str | Column[Any] | Condition | None,
    *,
    within: Duration,
    otherwise: float | None = None,
    by: KeyLike = None,
) -> Label:
    """Label a row by a column (or condition) of a later event that refers to it, or by an aggregate of later events.

    A row to which nothing came is dropped and counted, unless `otherwise` says what it means.

    With an aggregate, as in ``tw.outcome(tw.count(Visit, "28d"), within="28d") == 0``, every row whose time is over
    has a label, taken over what happened to its entity within the time. `by` says which, where there are several.
    """
    return Label("outcome", value, within, by, otherwise)


def grade(grades: Mapping[type[Event], float], *, within: Duration) -> Label:
    """Label a row by the best of the events that came within a time: a number for each kind, 0 when none came.

    An event tells of a row by a reference to it or, where the view has a row for each item (``each=``), by references
    to the request and to the item.

    Parameters
    ----------
    grades : mapping of event class to number
        Above 0.
    within : duration
        Counted from the row's instant. A row whose time is not over has no label yet.

    Raises
    ------
    DefinitionError
        There are none, or one is no number above 0.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Play(tw.Event): ...
    >>> class Save(tw.Event): ...
    >>> tw.grade({Play: 1, Save: 3}, within="1d").kind
    'grade'
    """
    if not isinstance(grades, Mapping) or not grades:
        raise mistake("grade() of nothing", 'write tw.grade({Play: 1, Save: 3}, within="1d")')
    for event, value in grades.items():
        if not is_finite(value) or value <= 0:
            raise mistake(f"the grade {value!r} of {getattr(event, '__name__', event)} is no number above 0", "write 1")
    return Label("grade", dict(grades), within)


def told_by(label: ir.Label) -> tuple[Told, ...]:
    """Return each event that tells a label, with its paths to the row and to the item.

    Examples
    --------
    >>> told_by(ir.Label("happened", "Chargeback", ("payment",), 1))
    (('Chargeback', ('payment',), ()),)
    """
    found = tuple((grade.source, grade.path, grade.item) for grade in label.grades)
    return found or ((label.source, label.path, label.item),)


def sources_of(label: ir.Label) -> tuple[str, ...]:
    """Return the events that tell a label."""
    return tuple(dict.fromkeys(source for source, _, _ in told_by(label)))


def labels_of(model: ir.Model) -> tuple[ir.Label, ...]:
    """Return what a model asks of later events: what became of a row, and whether it counts where they tell that."""
    return (model.label, model.where) if isinstance(model.where, ir.Label) else (model.label,)


def horizon_of(model: ir.Model) -> int:
    """Return how long after a row all is known that a model asks of later events."""
    return max(label.within for label in labels_of(model))


def tellers_of(model: ir.Model) -> tuple[str, ...]:
    """Return the events that tell what a model asks."""
    return tuple(dict.fromkeys(source for label in labels_of(model) for source in sources_of(label)))


def values_of(label: Any) -> Mapping[type[Event], float]:
    """Return what a declared `grade` says of each event."""
    return dict(label.value) if label.kind == "grade" else {}
