"""Labels that are told by several kinds of events: ``tw.grade``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions import ir
from tidewheel.definitions.durations import Duration
from tidewheel.definitions.models import Label
from tidewheel.definitions.places import mistake
from tidewheel.definitions.rows import Event

Told = tuple[str, ir.Path, ir.Path]


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
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
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


def values_of(label: Any) -> Mapping[type[Event], float]:
    """Return what a declared `grade` says of each event."""
    return dict(label.value) if label.kind == "grade" else {}
