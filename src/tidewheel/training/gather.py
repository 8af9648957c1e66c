"""From history to a data set: rows of the view's event, their labels, their features as they stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.history import History
from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.features.backfill import read_view
from tidewheel.features.recorded import STATES_TYPE
from tidewheel.outcomes.labels import Decided, Labels, decided_rows, label_rows
from tidewheel.training.context import DECISION_COLUMNS, Progress, TrainingContext
from tidewheel.training.dataset import DataSet, content_digest
from tidewheel.training.split import Sides, temporal

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Gathered:
    """A data set with its split.

    Attributes
    ----------
    rows : Table
        The event's own columns of each row, with ``_id``, ``_at``, ``_arrived``, ``_offset`` and, where the row had a
        decision, ``_instant`` and ``_states``.
    data : DataSet
        Train and test rows, in log order.
    sides : Sides
        Positions in `data`.
    """

    rows: pa.Table
    data: DataSet
    sides: Sides


def gather(
    context: TrainingContext, model: ir.Model, history: History, as_of: int, progress: Progress | None = None
) -> Gathered:
    """Build the training set of a model as it was known at `as_of`.

    Raises
    ------
    TrainingError
        When no row has a label, or a side of the split is empty.
    """
    view = context.view(model)
    rows, labels, counts = labelled_rows(context, model, history, as_of)
    at, offset = _ints(rows["_at"])[labels.rows], _ints(rows["_offset"])[labels.rows]
    if not at.size:
        raise TrainingError(
            f"none of {rows.num_rows} {view.on} rows can be trained on: {_told(counts)}", where=model.name
        )
    sides = temporal(model.split, model.label.within, at, offset)
    used = np.sort(np.concatenate([sides.train, sides.test]))
    table = rows.take(pa.array(labels.rows[used]))
    columns = read_view(history, context.graph, view, table, progress=progress)
    columns = columns.drop_columns([name for name in ("_id",) if name in columns.column_names])
    texts = tuple(column.name for column in view.columns if column.text)
    ids, y, weight = table["_id"].combine_chunks(), labels.y[used], labels.weight[used]
    counts |= {"gap": sides.gap_rows, "train": sides.train.size, "test": sides.test.size}
    digest = content_digest(columns, texts, y, weight, ids, at[used])
    data = DataSet(columns, texts, y, weight, ids, at[used], offset[used], counts, digest)
    placed = Sides(
        np.searchsorted(used, sides.train), np.searchsorted(used, sides.test), sides.test_from, sides.gap_rows
    )
    return Gathered(table, data, placed)


def labelled_rows(
    context: TrainingContext, model: ir.Model, history: History, as_of: int
) -> tuple[pa.Table, Labels, dict[str, int]]:
    """Return the rows known at `as_of`, their labels, and counts of what was left out and why."""
    source = context.source(context.view(model).on)
    rows = history.scan(source.name, [column.name for column in source.columns])
    rows = rows.filter(pc.less(rows["_arrived"], as_of))
    label = model.label
    outcome_source = context.source(label.source)
    outcomes = history.scan(outcome_source.name, [column.name for column in outcome_source.columns])
    decided: Decided | None = None
    counts = {"rows": rows.num_rows}
    services = context.services(model)
    if services and context.decisions is not None:
        decisions = answered(context.decisions(source.name, DECISION_COLUMNS), [s.name for s in services], as_of)
        prevents = frozenset(action for service in services for action in service.prevents)
        decided = decided_rows(rows["_id"].combine_chunks(), decisions, prevents)
        rows, counts["decided"] = with_decisions(rows, decisions)
    labels = label_rows(label, outcome_source, rows, outcomes, as_of, decided)
    return rows, labels, counts | {"labelled": labels.rows.size} | labels.dropped


def answered(decisions: pa.Table, services: Sequence[str], as_of: int) -> pa.Table:
    """Return the decisions that answered callers of `services` before `as_of`: the first of each event.

    Shadows, and what answered a retry a second time, are left out.
    """
    kept = pc.and_(
        pc.is_in(decisions["service"], value_set=pa.array(list(services), pa.string())),
        pc.and_(pc.less(decisions["arrived"], as_of), pc.not_equal(decisions["arm"], "shadow")),
    )
    decisions = decisions.filter(kept).sort_by("decision_id")
    if not decisions.num_rows:
        return decisions
    events = decisions["event_id"].combine_chunks()
    first = pc.index_in(events, value_set=pc.unique(events)).to_numpy(zero_copy_only=False)
    _, earliest = np.unique(first, return_index=True)
    return decisions.take(pa.array(np.sort(earliest)))


def with_decisions(rows: pa.Table, decisions: pa.Table) -> tuple[pa.Table, int]:
    """Lay what decisions recorded of their reads beside the rows; return also how many rows have one."""
    events = decisions["event_id"].combine_chunks()
    place = pc.index_in(rows["_id"].combine_chunks(), value_set=events)
    found = len(place) - place.null_count
    if not found:
        return rows, 0
    states = decisions["states"].combine_chunks().cast(STATES_TYPE)
    rows = rows.append_column("_instant", decisions["instant"].combine_chunks().take(place))
    return rows.append_column("_states", states.take(place)), found


def _told(counts: dict[str, int]) -> str:
    return (
        ", ".join(f"{count} {reason}" for reason, count in counts.items() if count and reason != "rows")
        or "there are none"
    )


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), dtype=np.int64)
