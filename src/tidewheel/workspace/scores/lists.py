"""Rows of lists, as serving asks a model about them: each item of a request, at the request's instant.

What was shown is known from history; of other items a file says for which request. Columns that serving fills with
something else (`tw.served_as`) hold that here, so a score is what the item would have had as a candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.features.replay.served import as_served
from tidewheel.features.replay.shown import REQUEST, rows_shown

if TYPE_CHECKING:
    from tidewheel.collect import History

Ints = npt.NDArray[np.int64]


def listed(history: History, graph: ir.Graph, view: ir.View, start: int, end: int) -> pa.Table:
    """Return a row for each item that was shown for a request that arrived in a range, in order of the requests."""
    return as_served(history, graph, view, rows_shown(history, graph, view, start, end))


def item_column(on: ir.Source) -> str:
    """Return what a file calls the item: ``item``, or ``item_`` where the request has a column of that name."""
    return "item_" if on.column("item") else "item"


def source_of_file(graph: ir.Graph, view: ir.View) -> ir.Source:
    """Return what a row of a file holds: the request's columns, its id among them many times, and the item."""
    assert view.each is not None
    on = next(source for source in graph.sources if source.name == view.on)
    columns = [msgspec.structs.replace(c, kind="key") if c.kind == "id" else c for c in on.columns]
    item = ir.Column(item_column(on), "ref", view.each.target)
    return msgspec.structs.replace(on, columns=(*columns, item), revisable=0)


def of_file(history: History, graph: ir.Graph, view: ir.View, rows: pa.Table) -> pa.Table:
    """Return a file's rows, by instant, as `listed` returns those of history."""
    assert view.each is not None
    on = next(source for source in graph.sources if source.name == view.on)
    id = next(column.name for column in on.columns if column.kind == "id")
    item = item_column(on)
    rows = rows.append_column(view.each.key, rows[item]).drop_columns([item])
    return as_served(history, graph, view, rows.append_column(REQUEST, rows[id]))


def ranks(requests: pa.ChunkedArray, instants: Ints, items: pa.ChunkedArray, scores: npt.NDArray[np.float64]) -> Ints:
    """Return the place of each item in its request's list: by score, equal ones by id, those without one last.

    Examples
    --------
    >>> scores = np.array([0.5, 0.75, 0.75, np.nan])
    >>> ranks(pa.chunked_array([["q"] * 4]), np.zeros(4, np.int64), pa.chunked_array([["a", "c", "b", "d"]]), scores)
    array([3, 2, 1, 4])
    """
    table = pa.table({"instant": instants, "request": requests, "score": pa.array(scores, from_pandas=True)})
    keys = [("instant", "ascending"), ("request", "ascending"), ("score", "descending"), ("item", "ascending")]
    order = pc.sort_indices(table.append_column("item", items), sort_keys=keys).to_numpy()
    codes = pc.dictionary_encode(requests).combine_chunks().indices.to_numpy()[order]
    begins = np.flatnonzero(np.diff(codes, prepend=-1) | np.diff(instants[order], prepend=-1))
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order))) + 1
    return found
