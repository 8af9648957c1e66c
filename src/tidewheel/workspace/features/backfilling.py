"""Backfilling a view into the lake, and reading what was backfilled."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import META, History
from tidewheel.definitions import ir
from tidewheel.definitions.projects.graphs import canonical
from tidewheel.engine import Engine, open_engine
from tidewheel.errors import FeatureError, NotReadyError
from tidewheel.features.replay.backfilled import (
    Gap,
    StoredSet,
    column_digests,
    gaps,
    holder,
    narrow,
    reach,
    stored_sets,
    stretches,
    write_set,
)
from tidewheel.features.replay.batch import BUCKET_ROWS, Batch, Job, Progress
from tidewheel.features.replay.group_rows import view_of_group
from tidewheel.features.replay.materialise import materialise
from tidewheel.kernel import KERNEL_VERSION, LAYOUT_VERSION
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.naming import find

JOB = "job.json"
FEWEST_BUCKETS = 4


class BackfillSummary(msgspec.Struct, frozen=True):
    """What a backfill did.

    Attributes
    ----------
    view : str
    start, end : int
        Rows that arrived from `start` on and before `end` (µs) are stored now.
    computed : tuple of str
        Columns that were not stored for all of the range.
    kept : tuple of str
        Columns that were.
    rows : int
        How many rows were computed; those of each gap, added up.
    """

    view: str
    start: int
    end: int
    computed: tuple[str, ...]
    kept: tuple[str, ...]
    rows: int


def backfill_view(
    stores: Stores,
    history: History,
    graph: ir.Graph,
    name: str,
    start: int | None,
    end: int | None,
    *,
    on: str = "",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> BackfillSummary:
    """Store a view's rows for a range of arrival: what is stored already is left as it is.

    Of a group these are its features for each event of its source `on`.

    Raises
    ------
    LeaseError
        Another process backfills this view.
    FeatureError
        The range is empty.
    """
    view = _rows_of(graph, name, on)
    name = view.name
    first, last = _range(stores, view, start, end)
    with Lease.acquire(stores.layout.leases / f"backfill-{name}", f"backfill of {name}"):
        digests = column_digests(graph, view)
        left = gaps(stored_sets(stores.layout.backfill, name), digests, first, last)
        where = engine or open_engine(stores.settings.engine)
        rows = sum(_fill(stores, history, graph, view, gap, where, progress) for gap in left)
    computed = {column for gap in left for column in gap.names}
    return BackfillSummary(
        name,
        first,
        last,
        tuple(column for column in digests if column in computed),
        tuple(column for column in digests if column not in computed),
        rows,
    )


def backfilled_rows(
    stores: Stores, graph: ir.Graph, name: str, start: int | None, end: int | None, *, on: str = ""
) -> pa.Table:
    """Return a view's stored rows, by offset: ``_id, _at, _arrived, _offset`` and the view's columns.

    Raises
    ------
    NotReadyError
        Part of the range is not stored, or not as the view is declared now.
    """
    view = _rows_of(graph, name, on)
    sets, digests = stored_sets(stores.layout.backfill, view.name), column_digests(graph, view)
    known = [stored for stored in sets if any(digests.get(column) == d for column, d in stored.columns.items())]
    first = min((stored.start for stored in known), default=0) if start is None else start
    last = max((stored.end for stored in known), default=0) if end is None else end
    missing = gaps(sets, digests, first, last)
    if missing or not known:
        names = ", ".join(missing[0].names if missing else digests)
        raise NotReadyError(f"{name} is not backfilled: {names}", remedy=f"tidewheel features backfill {name}")
    return pa.concat_tables([_stretch(stores, sets, digests, *part) for part in stretches(sets, first, last)])


def _rows_of(graph: ir.Graph, name: str, on: str) -> ir.View:
    """Return a view by its name, or that of a group's own rows."""
    groups = {group.name: group for group in graph.groups if not group.attributes}
    view: ir.View = view_of_group(graph, groups[name], on) if name in groups else find(graph.views, name, "view")
    if on not in ("", view.on):
        raise FeatureError(f"{name} has a row for each {view.on}, not {on}", remedy=f"leave out --on {on}")
    if view.each is not None:
        raise FeatureError(
            f"{name} has a row for each item of a {view.on}, which is not backfilled",
            remedy="backfill its feature sets",
        )
    return view


def _range(stores: Stores, view: ir.View, start: int | None, end: int | None) -> tuple[int, int]:
    """Return the range asked for, as far as history goes: no row can be added to it later."""
    newest = stores.log.newest_arrived(view.on)
    known = newest + 1 if stores.clock.now() > newest else newest
    first, last = start or 0, known if end is None else min(end, known)
    if newest == 0 or first >= last:
        raise FeatureError(
            f"there is no {view.on} in the range",
            where=view.name,
            remedy="its newest one arrived before; `tidewheel log status` shows when",
        )
    return first, last


def _fill(
    stores: Stores,
    history: History,
    graph: ir.Graph,
    view: ir.View,
    gap: Gap,
    engine: Engine,
    progress: Progress | None,
) -> int:
    narrowed, part = narrow(graph, view, gap.names)
    text = f"{canonical(narrowed)} {gap.start} {gap.end} {KERNEL_VERSION}.{LAYOUT_VERSION}"
    identity = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = stores.layout.backfill / identity
    batch = _batch(folder, narrowed, part, gap, history.head())
    table = f"features/{view.name}-{identity}"
    rows = materialise(batch, history, stores.lake, table, engine=engine, progress=progress)
    digests = column_digests(graph, view)
    made = {column.name: digests[column.name] for column in part.columns}
    write_set(folder, StoredSet(view.name, gap.start, gap.end, made, table, rows))
    return rows


def _batch(folder: Path, graph: ir.Graph, view: ir.View, gap: Gap, head: int) -> Batch:
    """Return the job of a gap: as it was begun, or as it is to begin."""
    from tidewheel.storage.places.disks import write_durably

    note = folder / JOB
    if note.exists():
        return Batch(msgspec.json.decode(note.read_bytes(), type=Job), folder)
    buckets = max(FEWEST_BUCKETS, -(-head // BUCKET_ROWS))
    job = Job(graph, view, gap.start, gap.end, head, buckets)
    oldest = reach(Batch(job, folder).plans)
    job = msgspec.structs.replace(job, since=None if oldest is None else gap.start - oldest)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(note, msgspec.json.encode(job))
    return Batch(job, folder)


def _stretch(stores: Stores, sets: list[StoredSet], digests: dict[str, str], start: int, end: int) -> pa.Table:
    """Return the rows between two instants, columns taken from the sets that hold them."""
    by_table: dict[str, list[str]] = {}
    for name, digest in digests.items():
        stored = holder(sets, name, digest, start, end)
        assert stored is not None
        if stored.rows:
            by_table.setdefault(stored.table, []).append(name)
    found: dict[str, pa.ChunkedArray] = {}
    for table, names in by_table.items():
        where = (pc.field("_arrived") >= start) & (pc.field("_arrived") < end)
        among = [("_arrived", ">=", start), ("_arrived", "<", end)]
        rows = stores.lake.scan(table, [*META, *names], where=where, among=among)
        rows = rows.take(pa.array(np.argsort(rows["_offset"].to_numpy(), kind="stable")))
        found.update({name: rows[name] for name in (*META, *names)})
    return pa.table({name: found[name] for name in (*META, *digests)}) if found else pa.table({})
