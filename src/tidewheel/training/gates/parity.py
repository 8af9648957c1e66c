"""Whether the features trained on are the features served.

Where decisions on the view exist, they are the evidence: each is replayed and compared to the bit. Before
there are any, the stream's own way is walked for a sample of test rows: the events of each row's entities are
folded into state blobs, the blobs are read at the row's instant, and the row is computed alone, as serving does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, ir
from tidewheel.features.keys import key_array
from tidewheel.features.planning.group import AT, PAST
from tidewheel.features.planning.programs import Assembly, assemble, compute
from tidewheel.features.planning.view import StateRead, plan_view
from tidewheel.features.proof.parity import check
from tidewheel.features.replay.asked import request_slots, with_requests
from tidewheel.features.replay.backfill import Computed, compute_view
from tidewheel.features.replay.history import Past
from tidewheel.features.replay.replay import Order, group_events
from tidewheel.features.words import one_array, to_words
from tidewheel.kernel import Blobs, Events, empty, fold, read
from tidewheel.registry.parity import newest_checks
from tidewheel.storage.catalog import Catalog
from tidewheel.training.context import TrainingContext
from tidewheel.training.data.constants import in_graph

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.float64]
SAMPLE = 500


@dataclass(frozen=True)
class Compared:
    """How many rows were compared, in how many a feature differs, and by which way."""

    checked: int
    differences: int
    way: str
    first: str = ""


def check_parity(context: TrainingContext, view: ir.View, history: History, rows: pa.Table) -> Compared:
    """Compare features trained on with features served.

    Parameters
    ----------
    context : TrainingContext
    view : ir.View
        As declared, or with the constants it learned.
    history : History
    rows : Table
        Test rows, as `read_view` takes them.
    """
    graph = in_graph(context.graph, view)
    records = list(context.served(digest(view), SAMPLE)) if context.served is not None else []
    if records:
        # Not the run's own pinned history: decisions made meanwhile may have read beyond it.
        report = check(records, context.history, graph)
        first = str(report.first_difference) if report.first_difference else ""
        own = Compared(report.checked, report.decisions_differing, "decisions replayed", first)
        return _with_newest_checks(own, context.catalog, digest(view))
    chosen = np.unique(np.linspace(0, rows.num_rows - 1, min(SAMPLE, rows.num_rows)).astype(np.int64))
    kept = [name for name in rows.column_names if name not in ("_instant", "_states")]
    return streamed(graph, view, history, rows.select(kept).take(pa.array(chosen)))


def _with_newest_checks(own: Compared, catalog: Catalog, view: str) -> Compared:
    """Add what the newest scheduled check of each service found of the same view."""
    found = [check.views[view] for check in newest_checks(catalog).values() if view in check.views]
    if not found:
        return own
    scheduled = sum(seen.checked for seen in found)
    return Compared(
        checked=own.checked + scheduled,
        differences=own.differences + sum(seen.differing for seen in found),
        way=f"{own.way} ({scheduled} of them by the newest scheduled check)",
        first=own.first or next((seen.first for seen in found if seen.first), ""),
    )


def streamed(graph: ir.Graph, view: ir.View, history: History, rows: pa.Table) -> Compared:
    """Compute rows by folding and reading, one by one, and compare each value's bits with the replay of all.

    Parameters
    ----------
    graph : ir.Graph
    view : ir.View
    history : History
    rows : Table
        Without what decisions recorded: read as of their arrival.
    """
    plan = plan_view(graph, view)
    assembly = assemble([plan])
    past = Past(history, graph, [state.plan for state in assembly.reads])
    replayed = compute_view(history, graph, plan, rows, past=past)
    vector = np.full((rows.num_rows, assembly.width), np.nan)
    for position, (path, text) in enumerate(assembly.inputs.items()):
        vector[:, position] = to_words(_column(rows, path), text)
    for state, start in zip(assembly.reads, assembly.state_at, strict=True):
        words = _folded(past, state, rows, replayed, request_slots(assembly, state, vector))
        vector[:, start : start + words.shape[1]] = words
    served = _one_by_one(assembly, vector, replayed)
    differs = served.view(np.int64) != np.ascontiguousarray(replayed.words).view(np.int64)
    row, column = np.unravel_index(int(differs.argmax()), differs.shape)
    first = f"{view.name}.{plan.names[column]} of {rows['_id'][int(row)].as_py()}" if differs.any() else ""
    return Compared(rows.num_rows, int(differs.any(axis=1).sum()), "rows folded and read one by one", first)


def _folded(past: Past, state: StateRead, rows: pa.Table, replayed: Computed, slots: Words) -> Words:
    """Fold, for each row, the events of its entity that it saw; read the state at the row's instant."""
    keys, blobs = entity_blobs(past, state, rows, replayed)
    instants = rows["_arrived"].to_numpy().astype(np.int64)
    if state.request != PAST:
        named = np.array([key is not None for key in keys])
        blobs = with_requests(state.plan, state.request, blobs, instants, slots, named)
    words, _ = read(state.plan.layout, blobs, instants)
    return words


def entity_blobs(
    past: Past, state: StateRead, rows: pa.Table, replayed: Computed, *, newest: bool = False
) -> tuple[list[str | None], Blobs]:
    """Return, for each row, the key of its entity and the state that it saw; for each entity's `newest` row alone."""
    keys = key_array([one_array(_column(rows, path)) for path in state.keys]).cast(pa.string()).dictionary_encode()
    entities = len(keys.dictionary)
    codes = keys.indices.fill_null(entities).to_numpy(zero_copy_only=False).astype(np.int64)
    feds = [past.feed(feed) for feed in state.plan.feeds]
    order: Order = "attribute" if state.plan.group.attributes else "arrival"
    events = group_events(state.plan, feds, keys.dictionary, order, entities + 1).events
    chosen = _last_of_each(codes, entities) if newest else np.arange(codes.size)
    visible = _visible(events, events.starts[codes[chosen]], replayed.seen[state.id][chosen])
    return keys.take(pa.array(chosen)).to_pylist(), fold(state.plan.layout, empty(chosen.size), visible)


def _last_of_each(codes: Ints, entities: int) -> Ints:
    """Return the place of each entity's last row."""
    last = np.full(entities + 1, -1, np.int64)
    last[codes] = np.arange(codes.size)  # of several, the last is what stays
    return last[:entities]


def _visible(events: Events, first: Ints, seen: Ints) -> Events:
    """Return one run of events a row: those of its entity that it saw."""
    starts = np.concatenate([[0], np.cumsum(seen)]).astype(np.int64)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], seen)
    index = np.repeat(first, seen) + within
    undoes = None
    if events.undoes is not None:
        shift = np.repeat(starts[:-1] - first, seen)
        undoes = np.where(events.undoes[index] >= 0, events.undoes[index] + shift, -1)
    return Events(
        starts=starts,
        source=events.source[index],
        at=events.at[index],
        arrived=events.arrived[index],
        offset=events.offset[index],
        slots=events.slots[index],
        undoes=undoes,
    )


def _one_by_one(assembly: Assembly, vector: Words, replayed: Computed) -> Words:
    rows = [compute(assembly, vector[row : row + 1].copy(), replayed.texts) for row in range(len(vector))]
    return np.ascontiguousarray(np.concatenate(rows))


def _column(rows: pa.Table, path: ir.Path) -> pa.ChunkedArray:
    return rows["_at" if path == (AT,) and AT not in rows.column_names else path[0]]
