"""Events on their way in through a workspace, and how far its log is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tidewheel.collect.checking.checks import row_check
from tidewheel.collect.importing.formats import spooled
from tidewheel.collect.importing.imports import ImportSummary, import_file
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.collect.keeping.flush import FlushSummary
from tidewheel.collect.keeping.flush import flush as flush_to_lake
from tidewheel.definitions import Project, ir, values_of
from tidewheel.errors import ExpectationError, InputError, SchemaError
from tidewheel.registry.graphs import active_groups
from tidewheel.runtime.stores import Stores
from tidewheel.storage.log.records import BadRow, NewEvent, Outcome
from tidewheel.workspace.events.quality import tell_stopped
from tidewheel.workspace.summaries import LogStatus

Submit = Callable[[Sequence[NewEvent | BadRow]], Future[list[Outcome]]]
STDIN = "-"
STANDARD_INPUT = "standard input"
NOW = "now"
RETRIED_AT_ONCE = 1_000
FLUSH_WAIT = 60.0
"""Seconds to wait for another flush."""


def checked(events: Any, project: Project, now: int) -> list[NewEvent | BadRow]:
    """Check instances of event classes against their declarations; one that fails an expectation comes out bad.

    Raises
    ------
    SchemaError
        One does not fit; the error names it and what is wrong.
    """
    sources = {source.name: source for source in project.graph.sources}
    rows: list[NewEvent | BadRow] = []
    for event in events if isinstance(events, Iterable) and not isinstance(events, Mapping) else [events]:
        source = sources.get(type(event).__name__)
        if source is None:
            raise SchemaError(
                f"{type(event).__name__} is no event of this project",
                remedy="give instances of its event classes, as Order(id='o1', ...); tidewheel plan lists them",
            )
        row = row_check(source).check(columns_of(event), now=now)
        if isinstance(row, BadRow) and not row.expectation:
            raise SchemaError(row.reason, where=source.name)
        rows.append(row)
    return rows


def columns_of(event: Any) -> dict[str, Any]:
    """Return an event instance's columns by name, with its ``at`` when it has one."""
    columns = values_of(event)
    if getattr(event, "at", None) is not None:
        columns["at"] = event.at
    return columns


def columns_for(service: Any, event: Any) -> dict[str, Any]:
    """Return the columns of an event that a service is to answer; refuse one of another type than its class says."""
    wanted = getattr(service, "_on", None)
    if wanted is not None and type(event).__name__ != wanted.__name__:
        raise SchemaError(f"{service.__name__} answers {wanted.__name__}, not {type(event).__name__}")
    return columns_of(event)


def ingest(
    stores: Stores,
    source: ir.Source,
    file: str,
    *,
    format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    timezone: str | None = None,
    arrived: str | None = None,
    nulls: Sequence[str] = (),
    progress: Callable[[str, int, float], None] | None = None,
) -> ImportSummary:
    """Take a file in; standard input is kept in a file first, so that an interruption can go on."""
    options = FileOptions(
        format=format or "",
        mapping=mapping or {},
        arrived_column="" if arrived in (None, NOW) else str(arrived),
        nulls=tuple(nulls),
        zone=_zone(timezone),
    )
    spool = spooled(sys.stdin.buffer, stores.layout.run) if file == STDIN else None
    try:
        summary = import_file(
            spool or Path(file),
            source,
            log=stores.log,
            lake=stores.lake,
            folder=stores.layout.run / "imports",
            now=stores.clock.now(),
            options=options,
            arrived="now" if arrived == NOW else "at",
            progress=progress,
        )
    except ExpectationError as error:
        tell_stopped(stores, source, error)
        raise
    except InputError as error:
        if spool is not None and error.where == str(spool):
            error.where = STANDARD_INPUT
        raise
    finally:
        if spool is not None:
            spool.unlink()
    return summary if spool is None else msgspec.structs.replace(summary, file=STANDARD_INPUT)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"no time zone {name!r}", remedy="name one such as Europe/Stockholm or UTC") from error


def retry(stores: Stores, graph: ir.Graph, submit: Submit, event: str | None) -> tuple[int, int]:
    """Check quarantined rows again by the declarations of now; take in those that fit."""
    sources = {source.name: source for source in graph.sources}
    taken, left, after = 0, 0, 0
    newest = _newest_bad_row(stores, event)
    while after < newest and (bad := stores.log.bad_rows(event, after=after, limit=RETRIED_AT_ONCE)):
        bad = [row for row in bad if row.seq <= newest]
        after = bad[-1].seq
        again = [(row, _again(row, sources.get(row.type), stores.clock.now())) for row in bad]
        good = [(row, new) for row, new in again if isinstance(new, NewEvent)]
        outcomes = submit([new for _, new in good]).result() if good else []
        # What was refused again stands in the quarantine anew, with the reason of now.
        stores.log.delete_bad_rows([row.seq for row, _ in good])
        in_log = sum(outcome.status != "quarantined" for outcome in outcomes)
        taken, left = taken + in_log, left + len(bad) - in_log
    return taken, left


def _newest_bad_row(stores: Stores, event: str | None) -> int:
    newest = 0
    while rows := stores.log.bad_rows(event, after=newest, limit=RETRIED_AT_ONCE):
        newest = rows[-1].seq
    return newest


def _again(row: BadRow, source: ir.Source | None, now: int) -> NewEvent | BadRow:
    return row if source is None else row_check(source).check_again(row, now=now)


def flush(stores: Stores, sources: Sequence[ir.Source], looked_at: int = 0) -> FlushSummary:
    """Bring the lake up to the log and the journal; trim what the lake and every stream worker have.

    Where events have expectations, what lies beyond the offset `looked_at` is kept too.
    """
    with stores.hold("flush", "flush to the lake", wait=FLUSH_WAIT):
        return _flush(stores, sources, looked_at)


def flush_decisions(stores: Stores) -> FlushSummary:
    """Do as `flush` does, but for the events: for a host where others bring those to the lake."""
    return _flush(stores, (), events=False)


def _flush(stores: Stores, sources: Sequence[ir.Source], looked_at: int = 0, *, events: bool = True) -> FlushSummary:
    from tidewheel.collect.appending.decision_index import DecisionIndex

    index = DecisionIndex.open(stores.layout.decisions)
    try:
        return flush_to_lake(
            stores.log,
            stores.lake,
            journal=stores.layout.journal,
            index=index,
            floor=min(_folded(stores), looked_at or stores.log.head()) + 1,
            sources=sources,
            events=events,
        )
    finally:
        index.close()


def _folded(stores: Stores) -> int:
    """Return the offset up to which every state that is kept has been folded."""
    kept = [group.state_id for group in active_groups(stores.catalog)]
    return min((stores.state.offset(state_id) for state_id in kept), default=stores.log.head() - 1)


def log_status(stores: Stores) -> LogStatus:
    """Return how far the log and its readers are."""
    stats = stores.log.stats()
    positions = {"lake": stores.log.position("flushed")}
    for group in active_groups(stores.catalog):
        positions[f"state of {group.name}"] = stores.state.offset(group.state_id)
    counters = {type: msgspec.structs.asdict(counts) for type, counts in stats.types.items()}
    for counts in counters.values():
        del counts["newest_arrived"]
    watermarks = {type: counts.pop("watermark") for type, counts in counters.items()}
    return LogStatus(stats.first, stats.head, stats.bytes, positions, counters, watermarks)
