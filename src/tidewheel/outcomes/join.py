"""Each answered decision, with its outcome as known at an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.columns import arrow_type
from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import sources_of, told_by
from tidewheel.errors import NotFoundError
from tidewheel.outcomes.answered import COLUMNS, answered
from tidewheel.outcomes.labels import decided_rows, label_rows

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


class Events(Protocol):
    """What a join asks of history."""

    def scan(
        self, type: str, columns: Sequence[str], *, below: int | None = None, after: int | None = None
    ) -> pa.Table:
        """Return the events of a type that happened after an instant, or all, by offset."""


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
    """

    decisions: pa.Table
    label: Floats
    weight: Floats
    status: npt.NDArray[np.int8]

    def take(self, mask: npt.NDArray[np.bool_]) -> Joined:
        """Return the rows where `mask` is true."""
        rows = pa.array(mask)
        return Joined(self.decisions.filter(rows), self.label[mask], self.weight[mask], self.status[mask])

    @property
    def matured(self) -> npt.NDArray[np.bool_]:
        """Which rows have a label."""
        return np.asarray(self.status == int(Status.MATURED))


def join_outcomes(events: Events, graph: ir.Graph, service: ir.Service, decisions: pa.Table, as_of: int) -> Joined:
    """Join a service's decisions to the outcomes that its model's label speaks of.

    Parameters
    ----------
    events : Events
        `collect.History`, or anything with its `scan`.
    graph : ir.Graph
        Holds the service's model and the sources that it names.
    decisions : Table
        `COLUMNS` of this service's rows of the lake's ``decisions``.
    as_of : int
        Microseconds, UTC; outcomes that arrived at or after it are not seen.

    Raises
    ------
    NotFoundError
        The graph lacks the model or its outcome's declaration.
    """
    decisions = answered(decisions).select(
        [name for name in (*COLUMNS, "items", "stages") if name in decisions.column_names]
    )
    n = decisions.num_rows
    label, weight = np.full(n, np.nan), np.ones(n)
    if not service.model:
        return Joined(decisions, label, weight, np.full(n, Status.MISSING, dtype=np.int8))
    declared = named(graph.models, service.model).label
    if service.ranking is not None:  # its items have outcomes: see `outcomes.lists`
        return Joined(decisions, label, weight, np.full(n, Status.MISSING, dtype=np.int8))
    decided = decided_rows(decisions["event_id"].combine_chunks(), decisions, frozenset(service.prevents))
    wanted = paths_of(declared)
    of_row = sorted({*(path[1] for path in wanted if len(path) == 2), *declared.key})
    rows = decided_events(decisions, named(graph.sources, service.on) if of_row else None, of_row)
    sources = {name: named(graph.sources, name) for name in sources_of(declared)}
    after = pc.min(decisions["at"]).as_py()
    outcomes = {name: scan_outcomes(events, declared, source, after) for name, source in sources.items()}
    found = label_rows(declared, sources, rows, outcomes, as_of, decided)
    label[found.rows], weight[:] = found.y, decided.weight
    status = np.full(n, Status.MISSING, dtype=np.int8)
    status[decisions["at"].to_numpy() + declared.within >= as_of] = Status.PENDING
    status[decided.prevented] = Status.PREVENTED
    status[found.rows] = Status.MATURED
    return Joined(decisions, label, weight, status)


def scan_outcomes(events: Events, label: ir.Label, source: ir.Source, after: int | None) -> pa.Table:
    """Return what a label reads of an event that tells it, of those after the first decision.

    An outcome comes after its decision; what corrects one may speak of any time.
    """
    paths = {path[0] for path in paths_of(label) if path != ("at",)}
    for name, path, item in told_by(label):
        if name == source.name:
            paths |= {path[0], *item[:1]}
    columns = sorted(paths | ({ir.REVISION} if source.revisable else set()))
    return events.scan(source.name, columns, after=None if source.revisable else after)


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


def paths_of(label: ir.Label) -> set[ir.Path]:
    """Return what a label's expressions read, as paths from the event that tells it."""

    def walk(expr: ir.Expr | None) -> Iterator[ir.Path]:
        if isinstance(expr, ir.Col):
            yield expr.path
        elif isinstance(expr, ir.Call):
            for argument in expr.args:
                yield from walk(argument)

    if label.aggregate is not None:
        return {*walk(label.aggregate.value), *walk(label.aggregate.where)}
    return set(walk(label.value))


Named = TypeVar("Named", ir.Model, ir.Source, ir.View)


def named(things: tuple[Named, ...], name: str) -> Named:
    """Return what is called `name`."""
    for thing in things:
        if thing.name == name:
            return thing
    raise NotFoundError(f"the deployed graph has no {name}", remedy="deploy a version trained from this project")
