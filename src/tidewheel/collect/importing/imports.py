"""A file of history becomes part of the log: once, whatever happens on the way.

The rows go to the lake first, under the import's id, where nobody reads them; then one record in the log says
that they count, and from which offset. A process killed before the record has changed nothing that anyone sees,
and the same command goes on: rows staged already are not written again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.collect.checking.screening import screen_table
from tidewheel.collect.checking.tables import ARRIVED, AT, ROW
from tidewheel.collect.checking.vectors import to_lake
from tidewheel.collect.importing.gathering import Arrived, Gathered, Progress, gather, refuse_too_many
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.collect.importing.revisions import revisions_of
from tidewheel.definitions.ir import Source
from tidewheel.errors import ConflictError, FileError, StorageError
from tidewheel.runtime.lease import Lease
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import LATE_AFTER, BadRow, ImportRecord, Revisions, Times

_ID_LENGTH = 32
_ROWS_A_BATCH = 1 << 17
_BAD_ROWS_AT_ONCE = 5_000
QUARANTINED = "import-quarantine:"
"""How many of an import's bad rows quarantine holds, as a position in the log under this and the file's id."""


class ImportSummary(msgspec.Struct, frozen=True):
    """What an import did.

    Attributes
    ----------
    type, file, import_id : str
    already : bool
        The same file was ingested before: nothing was done, and the counts are those of then. One whose rows were all
        quarantined counts as not ingested, so that it can be with other options.
    rows : int
        Rows of the file; each was accepted, a duplicate or quarantined.
    accepted, duplicates, quarantined : int
    clamped : int
        Accepted rows whose time lay up to five minutes after their arrival, and was taken as of it.
    repeated, skipped : int
        Clock readings in an hour that clocks repeat (taken as the first) or skip (moved forward).
    dropped : tuple of str
        Columns of the file that nothing wants.
    offset : int
        Of the first accepted row.
    first_arrived, last_arrived : int
        Range of arrivals, microseconds.
    seconds : float
    began : int
        When it was taken in, microseconds of the workspace's clock.
    """

    type: str
    file: str
    import_id: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    clamped: int = 0
    repeated: int = 0
    skipped: int = 0
    dropped: tuple[str, ...] = ()
    offset: int = 0
    first_arrived: int = 0
    last_arrived: int = 0
    seconds: float = 0.0
    already: bool = False
    began: int = 0

    @property
    def refused(self) -> bool:
        """Whether no row of it could be taken: all are in quarantine."""
        return 0 < self.rows == self.quarantined

    def __str__(self) -> str:
        """Say it in a few lines, for people.

        >>> print(ImportSummary("Sale", "sales.csv", "", rows=3, accepted=2, quarantined=1))
        sales.csv: 3 rows of Sale: 2 accepted, 1 quarantined
        """
        counts = {
            "duplicates taken once": self.duplicates,
            "quarantined": self.quarantined,
            "times ahead of their arrival taken as of it": self.clamped,
            "readings of a repeated hour taken as the first": self.repeated,
            "readings of a skipped hour moved forward": self.skipped,
        }
        said = ", ".join([f"{self.accepted} accepted", *(f"{count} {what}" for what, count in counts.items() if count)])
        lines = [f"{self.file}: {self.rows} rows of {self.type}: {said}"]
        if self.already:
            lines = [f"{self.file}: already ingested; nothing was done ({self.rows} rows of {self.type}: {said})"]
        if self.dropped:
            lines.append(f"columns of the file that nothing wants: {', '.join(self.dropped)}")
        return "\n".join(lines)


def import_file(
    path: Path,
    source: Source,
    *,
    log: EventLog,
    lake: Lake,
    folder: Path,
    now: int,
    options: FileOptions | None = None,
    arrived: Arrived = "at",
    wait: float = 3600.0,
    progress: Progress | None = None,
) -> ImportSummary:
    """Make the rows of a file part of history, exactly once.

    Parameters
    ----------
    path : Path
    source : Source
        What the rows are: an event type, or an entity whose table this is.
    log, lake : EventLog, Lake
    folder : Path
        Where imports keep their locks and summaries.
    now : int
        The workspace's clock, microseconds.
    options : FileOptions, optional
        Format, mapping, marks for null, zone, column of arrivals.
    arrived : {"at", "now"}
        Rows became known when they happened, or now. A column of arrivals goes before both.
    wait : float
        Seconds to wait for another import of the same type.
    progress : callable, optional
        Called with (stage, rows so far, share of the stage).

    Raises
    ------
    FileError
        The file can't be read as rows of this type; nothing was taken.
    ExpectationError
        Its rows are not what is expected of them, and the policy is to stop; nothing was taken.
    ConflictError
        Its rows became known before the newest one logged; nothing was taken.
    LeaseError
        Another import of the type runs for longer than `wait`.
    """
    started = time.monotonic()
    options = options or FileOptions()
    with Lease.acquire(folder / f"{source.name}.lease", f"tidewheel ingest --as {source.name}", wait=wait):
        content = content_id(path, source, options, progress)
        done = import_of(log, content)
        if done is not None:
            return _known_summary(folder, done, path)
        _begin_anew(log, folder, content)
        rows = gather(path, source, options, arrived=arrived, now=now, prefix=content[:16], progress=progress)
        if source.expects:
            table, refused = screen_table(rows.table, source, origin=path.name, now=now)
            rows = rows._replace(table=table, bad=[*rows.bad, *refused])
            refuse_too_many(rows.bad, path)
        if content_id(path, source, options) != content:
            raise FileError("the file changed while it was read", where=str(path), remedy="ingest it when it is whole")
        summary = _take_in(rows, source, content, log, lake, (options, arrived), progress)
        seconds = round(time.monotonic() - started, 3)
        summary = msgspec.structs.replace(summary, file=str(path), seconds=seconds, began=now)
        _note_summary(folder, content, summary)
        return summary


def content_id(path: Path, source: Source, options: FileOptions, progress: Progress | None = None) -> str:
    """Return what makes a file the same import: its bytes, the type and the mapping of columns."""
    if progress:
        progress("hash", 0, 0.0)
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise FileError("no such file", where=str(path), remedy="check the path") from error
    except IsADirectoryError as error:
        raise FileError("this is a folder", where=str(path), remedy="name one file in it at a time") from error
    except OSError as error:
        raise FileError(f"can't be read: {error}", where=str(path), remedy="check its permissions") from error
    described = msgspec.json.encode((content, source.name, sorted(options.mapping.items())))
    return hashlib.sha256(described).hexdigest()[:_ID_LENGTH]


def import_of(log: EventLog, content: str) -> ImportRecord | None:
    """Return the record of the import of a file by its `content_id`, or None."""
    return next((record for record in log.imports() if record.import_id[:_ID_LENGTH] == content), None)


def _begin_anew(log: EventLog, folder: Path, content: str) -> None:
    """Take out of the quarantine what a try left there that took nothing in: the file is judged anew."""
    note = folder / f"{content}.json"
    tried = _noted_summary(note)
    if tried is None or tried.accepted:
        return
    rows_of_it, after = f"{Path(tried.file).name} row ", 0
    while bad := log.bad_rows(tried.type, after=after, limit=_BAD_ROWS_AT_ONCE):
        after = bad[-1].seq
        log.delete_bad_rows([row.seq for row in bad if row.at == tried.began and row.source.startswith(rows_of_it)])
    name = QUARANTINED + content
    log.append([], now=0, positions={name: 0}, expected={name: log.position(name)})
    note.unlink()


def _take_in(
    rows: Gathered,
    source: Source,
    content: str,
    log: EventLog,
    lake: Lake,
    choices: tuple[FileOptions, Arrived],
    progress: Progress | None,
) -> ImportSummary:
    table, count = rows.table, len(rows.table)
    first, last = (table[ARRIVED][0].as_py(), table[ARRIVED][-1].as_py()) if count else (0, 0)
    _refuse_older(log, source, first, count)
    _put_aside(log, content, rows.bad)
    counted = ImportSummary(
        type=source.name,
        file="",
        import_id=content,
        rows=rows.rows,
        duplicates=rows.duplicates,
        quarantined=len(rows.bad),
        clamped=rows.clamped,
        repeated=rows.repeated,
        skipped=rows.skipped,
        dropped=rows.dropped,
    )
    if rows.bad and not count:
        return counted  # without a record: it may be ingested again, by other options
    import_id = f"{content}.{_fingerprint(table, choices)}"
    staged = lake.write_import(
        source.name, import_id, _batches(rows._replace(table=to_lake(table, source)), import_id, progress)
    )
    if staged != count:
        raise StorageError(f"the lake holds {staged} rows of this import, not {count}", where=import_id)
    if progress:
        progress("record", count, 0.0)
    keyed = source.entity or source.id_column is not None
    ids, times = _ids(table) if keyed else (), _times(rows, log.watermark(source.name))
    record = log.append_import(import_id, source.name, count, first, last, ids, times, _revisions(table, source))
    return msgspec.structs.replace(
        counted,
        import_id=import_id,
        accepted=count - len(record.duplicates),
        duplicates=rows.duplicates + len(record.duplicates),
        offset=record.offset,
        first_arrived=first,
        last_arrived=last,
    )


def _refuse_older(log: EventLog, source: Source, first: int, count: int) -> None:
    newest = log.newest_arrived(source.name)
    if not count or first >= newest:
        return
    moments = [np.datetime64(instant, "us").item().isoformat(" ", "seconds") for instant in (first, newest)]
    raise ConflictError(
        f"its first row became known at {moments[0]}, before the newest {source.name} logged ({moments[1]} UTC)",
        where=source.name,
        remedy="take the rows as known from now on: --arrived now (or import all history into a new workspace)",
    )


def _put_aside(log: EventLog, content: str, bad: list[BadRow]) -> None:
    """Quarantine the bad rows, each once: how many are there is stored with them."""
    name = QUARANTINED + content
    done = log.position(name)
    for start in range(done, len(bad), _BAD_ROWS_AT_ONCE):
        part = bad[start : start + _BAD_ROWS_AT_ONCE]
        log.append([], now=0, positions={name: start + len(part)}, expected={name: start}, quarantine=part)


def _fingerprint(table: pa.Table, choices: tuple[FileOptions, Arrived]) -> str:
    """Tell apart what the same file gives under other options, or at another time of day.

    Rows staged by an import that was killed are used again only when they are the same rows.
    """
    options, arrived = choices
    shown = {**asdict(options), "zone": options.zone.key if options.zone else ""}
    sums = [int(table[name].to_numpy().sum(dtype=np.int64)) if len(table) else 0 for name in (AT, ARRIVED, ROW)]
    described = msgspec.json.encode((shown, arrived, len(table), sums))
    return hashlib.sha256(described).hexdigest()[:12]


def _batches(rows: Gathered, import_id: str, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    """Rows as the lake takes them: `_row` is the rank by (arrival, row of the file)."""
    done, table = 0, rows.table.drop_columns([ROW])
    for batch in table.to_batches(_ROWS_A_BATCH):
        numbered = batch.append_column(ROW, pa.array(np.arange(done, done + len(batch), dtype=np.int64)))
        yield numbered.append_column("_import", pa.array([import_id] * len(batch), pa.string()))
        done += len(batch)
        if progress:
            progress("write", done, done / len(table))


def _ids(table: pa.Table) -> Iterator[str]:
    for chunk in table["_id"].chunks:
        yield from chunk.to_pylist()


def _times(rows: Gathered, watermark: int) -> Times:
    """Count rows by their times; each is held against the newest before it."""
    at, arrived = (rows.table[name].to_numpy() for name in (AT, ARRIVED))
    newest = np.maximum.accumulate(np.append(np.int64(watermark), at))
    return Times(
        watermark=int(newest[-1]),
        out_of_order=int((at < newest[:-1]).sum()),
        late=int((arrived - at > LATE_AFTER).sum()),
        clamped=rows.clamped,
        future=rows.future,
    )


def _revisions(table: pa.Table, source: Source) -> Revisions | None:
    if not source.revisable:
        return None
    return Revisions(source.revisable, revisions_of(table).tolist(), table[ARRIVED].to_pylist())


def _note_summary(folder: Path, content: str, summary: ImportSummary) -> None:
    """Keep the counts for whoever ingests the file again; the record in the log is what counts."""
    path = folder / f"{content}.json"
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(summary))
    temporary.replace(path)


def _known_summary(folder: Path, record: ImportRecord, path: Path) -> ImportSummary:
    kept = _noted_summary(folder / f"{record.import_id[:_ID_LENGTH]}.json")
    if kept is not None:
        return msgspec.structs.replace(kept, file=str(path), already=True, seconds=0.0)
    return ImportSummary(
        type=record.type,
        file=str(path),
        import_id=record.import_id,
        rows=record.rows,
        accepted=record.rows - len(record.duplicates),
        duplicates=len(record.duplicates),
        offset=record.offset,
        first_arrived=record.first_arrived,
        last_arrived=record.last_arrived,
        already=True,
    )


def _noted_summary(note: Path) -> ImportSummary | None:
    """Return the counts that were kept; None where there are none, or a power loss left half of them."""
    try:
        return msgspec.json.decode(note.read_bytes(), type=ImportSummary)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
