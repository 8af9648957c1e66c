"""Events that corrections touch, found before history is cut: what a slice alone can't know.

Whether an event is taken back later, and which revisions of two events stand at one time, is told by events of other
slices. So what is corrected, what refers to it and what that refers to is read whole, and paired as replay in memory
pairs it; all other events go slice by slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.importing.revisions import firsts, numbers
from tidewheel.definitions import ir
from tidewheel.features.folding.corrections import feed_revisions, living
from tidewheel.features.keys import part_array, plain
from tidewheel.features.planning.group import Feed, GroupPlan
from tidewheel.features.replay.history import Needs
from tidewheel.features.replay.slices import Pieces
from tidewheel.features.rows import Fed, Ints, Rows, rows_of

_ID = "_id"
_ROWS = 250_000


@dataclass(frozen=True, eq=False)
class Corrections:
    """What corrections touch of the feeds of some plans.

    Attributes
    ----------
    feds : dict
        By the place of a plan and the number of a feed: its events that are corrected, or go through a reference to one
        that is, by arrival, each with when it is taken back.
    apart : dict
        By event type: the offsets of the rows that `feds` hold.
    again : int64 array
        The offsets of the rows of the view's event that correct another.
    """

    feds: Mapping[tuple[int, int], Fed]
    apart: Mapping[str, Ints]
    again: Ints

    def parts(self, place: int, feds: Mapping[int, Fed], after: int, until: int) -> dict[int, list[Fed]]:
        """Return what each feed of a plan gets of a slice: its events without those kept here, and these.

        Parameters
        ----------
        place : int
            Of the plan.
        feds : dict
            What its feeds make of the slice.
        after, until : int
            The slice holds what arrived after one instant and up to the other.
        """
        found = {number: [self._without(fed)] for number, fed in feds.items()}
        for (plan, number), fed in self.feds.items():
            first, end = fed.arrived.searchsorted((after, until), side="right")
            if plan == place and end > first:
                found.setdefault(number, []).append(fed.take(np.arange(first, end)))
        return found

    def firsts(self, rows: Rows) -> Rows:
        """Return rows of the view's event without those that correct another."""
        return rows.take(~np.isin(rows.offset, self.again)) if len(self.again) else rows

    def _without(self, fed: Fed) -> Fed:
        apart = self.apart.get(fed.feed.source) if fed.feed.corrected else None
        return fed if apart is None else fed.take(np.flatnonzero(~np.isin(fed.rows.offset, apart)))


def find_corrections(
    history: Pieces, graph: ir.Graph, plans: Sequence[GroupPlan], on: ir.Source | None, below: int
) -> Corrections:
    """Return what corrections touch of history under an offset.

    Each type that may be corrected is read once for its ids, and once more, like what refers to it, for the rows.

    Parameters
    ----------
    on : ir.Source, optional
        Whose rows are asked for.
    """
    feeds = [feed for plan in plans for feed in plan.feeds if feed.corrected]
    types = {type for feed in feeds for type in feed.corrected}
    if on is not None and on.revisable:
        types.add(on.name)
    finder = _Finder(history, graph, feeds, below, types)
    own = {source: finder.own(source) for source in dict.fromkeys(feed.source for feed in feeds)}
    targets = {type: finder.targets(type, own) for type in dict.fromkeys(f.via.target for f in feeds if f.via)}
    feds = {
        (place, number): _by_arrival(feed, own[feed.source], targets[feed.via.target] if feed.via else None)
        for place, plan in enumerate(plans)
        for number, feed in enumerate(plan.feeds)
        if feed.corrected and len(own[feed.source])
    }
    again = finder.again(on.name) if on is not None and on.revisable else np.zeros(0, np.int64)
    return Corrections(feds, {source: rows.offset for source, rows in own.items()}, again)


def _by_arrival(feed: Feed, rows: Rows, targets: Rows | None) -> Fed:
    fed = feed_revisions(feed, rows, targets)
    order = np.argsort(fed.arrived, kind="stable")
    return fed.take(order[living(fed, order, "arrived")])


class _Finder:
    """Reads history for the rows that corrections touch."""

    def __init__(
        self, history: Pieces, graph: ir.Graph, feeds: Sequence[Feed], below: int, types: Iterable[str]
    ) -> None:
        self._history = history
        self._sources = {source.name: source for source in graph.sources}
        self._feeds = feeds
        self._needs = Needs(feeds).columns
        self._below = below
        self._corrected = {type: self._ids(type) for type in types}

    def _ids(self, type: str) -> pa.Array:
        """Return the ids of a type that have a row of a higher revision than the first has."""
        found = [pa.array([], pa.string())]
        for piece in self._history.pieces(type, [ir.REVISION], start=1, below=self._below, rows=_ROWS):
            rows = rows_of(piece, self._sources[type], [ir.REVISION], ids=True)
            found.append(plain(rows.columns[_ID]).filter(pa.array(numbers(rows.columns[ir.REVISION]) > 0)))
        return pa.concat_arrays(found).unique()

    def own(self, source: str) -> Rows:
        """Return a source's rows that are corrected, or refer to what is."""
        mine = [feed for feed in self._feeds if feed.source == source]
        wanted = {_ID: self._corrected[source]} if any(feed.revisable for feed in mine) else {}
        for feed in mine:
            if feed.via is not None and feed.via.revisable:
                wanted[feed.via.ref] = self._corrected[feed.via.target]
        return self._rows(source, list(self._needs[source]), wanted)

    def targets(self, type: str, own: Mapping[str, Rows]) -> Rows:
        """Return the rows of a type that some sources' rows refer to."""
        refs = [
            plain(part_array(own[feed.source].columns[feed.via.ref]))
            for feed in self._feeds
            if feed.via is not None and feed.via.target == type
        ]
        return self._rows(type, list(self._needs[type]), {_ID: pa.concat_arrays(refs).unique().drop_null()})

    def again(self, type: str) -> Ints:
        """Return the offsets of a type's rows that correct another."""
        rows = self._rows(type, [], {_ID: self._corrected[type]})
        return np.delete(rows.offset, firsts(rows.columns[_ID]))

    def _rows(self, type: str, columns: list[str], wanted: Mapping[str, pa.Array]) -> Rows:
        """Return the rows of which a column holds a wanted value."""
        names, source, found = list({**dict.fromkeys(columns), **wanted}), self._sources[type], []
        names = [name for name in names if name != _ID]
        for piece in self._history.pieces(type, names, start=1, below=self._below, rows=_ROWS):
            rows = rows_of(piece, source, names, ids=True)
            masks = [pc.is_in(plain(part_array(rows.columns[name])), value_set=ids) for name, ids in wanted.items()]
            chosen = np.logical_or.reduce([mask.to_numpy(zero_copy_only=False) for mask in masks])
            found.append(piece.filter(pa.array(chosen)) if chosen.any() else piece.slice(0, 0))
        empty = pa.schema([(_ID, pa.string()), *((name, pa.int64()) for name in ("_at", "_arrived", "_offset"))])
        whole = pa.concat_tables(found, promote_options="default") if found else empty.empty_table()
        return rows_of(whole, source, names, ids=True)
