"""From history to a data set: rows of the view's event, their labels, their features as they stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import horizon_of
from tidewheel.errors import TrainingError
from tidewheel.features.proof.recorded import STATES_TYPE
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.shown import REQUEST, rows_of_view
from tidewheel.features.words import to_words
from tidewheel.outcomes.answered import is_load_test
from tidewheel.outcomes.labels import Decided, Labels, decided_rows, with_key
from tidewheel.outcomes.selecting import meant
from tidewheel.outcomes.told import told_of_rows
from tidewheel.training.context import DECISION_COLUMNS, Progress, TrainingContext
from tidewheel.training.data.constants import learn_constants
from tidewheel.training.data.dataset import DataSet, content_digest
from tidewheel.training.data.divide import Cut, divided, fit_weights
from tidewheel.training.data.findings import Finding
from tidewheel.training.data.later import filled_later, known_later
from tidewheel.training.data.levels import encode, fix_levels
from tidewheel.training.data.split import Fold, Sides
from tidewheel.training.data.young import stand_for
from tidewheel.training.fit.baseline import linear_scores
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.transfer.chains import Chain

Floats = npt.NDArray[np.float64]
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
    view : ir.View
        The model's, with the constants that it learned from the train rows.
    fit_weight : float64 array
        How much a fit learns from each row; `data.weight` is what it stands for among all rows.
    prior : float
        What the odds that such a fit gives are multiplied by, to be those among all rows (see `data.sample`).
    folds : list of Fold
        Earlier cuts, oldest first: positions in `data`.
    findings : list of Finding
        Columns that were known only after their row.
    """

    rows: pa.Table
    data: DataSet
    sides: Sides
    view: ir.View
    fit_weight: Floats
    prior: float = 1.0
    folds: list[Fold] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def reweighed(self) -> bool:
        """Whether a fit weighs rows by other proportions than those they have among all rows."""
        fit, true = self.fit_weight, self.data.weight
        return not np.allclose(fit / fit.mean(), true / true.mean())


class _Sees(TypedDict):
    """What rows without a decision see."""

    serving_delay: int
    visibility: ir.Visibility


def _sees(model: ir.Model) -> _Sees:
    return _Sees(serving_delay=model.serving_delay, visibility=model.visibility)


Labelled = tuple[pa.Table, Labels, dict[str, int]]
"""Rows, their labels, and counts of what was left out and why."""


def gather(
    context: TrainingContext,
    model: ir.Model,
    history: History,
    as_of: int,
    progress: Progress | None = None,
    labelled: Labelled | None = None,
    chain: Chain | None = None,
) -> Gathered:
    """Build the training set of a model as it was known at `as_of`.

    `labelled` is what `labelled_rows` returned, where that was asked for already; `chain` has the versions whose scores
    are columns of the view.

    Raises
    ------
    TrainingError
        When no row has a label, or a side of the split is empty.
    """
    view = context.view(model)
    rows, labels, counts = labelled or labelled_rows(context, model, history, as_of)
    at, offset = _ints(rows["_at"])[labels.rows], _ints(rows["_offset"])[labels.rows]
    if not at.size:
        raise TrainingError(
            f"none of {rows.num_rows} {view.on} rows can be trained on: {_told(counts)}",
            where=model.name,
            remedy="wait until labels are mature, or ingest more history: tidewheel ingest FILE --as EVENT",
        )
    cut = divided(model, rows, labels)
    table = rows.take(pa.array(labels.rows[cut.used]))
    sees = _sees(model)
    view = learn_constants(history, context.graph, view, table.take(pa.array(cut.sides.train)), **sees)
    columns = read_view(history, context.graph, view, table, progress=progress, **sees)
    if chain is not None:
        columns = chain.filled(columns, view, history, table, model.visibility, model.serving_delay)
    columns = columns.drop_columns([name for name in ("_id",) if name in columns.column_names])
    texts = tuple(column.name for column in view.columns if column.text)
    ids, y, weight = table["_id"].combine_chunks(), cut.y, labels.weight[cut.used] * cut.stands_for
    weight = weight * _stand_for(cut, columns, texts, weight)
    counts |= cut.counts
    at, offset = at[cut.used], offset[cut.used]
    digest = content_digest(columns, texts, y, weight, ids, at)
    data = DataSet(columns, texts, y, weight, ids, at, offset, counts, digest)
    weighed = _weighing_columns(context, model, history, table, columns, sees)
    fit_weight, prior = fit_weights(model.sample, data, cut, weighed)
    later = [
        *filled_later(rows, view, as_of - horizon_of(model) - 1),
        *known_later(history, context.graph, model, view, table, columns, cut.sides.train),
    ]
    return Gathered(table, data, cut.sides, view, fit_weight, prior, cut.folds, later)


def _stand_for(cut: Cut, columns: pa.Table, texts: tuple[str, ...], weight: Floats) -> Floats:
    """Return what each row stands for on behalf of its age: 1 where its horizon was over."""
    found, young = np.ones(weight.size), np.flatnonzero(cut.come < 1.0)
    if not young.size:
        return found
    old = cut.sides.train[cut.come[cut.sides.train] == 1.0]
    levels = fix_levels(columns, texts, old)
    names = columns.column_names
    matrix = Matrix(encode(columns, levels), cut.y, weight, names, [names.index(name) for name in texts])
    chance = linear_scores(matrix.take(old), matrix.x[young], classification=True)
    found[young] = stand_for(cut.y[young], cut.come[young], chance)
    return found


def _weighing_columns(
    context: TrainingContext, model: ir.Model, history: History, table: pa.Table, columns: pa.Table, sees: _Sees
) -> dict[str, Floats]:
    """Return what rows are weighed by: columns of the model's view, and "" for an expression of its own."""
    names = {step.column for step in model.sample if step.kind == "weights"}
    found = {name: to_words(columns[name], text=False) for name in names if name}
    if model.weights is not None:
        read = read_view(history, context.graph, model.weights, table, **sees)
        found[""] = to_words(read[model.weights.columns[0].name], text=False)
    return found


def labelled_rows(context: TrainingContext, model: ir.Model, history: History, as_of: int) -> Labelled:
    """Return the rows known at `as_of`, their labels, and counts of what was left out and why."""
    view = context.view(model)
    rows = rows_of_view(history, context.graph, view, as_of)
    counts = {"rows": rows.num_rows}
    services, decisions = context.services(model), None
    if services and context.decisions is not None:
        decisions = context.decisions(view.on, DECISION_COLUMNS)
        rows = _without_load_tests(rows, decisions, counts)
        decisions = answered(decisions, [s.name for s in services], as_of)
        rows, counts["decided"] = with_decisions(rows, decisions)
    rows = _meant(context, model, history, rows, as_of, counts)
    decided: Decided | None = None
    if decisions is not None and view.each is None:  # a list prevents nothing
        prevents = frozenset(action for service in services for action in service.prevents)
        decided = decided_rows(rows["_id"].combine_chunks(), decisions, prevents)
    labels = told_of_rows(history, context.graph, model.label, with_key(rows, view), as_of, decided=decided)
    return rows, labels, counts | {"labelled": labels.rows.size} | labels.dropped


def _meant(
    context: TrainingContext, model: ir.Model, history: History, rows: pa.Table, as_of: int, counts: dict[str, int]
) -> pa.Table:
    """Return the rows that a model is known to be meant for; the others are counted."""
    if model.where is None:
        return rows
    told = with_key(rows, context.view(model))
    said = meant(history, context.graph, model, told, as_of, **_sees(model))
    counts |= {"outside where": int(np.sum(said == 0.0)), "where not known": int(np.isnan(said).sum())}
    return rows.filter(pa.array(said == 1.0))


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


def _without_load_tests(rows: pa.Table, decisions: pa.Table, counts: dict[str, int]) -> pa.Table:
    """Leave out, and count, what `tidewheel bench` asked for: nothing will become of it."""
    asked = decisions.filter(is_load_test(decisions["caller"]))["event_id"].combine_chunks()
    if not len(asked):
        return rows
    kept = rows.filter(pc.invert(pc.is_in(_asked(rows), value_set=asked)))
    counts["load tests"] = rows.num_rows - kept.num_rows
    return kept


def _asked(rows: pa.Table) -> pa.ChunkedArray:
    """Return the ids of the events that rows were decided on."""
    return rows[REQUEST if REQUEST in rows.column_names else "_id"]


def with_decisions(rows: pa.Table, decisions: pa.Table) -> tuple[pa.Table, int]:
    """Lay what decisions recorded of their reads beside the rows; return also how many rows have one."""
    events = decisions["event_id"].combine_chunks()
    place = pc.index_in(_asked(rows).combine_chunks(), value_set=events)
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
