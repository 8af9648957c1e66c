"""Each answered decision, with its outcome as known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.columns import arrow_type
from tidewheel.definitions import ir, row_source
from tidewheel.definitions.models.labels import horizon_of, labels_of
from tidewheel.outcomes.answered import COLUMNS, answered
from tidewheel.outcomes.labels import decided_rows
from tidewheel.outcomes.selecting import as_read, meant
from tidewheel.outcomes.told import Events, named, paths_of, told_of_rows

Floats = npt.NDArray[np.float64]


class Status(IntEnum):
    """What is known of a decision's outcome."""

    MATURED = 0
    """The label is known and can no longer change."""
    PENDING = 1
    """The label's horizon is not over."""
    PREVENTED = 2
    """The decision kept the outcome from happening: unknown, not negative."""
    MISSING = 3
    """The horizon is over and no outcome came."""
    OUTSIDE = 4
    """The model is not meant for such rows: its ``where`` says so, or can't be known any more."""


@dataclass(frozen=True)
class Joined:
    """Decisions of one service and their outcomes, by the instant of the decision.

    Attributes
    ----------
    decisions : Table
        `COLUMNS` of the lake's ``decisions``, one row an event: the answered one.
    label : float64 array
        NaN where unknown.
    weight : float64 array
        1 / propensity where the decision explored.
    status : int8 array
        See `Status`.
    meant : bool array, optional
        Which ones the model is known to be meant for; None for all.
    """

    decisions: pa.Table
    label: Floats
    weight: Floats
    status: npt.NDArray[np.int8]
    meant: npt.NDArray[np.bool_] | None = None

    def take(self, mask: npt.NDArray[np.bool_]) -> Joined:
        """Return the rows where `mask` is true."""
        return self.at(np.flatnonzero(mask))

    def at(self, places: npt.NDArray[np.int64], decisions: pa.Table | None = None) -> Joined:
        """Return the rows at some places; `decisions` are theirs where they are made already."""
        table = self.decisions.take(pa.array(places)) if decisions is None else decisions
        known = None if self.meant is None else self.meant[places]
        return Joined(table, self.label[places], self.weight[places], self.status[places], known)

    @property
    def matured(self) -> npt.NDArray[np.bool_]:
        """Which rows have a label."""
        return np.asarray(self.status == int(Status.MATURED))


def join_outcomes(
    events: Events, graph: ir.Graph, service: ir.Service, decisions: pa.Table, as_of: int, model: str = ""
) -> Joined:
    """Join a service's decisions to the outcomes that its model's label speaks of, on the rows it is meant for.

    Parameters
    ----------
    events : Events
        `collect.History`, or anything with its `scan` unless a condition of the row's own tells what a model is
        meant for.
    graph : ir.Graph
        Holds the service's model and the sources that it names.
    decisions : Table
        `COLUMNS` of this service's rows of the lake's ``decisions``; ``states`` too where such a condition is read.
    as_of : int
        Microseconds, UTC; outcomes that arrived at or after it are not seen.
    model : str, optional
        Another one of the service's line-up.

    Raises
    ------
    NotFoundError
        The graph lacks the model or its outcome's declaration.
    """
    decisions = answered(decisions).select(
        [name for name in (*COLUMNS, "items", "stages", "states") if name in decisions.column_names]
    )
    n = decisions.num_rows
    label, weight = np.full(n, np.nan), np.ones(n)
    if not service.model or service.ranking is not None:  # a list's items have outcomes: see `outcomes.lists`
        return Joined(decisions, label, weight, np.full(n, Status.MISSING, dtype=np.int8))
    declared = named(graph.models, model or service.model)
    decided = decided_rows(decisions["event_id"].combine_chunks(), decisions, frozenset(service.prevents))
    rows, after = _rows(decisions, graph, service, declared), pc.min(decisions["at"]).as_py()
    said = meant(events, graph, declared, rows, as_of, after=after)
    found = told_of_rows(events, graph, declared.label, rows, as_of, decided=decided, after=after)
    ours = said[found.rows] == 1.0
    label[found.rows[ours]], weight[:] = found.y[ours], decided.weight
    status = np.full(n, Status.MISSING, dtype=np.int8)
    pending = decisions["at"].to_numpy() + horizon_of(declared) >= as_of
    status[pending] = Status.PENDING
    status[decided.prevented] = Status.PREVENTED
    status[found.rows] = Status.MATURED
    status[(said == 0.0) | (np.isnan(said) & ~pending)] = Status.OUTSIDE
    status[np.isnan(said) & pending] = Status.PENDING
    return Joined(decisions, label, weight, status, None if declared.where is None else said == 1.0)


def _rows(decisions: pa.Table, graph: ir.Graph, service: ir.Service, model: ir.Model) -> pa.Table:
    """Return the decided events with what is asked of them; all there is where a condition is read of them."""
    if isinstance(model.where, ir.View):
        source = row_source(graph.sources, model.where)
        return as_read(decided_events(decisions, source, [column.name for column in source.columns]), decisions)
    asked = [path[1] for label in labels_of(model) for path in paths_of(label) if len(path) == 2]
    wanted = sorted({*asked, *(name for label in labels_of(model) for name in label.key)})
    return decided_events(decisions, named(graph.sources, service.on) if wanted else None, wanted)


def decided_events(decisions: pa.Table, source: ir.Source | None, columns: Sequence[str]) -> pa.Table:
    """Return the decided events: their ids, times, and the columns that the label reads of them."""
    table = {"_id": decisions["event_id"], "_at": decisions["at"]}
    if source is not None:
        inputs = [msgspec.json.decode(text) for text in decisions["inputs"].to_pylist()]
        for name in columns:
            declared = source.column(name)
            kind = arrow_type(declared.kind) if declared is not None else None
            table[name] = pa.array([row.get(name) for row in inputs], kind)
    return pa.table(table)
