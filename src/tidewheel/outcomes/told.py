"""What later events tell of rows, read from history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import sources_of, told_by
from tidewheel.errors import NotFoundError
from tidewheel.outcomes.labels import Decided, Labels, label_rows


class Events(Protocol):
    """What a join asks of history."""

    def scan(
        self, type: str, columns: Sequence[str], *, below: int | None = None, after: int | None = None
    ) -> pa.Table:
        """Return the events of a type that happened after an instant, or all, by offset."""


def told_of_rows(
    events: Events,
    graph: ir.Graph,
    label: ir.Label,
    rows: pa.Table,
    as_of: int,
    *,
    decided: Decided | None = None,
    after: int | None = None,
) -> Labels:
    """Give rows their labels as known at an instant, by the events of history (see `label_rows`).

    `after` is an instant before all rows, where it is known: what happened before it is not read.
    """
    sources = {name: named(graph.sources, name) for name in sources_of(label)}
    outcomes = {name: scan_outcomes(events, label, source, after) for name, source in sources.items()}
    return label_rows(label, sources, rows, outcomes, as_of, decided)


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
