"""What became of each item of the lists that answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import horizon_of, labels_of
from tidewheel.features.replay.shown import REQUEST, rows_of_view
from tidewheel.kernel.words.vectors import unpack_vector
from tidewheel.outcomes.join import Joined, Status, decided_events
from tidewheel.outcomes.labels import pairs, with_key
from tidewheel.outcomes.selecting import as_read, meant
from tidewheel.outcomes.told import Events, named, paths_of, told_of_rows

if TYPE_CHECKING:
    from tidewheel.collect import History

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """Items of lists that answered, with their outcomes as known at an instant.

    Attributes
    ----------
    list : int64 array
        Which decision each item belongs to: a row of `joined`.
    item : Array of string
    rank : int64 array
        Its place in the list, from 1.
    label : float64 array
        NaN where it is not known, or nothing tells that the item was shown.
    known : int
        Items that there are to choose from.
    vectors : float64 array, shape (items, size), optional
        Of length one, by what the service finds items or spreads its lists; NaN for an item without.
    joined : Joined
        The decisions. A list is matured when an item of it is; missing when its horizon is over and nothing tells that
        any of it was shown.
    """

    list: Ints
    item: pa.Array
    rank: Ints
    label: Floats
    known: int
    joined: Joined
    vectors: Floats | None = None


def join_lists(events: Events, graph: ir.Graph, service: ir.Service, joined: Joined, as_of: int) -> Lists:
    """Join the items of a service's lists to the outcomes that its model's label speaks of.

    As in training, what counts are the items that were shown: an item of a list that no event tells of has no label.

    Parameters
    ----------
    events : Events
    graph : Graph
        Holds the service's model, its view, and the sources that they name.
    service : Service
        One that ranks.
    joined : Joined
        Its decisions, with their ``items``.
    as_of : int
        Microseconds, UTC; what arrived at or after it is not seen.
    """
    decisions = joined.decisions
    model = named(graph.models, service.model)
    view = named(graph.views, model.view)
    each = view.each
    assert each is not None
    found = decisions["items"].combine_chunks()
    of_list = pc.list_parent_indices(found).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = found.flatten()
    item, rank = pc.struct_field(flat, "id"), pc.struct_field(flat, "rank").to_numpy(zero_copy_only=False)
    source = named(graph.sources, service.on)
    asked = {path[1] for label in labels_of(model) for path in paths_of(label) if len(path) == 2}
    wanted = sorted(name for name in asked if source.column(name))
    rows = decided_events(decisions, source if wanted else None, wanted).take(pa.array(of_list))
    rows = rows.append_column(each.key, item).rename_columns({"_id": REQUEST})
    shown = _shown(events, each, rows, as_of)
    rows = rows.append_column("_id", shown)
    seen = np.flatnonzero(shown.is_valid().to_numpy(zero_copy_only=False))
    after = pc.min(decisions["at"]).as_py()
    told = with_key(rows.take(pa.array(seen)), view)
    labels = told_of_rows(events, graph, model.label, told, as_of, after=after)
    if isinstance(model.where, ir.View):
        told = _as_asked(events, graph, model.where, told, decisions.take(pa.array(of_list[seen])), as_of)
    said = meant(events, graph, model, told, as_of, after=after)
    ours = said[labels.rows] == 1.0
    label = np.full(of_list.size, np.nan)
    label[seen[labels.rows[ours]]] = labels.y[ours]
    status = np.full(decisions.num_rows, Status.MISSING, np.int8)
    status[of_list[seen[said != 1.0]]] = Status.OUTSIDE
    status[decisions["at"].to_numpy() + horizon_of(model) >= as_of] = Status.PENDING
    status[of_list[~np.isnan(label)]] = Status.MATURED
    best = np.full(decisions.num_rows, np.nan)
    np.fmax.at(best, of_list, label)
    id, vector = named(graph.sources, each.target).id_column or "_id", _vector_of(service)
    items = events.scan(each.target, [id, vector] if vector else [id])
    known = pc.count_distinct(items[id]).as_py()
    vectors = _vectors(items[id], items[vector], item) if vector else None
    return Lists(of_list, item, rank, label, known, Joined(decisions, best, joined.weight, status), vectors)


def _shown(events: Events, each: ir.Each, rows: pa.Table, as_of: int) -> pa.Array:
    """Return the id of the event that tells of each item that it was shown, null where none does."""
    shown = events.scan(each.source, [each.request, each.item])
    shown = shown.filter(pc.less(shown["_arrived"], as_of))
    told = pairs(shown[each.request], shown[each.item]).combine_chunks()
    place = pc.index_in(pairs(rows[REQUEST], rows[each.key]).combine_chunks(), value_set=told)
    return shown["_id"].combine_chunks().take(place)


def _as_asked(
    events: Events, graph: ir.Graph, view: ir.View, shown: pa.Table, decisions: pa.Table, as_of: int
) -> pa.Table:
    """Return all there is to read of items that were shown, as their decisions read it."""
    known = rows_of_view(cast("History", events), graph, view, as_of)
    place = pc.index_in(shown["_id"].combine_chunks(), value_set=known["_id"].combine_chunks())
    return as_read(known.take(place), decisions)


def _vector_of(service: ir.Service) -> str:
    """Return the items' attribute by which a service finds or spreads them, "" for none."""
    assert service.ranking is not None
    sources = (source for one in service.ranking.candidates for source in one.sources())
    nearest = (source.feature for source in sources if source.kind == "nearest")
    return service.ranking.top.vector or next(nearest, "")


def _vectors(ids: pa.ChunkedArray, texts: pa.ChunkedArray, item: pa.Array) -> Floats | None:
    """Return each item's newest vector, scaled to length one."""
    newest = dict(zip(ids.to_pylist(), texts.to_pylist(), strict=True))
    encoded = item.dictionary_encode()
    found = [newest.get(id) for id in encoded.dictionary.to_pylist()]
    size = next((unpack_vector(text).size for text in found if text is not None), 0)
    if not size:
        return None
    rows = np.array([np.full(size, np.nan) if text is None else unpack_vector(text) for text in found], np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = (rows / np.where(lengths > 0.0, lengths, np.nan))[encoded.indices.to_numpy(zero_copy_only=False)]
    return unit
