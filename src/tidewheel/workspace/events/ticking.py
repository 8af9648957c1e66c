"""Ticks: scheduled events, one for each entity at each due instant, in the log exactly once.

Which entities a tick is made for is a function of history as of its due instant, and its id one of tick, entity and
instant. So a run that was killed is simply done again: what it made before is recognised, and nothing else comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import InputError, OverloadedError
from tidewheel.features.planning.view import plan_view
from tidewheel.features.replay.backfill import compute_view
from tidewheel.features.replay.batch_files import write_batches
from tidewheel.runtime.due import Schedule, next_due, show
from tidewheel.runtime.schedule import JobRun, Later, Work, newest_runs
from tidewheel.runtime.stores import Stores
from tidewheel.storage.log.records import NewEvent
from tidewheel.workspace.naming import find

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

AT_ONCE = 1_000
"""Events that are handed to the log together."""
ROWS_AT_ONCE = 500_000
"""Ticks of the past that are looked at together."""


class TickStatus(msgspec.Struct, frozen=True):
    """A declared tick: when it is due next, and what came of it last."""

    name: str
    each: str
    schedule: str
    next: int
    last: JobRun | None


class PastTicks(msgspec.Struct, frozen=True):
    """What was made of the past: so many ticks, at so many due instants, from the first to the last."""

    tick: str
    made: int
    instants: int
    first: int
    last: int


def tick_jobs(workspace: Workspace, graph: ir.Graph) -> dict[str, tuple[Schedule, Work]]:
    """Return the jobs that make ticks, by name."""
    return {job_of(tick): (schedule_of(tick), partial(make_ticks, workspace, tick)) for tick in graph.ticks}


def job_of(tick: ir.Tick) -> str:
    """Return the name of the job that makes a tick."""
    return f"tick {tick.name}"


def schedule_of(tick: ir.Tick) -> Schedule:
    """Return when a tick is due."""
    return Schedule(**msgspec.structs.asdict(tick.when))


def list_ticks(stores: Stores, graph: ir.Graph) -> list[TickStatus]:
    """Return the ticks that are declared."""
    newest, now = newest_runs(stores.catalog), stores.clock.now()
    return [
        TickStatus(t.name, t.each, s.describe(), next_due(s, now), newest.get(job_of(t)))
        for t in graph.ticks
        for s in [schedule_of(t)]
    ]


def make_ticks(workspace: Workspace, tick: ir.Tick, due: int) -> str:
    """Make the ticks of one due instant: decided where services are deployed on them, else put in the log.

    Raises
    ------
    Later
        The log has more waiting than it takes.
    """
    workspace.sync()
    workspace.follow()
    graph, serving = workspace.project.graph, workspace.serving
    rows = tick_rows(workspace.history, graph, tick, [due])
    services = [s.name for s in graph.services if s.on == tick.name and s.name in serving.desk.services]
    try:
        for piece in rows.to_batches(AT_ONCE):
            events = piece.to_pylist()
            for service in services:
                for event in events:
                    serving.decide(service, event, f"tick {tick.name}")
            if not services:
                serving.submit([_event(tick, event) for event in events]).result()
        workspace.sync()
    except OverloadedError as error:
        raise Later(str(error)) from error
    did = f"decided by {', '.join(services)}" if services else "in the log"
    return f"{len(rows):,} of {tick.each} as of {show(due)}, {did}"


def make_past(workspace: Workspace, name: str, since: int, until: int | None) -> PastTicks:
    """Put the ticks of past due instants in history, as events that were known when they were due.

    Raises
    ------
    InputError
        No due instant lies in the range and after the newest tick.
    """
    workspace.sync()
    stores, graph = workspace.stores, workspace.project.graph
    tick: ir.Tick = find(graph.ticks, name, "tick")
    newest, now = stores.log.newest_arrived(tick.name), stores.clock.now()
    dues = _dues(schedule_of(tick), max(since, newest + 1), now if until is None else min(until, now))
    if not dues:
        after = f" after the newest one, of {show(newest)}" if newest else ""
        raise InputError(f"{tick.name} was never due in the range{after}", remedy="give an earlier --since")
    made, known = 0, _known(workspace.history, graph, tick)
    with TemporaryDirectory(dir=stores.layout.run) as folder:
        for number, part in enumerate(_parts(dues, len(known))):
            rows = tick_rows(workspace.history, graph, tick, part, known)
            if len(rows):
                file = Path(folder) / f"{tick.name}-{number}.arrow"
                instants = rows["at"].cast(pa.timestamp("us", "UTC"))
                rows = rows.set_column(rows.schema.get_field_index("at"), "at", instants)
                write_batches(file, [rows], rows.schema)
                made += workspace.ingest(str(file), tick.name).accepted
    workspace.sync()
    return PastTicks(tick.name, made, len(dues), dues[0], dues[-1])


def tick_rows(
    history: History, graph: ir.Graph, tick: ir.Tick, dues: Sequence[int], known: pa.Table | None = None
) -> pa.Table:
    """Return the ticks of some due instants: ``id``, the reference to the entity, ``at``; by instant and entity.

    An entity is known from when its own row, or an event that refers to it, arrived: it must have before the instant.
    """
    known = _known(history, graph, tick) if known is None else known
    entities, since = known["entity"].combine_chunks(), known["since"].to_numpy()
    places = [np.flatnonzero(since < due) for due in dues]
    at = np.repeat(np.array(dues, np.int64), [len(part) for part in places])
    named = entities.take(pa.array(np.concatenate([np.empty(0, np.int64), *places]), pa.int64()))
    rows = pa.table({tick.column: named, "at": at})
    if tick.where is not None and len(rows):
        rows = rows.filter(pa.array(_chosen(history, graph, tick.where, rows)))
    ids = [_id(entity, due) for entity, due in zip(rows[tick.column].to_pylist(), rows["at"].to_pylist(), strict=True)]
    return rows.add_column(0, "id", pa.array(ids, pa.string()))


def _chosen(history: History, graph: ir.Graph, where: ir.View, rows: pa.Table) -> npt.NDArray[np.bool_]:
    """Return for which rows a condition holds, as of their instants; a null is not true."""
    asked = rows.append_column("_at", rows["at"]).append_column("_arrived", rows["at"])
    words = compute_view(history, graph, plan_view(graph, where), asked).words[:, 0]
    return np.asarray(words == 1.0, np.bool_)


def _known(history: History, graph: ir.Graph, tick: ir.Tick) -> pa.Table:
    """Return every entity with when it was first heard of, by rising id."""
    found = [pa.table({"entity": pa.array([], pa.string()), "since": pa.array([], pa.int64())})]
    made = {other.name for other in graph.ticks}
    for source in graph.sources:
        if source.name not in made:
            own = (source.id_column,) if source.name == tick.each else ()
            columns = [*own, *(column.name for column in source.columns if column.target == tick.each)]
            found += list(_first_heard(history, source.name, [name for name in columns if name is not None]))
    return _earliest(pa.concat_tables(found)).sort_by("entity")


def _first_heard(history: History, source: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    for piece in history.pieces(source, columns) if columns else ():
        for name in columns:
            yield _earliest(pa.table({"entity": piece[name].cast(pa.string()), "since": piece["_arrived"]}))


def _earliest(heard: pa.Table) -> pa.Table:
    first = heard.drop_null().group_by("entity").aggregate([("since", "min")])
    return first.select(["entity", "since_min"]).rename_columns(["entity", "since"])


def _dues(schedule: Schedule, since: int, until: int) -> list[int]:
    found, due = [], next_due(schedule, since - 1)
    while due < until:
        found.append(due)
        due = next_due(schedule, due)
    return found


def _parts(dues: list[int], entities: int) -> Iterator[list[int]]:
    step = max(1, ROWS_AT_ONCE // max(1, entities))
    yield from (dues[start : start + step] for start in range(0, len(dues), step))


def _id(entity: str, due: int) -> str:
    return f"{entity}@{show(due)}"


def _event(tick: ir.Tick, row: dict[str, object]) -> NewEvent:
    at = int(str(row["at"]))
    return NewEvent(tick.name, str(row["id"]), at, {"id": row["id"], tick.column: row[tick.column]})
