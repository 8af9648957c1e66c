"""The rows of a view: its event's or, where it has a row for each item, what was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.importing.revisions import first_revisions
from tidewheel.definitions import ir
from tidewheel.features.words import one_array

if TYPE_CHECKING:
    from tidewheel.collect import History

REQUEST = "_request"
"""Of a row of an item: the id of the event that it was shown for, which decisions are made on."""


def rows_of_view(history: History, graph: ir.Graph, view: ir.View, as_of: int | None = None) -> pa.Table:
    """Return all rows of a view, or those that had arrived before an instant, by offset.

    A row of an item holds the columns of its request, and of what was shown under names such as ``Shown.movie``. Its
    time, and what had arrived before it, are the request's: the list was made then. Its id and its offset are those of
    what was shown. What was shown for a request that never came is left out.

    Parameters
    ----------
    history : History
    graph : Graph
    view : View
    as_of : int, optional
        Microseconds.
    """
    sources = {source.name: source for source in graph.sources}
    requests = _known(history, sources[view.on], as_of)
    if view.each is None:
        return requests
    return _joined(requests, _known(history, sources[view.each.source], as_of), sources, view)


def rows_shown(history: History, graph: ir.Graph, view: ir.View, start: int, end: int) -> pa.Table:
    """Return the rows of items whose request arrived from `start` on and before `end`, in order of the requests.

    No other rows are held, unless one of the events may be corrected.
    """
    sources = {source.name: source for source in graph.sources}
    assert view.each is not None
    arrived = pc.field("_arrived")
    requests = _among(history, sources[view.on], (arrived >= start) & (arrived < end))
    told = pc.field(view.each.request).cast(pa.string())
    shown = _among(history, sources[view.each.source], told.isin(one_array(requests["_id"])))
    rows = _joined(requests, shown, sources, view)
    place = pc.index_in(one_array(rows[REQUEST]), value_set=one_array(requests["_id"]))
    return rows.take(pc.array_sort_indices(place))


def _joined(requests: pa.Table, shown: pa.Table, sources: Mapping[str, ir.Source], view: ir.View) -> pa.Table:
    """Return what was shown with its requests; what was shown for none of them is left out."""
    assert view.each is not None
    place = pc.index_in(one_array(shown[view.each.request]).cast(pa.string()), value_set=one_array(requests["_id"]))
    shown, asked = shown.filter(place.is_valid()), requests.take(place.drop_null())
    columns = {"_id": shown["_id"], "_offset": shown["_offset"], REQUEST: asked["_id"]}
    columns |= {name: asked[name] for name in asked.column_names if name not in columns}
    own = (column.name for column in sources[view.each.source].columns)
    return pa.table(columns | {view.each.named(name): shown[name] for name in own})


def _known(history: History, source: ir.Source, as_of: int | None) -> pa.Table:
    rows = history.scan(source.name, [column.name for column in source.columns])
    if as_of is not None:
        rows = rows.filter(pc.less(rows["_arrived"], as_of))
    return first_revisions(rows) if source.revisable else rows


def _among(history: History, source: ir.Source, wanted: pc.Expression) -> pa.Table:
    if source.revisable:
        return _known(history, source, None).filter(wanted)
    found = [piece.filter(wanted) for piece in history.pieces(source.name, [column.name for column in source.columns])]
    return pa.concat_tables(found, promote_options="default") if found else _known(history, source, None)
