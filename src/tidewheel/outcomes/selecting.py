"""Which rows a model is meant for (its ``where``), as far as it can be known by an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.proof.recorded import STATES_TYPE
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.words import to_words
from tidewheel.outcomes.told import Events, told_of_rows

if TYPE_CHECKING:
    from tidewheel.collect import History

Floats = npt.NDArray[np.float64]


def meant(
    events: Events,
    graph: ir.Graph,
    model: ir.Model,
    rows: pa.Table,
    as_of: int,
    *,
    after: int | None = None,
    serving_delay: int = 0,
    visibility: ir.Visibility = "arrival",
) -> Floats:
    """Tell which rows a model is meant for: 1 for those, 0 for others, NaN where it is not known.

    Parameters
    ----------
    events : Events
        History, or anything with its `scan` where later events tell it.
    graph : Graph
        Holds the model, its view, and the sources that they name.
    model : ir.Model
    rows : Table
        As `label_rows` takes them or, where a condition of the row's own tells it, as `read_view` does.
    as_of : int
        Microseconds, UTC; what arrived at or after it is not seen.
    after : int, optional
        An instant before all rows.
    serving_delay, visibility
        What rows without a decision see (see `read_view`).
    """
    if isinstance(model.where, ir.View):
        history = cast("History", events)
        read = read_view(history, graph, model.where, rows, serving_delay=serving_delay, visibility=visibility)
        return to_words(read[model.where.columns[0].name], text=False)
    if model.where is None:
        return np.ones(rows.num_rows)
    found = told_of_rows(events, graph, model.where, rows, as_of, after=after)
    said = np.full(rows.num_rows, np.nan)
    said[found.rows] = found.y
    return said


def as_read(rows: pa.Table, decisions: pa.Table) -> pa.Table:
    """Lay beside rows when each one's decision read, and what: `decisions` has one for each row, in order."""
    instant = decisions["instant"].combine_chunks()
    rows = rows.append_column("_arrived", instant) if "_arrived" not in rows.column_names else rows
    rows = rows.append_column("_instant", instant)
    return rows.append_column("_states", decisions["states"].combine_chunks().cast(STATES_TYPE))
