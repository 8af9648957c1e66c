"""Events of a partition that are taken back: in the piece that says so, and in a later one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.features.rows import NEVER, Ints
from tidewheel.kernel import NOTHING, Events

Mask = npt.NDArray[np.bool_]


class Line(NamedTuple):
    """Events of a piece one after the other, then what takes some of them back.

    Attributes
    ----------
    rows : int64 array
        Places in the piece, of an event or of the one that is taken back.
    source : int8 array
    arrived : int64 array
        Where each takes effect.
    undoes : int64 array, optional
        Of what takes an event back: its place in the line; -1 for others. None when nothing is taken back.
    waits : bool array
        Of events that a later piece takes back.
    """

    rows: Ints
    source: npt.NDArray[np.int8]
    arrived: Ints
    undoes: Ints | None
    waits: Mask


def line_of(piece: pa.Table) -> Line:
    """Return a piece's events, and what takes back those of them that are taken back within it."""
    source, arrived = (piece[name].to_numpy() for name in ("source", "arrived"))
    rows = np.flatnonzero(source >= 0)
    if "gone" not in piece.column_names:
        return Line(rows, source[rows], arrived[rows], None, np.zeros(len(rows), np.bool_))
    gone = piece["gone"].to_numpy()[rows]
    undone = np.flatnonzero(gone <= arrived.max(initial=0))
    waits = np.zeros(len(rows) + len(undone), np.bool_)
    waits[: len(rows)] = gone != NEVER
    waits[undone] = False
    return Line(
        rows=np.concatenate([rows, rows[undone]]),
        source=np.concatenate([source[rows], np.full(len(undone), NOTHING, np.int8)]),
        arrived=np.concatenate([arrived[rows], gone[undone]]),
        undoes=np.concatenate([np.full(len(rows), -1), undone]) if len(undone) else None,
        waits=waits,
    )


class Held(NamedTuple):
    """What entities with an event that waits to be taken back can't fold yet.

    Attributes
    ----------
    entities : int64 array
    before : Events
        Of each of them, what stands before that event: its state goes so far.
    rows : int64 array
        Places in the piece of that event and of what stands after it.
    """

    entities: Ints
    before: Events
    rows: Ints


def held_back(events: Events, rows: Ints, waits: Mask) -> Held | None:
    """Return what is to be held of a piece, None for nothing.

    Parameters
    ----------
    events : Events
        The piece's, grouped.
    rows : int64 array
        The place of each in the piece.
    waits : bool array
        Whether a later piece takes it back.
    """
    if not waits.any():
        return None
    sizes = np.diff(events.starts)
    counts = np.concatenate([[0], np.cumsum(waits)])
    entity = np.repeat(np.arange(len(sizes)), sizes)
    open = counts[events.starts[1:]] > counts[events.starts[:-1]]
    stands = events.source >= 0
    if events.undoes is not None:
        stands[events.undoes[events.undoes >= 0]] = False
    from_first = counts[1:] > counts[events.starts[:-1]][entity]
    before = np.flatnonzero(open[entity] & stands & ~from_first)
    entities = np.flatnonzero(open)
    starts = np.searchsorted(entity[before], np.append(entities, len(sizes)))
    folded = Events(
        starts,
        events.source[before],
        events.at[before],
        events.arrived[before],
        events.offset[before],
        events.slots[before],
    )
    return Held(entities, folded, rows[stands & from_first])
