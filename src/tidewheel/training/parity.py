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

from tidewheel.collect.history import History
from tidewheel.definitions import digest, ir
from tidewheel.features.backfill import Computed, compute_view
from tidewheel.features.history import Past
from tidewheel.features.keys import key_array
from tidewheel.features.parity import check
from tidewheel.features.plan_group import AT
from tidewheel.features.plan_view import StateRead, plan_view
from tidewheel.features.programs import Assembly, assemble, compute
from tidewheel.features.replay import Order, group_events
from tidewheel.features.words import one_array, to_words
from tidewheel.kernel import Events, empty, fold, read
from tidewheel.training.context import TrainingContext

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
    history : History
    rows : Table
        Test rows, as `read_view` takes them.
    """
    records = list(context.served(digest(view), SAMPLE)) if context.served is not None else []
    if records:
        # Not the run's own pinned history: decisions made meanwhile may have read beyond it.
        report = check(records, context.history, context.graph)
        first = str(report.first_difference) if report.first_difference else ""
        return Compared(report.checked, report.decisions_differing, "decisions replayed", first)
    chosen = np.unique(np.linspace(0, rows.num_rows - 1, min(SAMPLE, rows.num_rows)).astype(np.int64))
    kept = [name for name in rows.column_names if name not in ("_instant", "_states")]
    return streamed(context.graph, view, history, rows.select(kept).take(pa.array(chosen)))


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
    replayed = compute_view(history, graph, plan, rows)
    assembly = assemble([plan])
    vector = np.full((rows.num_rows, assembly.width), np.nan)
    for position, (path, text) in enumerate(assembly.inputs.items()):
        vector[:, position] = to_words(_column(rows, path), text)
    past = Past(history, graph, [state.plan for state in assembly.reads])
    for state, start in zip(assembly.reads, assembly.state_at, strict=True):
        words = _folded(past, state, rows, replayed)
        vector[:, start : start + words.shape[1]] = words
    served = _one_by_one(assembly, vector, replayed)
    differs = served.view(np.int64) != np.ascontiguousarray(replayed.words).view(np.int64)
    row, column = np.unravel_index(int(differs.argmax()), differs.shape)
    first = f"{view.name}.{plan.names[column]} of {rows['_id'][int(row)].as_py()}" if differs.any() else ""
    return Compared(rows.num_rows, int(differs.any(axis=1).sum()), "rows folded and read one by one", first)


def _folded(past: Past, state: StateRead, rows: pa.Table, replayed: Computed) -> Words:
    """Fold, for each row, the events of its entity that it saw; read the state at the row's instant."""
    keys = key_array([one_array(_column(rows, path)) for path in state.keys]).cast(pa.string()).dictionary_encode()
    entities = len(keys.dictionary)
    codes = keys.indices.fill_null(entities).to_numpy(zero_copy_only=False).astype(np.int64)
    feds = [past.feed(feed) for feed in state.plan.feeds]
    order: Order = "attribute" if state.plan.group.attributes else "arrival"
    events = group_events(state.plan, feds, keys.dictionary, order, entities + 1).events
    seen = replayed.seen[state.id]
    blobs = fold(state.plan.layout, empty(rows.num_rows), _visible(events, events.starts[codes], seen))
    words, _ = read(state.plan.layout, blobs, rows["_arrived"].to_numpy().astype(np.int64))
    return words


def _visible(events: Events, first: Ints, seen: Ints) -> Events:
    """Return one run of events a row: those of its entity that it saw."""
    starts = np.concatenate([[0], np.cumsum(seen)]).astype(np.int64)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], seen)
    index = np.repeat(first, seen) + within
    return Events(
        starts=starts,
        source=events.source[index],
        at=events.at[index],
        arrived=events.arrived[index],
        offset=events.offset[index],
        slots=events.slots[index],
    )


def _one_by_one(assembly: Assembly, vector: Words, replayed: Computed) -> Words:
    rows = [compute(assembly, vector[row : row + 1].copy(), replayed.texts) for row in range(len(vector))]
    return np.ascontiguousarray(np.concatenate(rows))


def _column(rows: pa.Table, path: ir.Path) -> pa.ChunkedArray:
    return rows["_at" if path == (AT,) and AT not in rows.column_names else path[0]]
