"""From the log and the decision journal to the lake, and away with what the lake has.

Each commit to the lake carries the position it was read up to, so that a flush that dies at any moment is
taken up by the next one, and no row is written twice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from tidewheel.collect.appending.decision_index import DecisionIndex, read_batches
from tidewheel.collect.appending.shipping import POSITION
from tidewheel.collect.checking.vectors import to_lake
from tidewheel.collect.keeping.decisions import TABLE as DECISIONS_TABLE
from tidewheel.collect.keeping.history import LOG, events_table
from tidewheel.definitions.ir import Source
from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.runtime.lease import Lease
from tidewheel.storage.journal.rows import to_arrow
from tidewheel.storage.journal.segments import is_live, list_segments, read_segment, remove_segment
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog

FLUSHED = "flushed"
"""Under this name the log stores the offset up to which all types were flushed."""
ROWS_A_COMMIT = 200_000
DECISIONS_A_COMMIT = 20_000
SECONDS_KEPT = 3600.0
"""How long a segment stays after its last write, for readers that follow a hint into it."""


class FlushSummary(msgspec.Struct, frozen=True):
    """What a flush did.

    Events and decisions written to the lake, segments deleted, the offset up to which all events are in the
    lake, the log's first offset, and what was wrong with segments that can't be read on.
    """

    events: int = 0
    decisions: int = 0
    segments_removed: int = 0
    flushed: int = 0
    first: int = 1
    damaged: tuple[str, ...] = ()


def flush(
    log: EventLog,
    lake: Lake,
    *,
    journal: Path | None = None,
    index: DecisionIndex | None = None,
    floor: int | None = None,
    wait: float = 60.0,
    sources: Sequence[Source] = (),
    events: bool = True,
) -> FlushSummary:
    """Flush events and decisions to the lake, then trim the log and the journal.

    Parameters
    ----------
    log : EventLog
    lake : Lake
    journal : Path, optional
        The decision journal's folder.
    index : DecisionIndex, optional
        Segments that it has not read are kept.
    floor : int, optional
        Offset from which somebody (a stream worker) still reads the log; it is not trimmed beyond.
        Without it nothing is trimmed.
    wait : float
        Seconds to wait for another flush.
    sources : sequence of Source
        The declarations: they tell which columns are vectors.
    events : bool
        False flushes decisions alone: of several hosts with one log, one flushes its events.

    Raises
    ------
    LeaseError
        Another process flushes for longer than `wait`.
    """
    with Lease.acquire(lake.folder / ".flush.lease", "flush to the lake", wait=wait):
        written, flushed = 0, log.position(FLUSHED)
        if events:
            written, flushed = _flush_events(log, lake, {source.name: source for source in sources})
        decisions = removed = 0
        damaged: list[str] = []
        if journal is not None:
            for path in list_segments(journal):
                try:
                    decisions += _flush_segment(lake, path)
                    removed += _remove_if_done(log, lake, index, path)
                except CorruptError as error:
                    damaged.append(str(error))
        if floor is not None:
            log.trim(min(flushed + 1, floor))
    return FlushSummary(written, decisions, removed, flushed, log.first(), tuple(damaged))


def _flush_events(log: EventLog, lake: Lake, sources: Mapping[str, Source]) -> tuple[int, int]:
    """Return how many events were written, and the offset up to which everything is flushed."""
    written, done = 0, log.position(FLUSHED)
    head = log.head()
    while done + 1 < head:
        pending: dict[str, list[pa.Table]] = {}
        start, rows = done + 1, 0
        while start < head and rows < ROWS_A_COMMIT:
            batch = log.read_batch(start, min(ROWS_A_COMMIT, head - start))
            for type, table in batch.tables.items():
                pending.setdefault(type, []).append(table)
                rows += len(table)
            start = batch.next
        for type, tables in pending.items():
            written += _flush_type(lake, type, _joined(tables, sources.get(type)))
        log.append([], now=0, positions={FLUSHED: start - 1}, expected={FLUSHED: done})
        done = start - 1
    return written, done


def _joined(tables: list[pa.Table], source: Source | None) -> pa.Table:
    return to_lake(pa.concat_tables(tables, promote_options="permissive"), source)


def _flush_type(lake: Lake, type: str, rows: pa.Table) -> int:
    table = events_table(type)
    before = lake.position(table, LOG)
    offsets = rows["_offset"].to_numpy()
    rows = rows.slice(int(offsets.searchsorted(before, "right")))
    if not len(rows):
        return 0
    rows = rows.append_column("_import", pa.nulls(len(rows), pa.string()))
    rows = rows.append_column("_row", pa.nulls(len(rows), pa.int64()))
    lake.append(table, rows, position=(LOG, int(offsets[-1])), expected=before)
    return len(rows)


def _flush_segment(lake: Lake, path: Path) -> int:
    """Write a segment's decisions that the lake does not have; return how many."""
    name = POSITION + path.stem
    written, before = 0, lake.position(DECISIONS_TABLE, name)
    for batch in read_batches(path, before, DECISIONS_A_COMMIT):
        following = batch[-1].following
        lake.append(DECISIONS_TABLE, to_arrow([it.record for it in batch]), position=(name, following), expected=before)
        written, before = written + len(batch), following
    return written


def _remove_if_done(log: EventLog, lake: Lake, index: DecisionIndex | None, path: Path) -> bool:
    """Delete a finished segment whose decisions are in the log, the lake and the index."""
    try:
        if time.time() - path.stat().st_mtime < SECONDS_KEPT or is_live(path):
            return False
        done = [log.position(POSITION + path.stem), lake.position(DECISIONS_TABLE, POSITION + path.stem)]
        if index is not None:
            done.append(index.position(path.stem))
        if next(read_segment(path, min(done)), None) is not None:
            return False
        remove_segment(path)
    except NotFoundError:
        return False
    if index is not None:
        index.forget_segment(path.stem)
    return True
