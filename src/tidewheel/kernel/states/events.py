"""Events of many entities side by side, in the order in which they are folded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import StorageError
from tidewheel.kernel.layouts.layout import Layout

Words = NDArray[np.int64]
NOTHING = -1
"""The source of an event that is in no track: it is noted, and nothing of it is folded."""


def fixed(array: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
    """Return a contiguous read-only view (or copy), so that compiled code meets one kind of array only."""
    view = np.ascontiguousarray(array, kind).view()
    view.flags.writeable = False
    return view


class Events(NamedTuple):
    """Events grouped by entity, in fold order within each.

    Attributes
    ----------
    starts : int64[n_entities + 1]
        Where each entity's events begin.
    source : int8[:]
    at, arrived, offset : int64[:]
    slots : float64[n, n_slots]
        Input words of the aggregates; a null slot is skipped.
    undoes : int64[n], optional
        For an event that takes an earlier one of the same entity back, the place of that one; -1 for
        others. It folds nothing itself: its source is `NOTHING`.
    """

    starts: Words
    source: NDArray[np.int8]
    at: Words
    arrived: Words
    offset: Words
    slots: NDArray[np.float64]
    undoes: Words | None = None


def settled(events: Events) -> Events:
    """Return the events with those that are taken back folding nothing, as after the last of them.

    What remains of an event taken back is that it arrived, which is what eviction goes by.

    Examples
    --------
    >>> at = np.arange(3)
    >>> source = np.array([0, 0, NOTHING], np.int8)
    >>> events = Events(np.array([0, 3]), source, at, at, at, np.ones((3, 1)), np.array([-1, -1, 0]))
    >>> settled(events).source.tolist()
    [-1, 0, -1]
    """
    if events.undoes is None:
        return events
    source = events.source.copy()
    source[events.undoes[events.undoes >= 0]] = NOTHING
    return events._replace(source=source, undoes=None)


def columns_of(layout: Layout, events: Events) -> tuple[Words, NDArray[np.int8], Words, Words, Words, Words]:
    """Return the events' arrays as compiled code takes them, or say what doesn't fit."""
    n = len(events.at)
    if events.slots.ndim != 2 or events.slots.shape[0] != n or events.slots.shape[1] < layout.n_slots:
        raise StorageError(f"slots have shape {events.slots.shape}, expected ({n}, {layout.n_slots})")
    same = {len(events.source), len(events.arrived), len(events.offset), int(events.starts[-1]), n}
    if len(same) > 1:
        raise StorageError(f"events have columns of different lengths: {sorted(same)}")
    slots = np.ascontiguousarray(events.slots, np.float64).view(np.int64)
    if slots.shape[1] == 0:
        slots = np.zeros((n, 1), np.int64)
    return (
        fixed(events.starts, np.int64),
        fixed(events.source, np.int8),
        fixed(events.at, np.int64),
        fixed(events.arrived, np.int64),
        fixed(events.offset, np.int64),
        fixed(slots, np.int64),
    )
