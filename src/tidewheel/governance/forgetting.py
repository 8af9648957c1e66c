"""Forgetting an entity: found, written down, blanked everywhere, proved, and entered in the redaction ledger.

The caller has the workspace alone. Each step may be done again: an erasure that was killed at any moment goes on
from the file ``pending.json``, which alone names the key and is deleted last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import msgspec

from tidewheel.collect.appending.appender import Appender
from tidewheel.collect.appending.decision_index import DecisionIndex
from tidewheel.collect.keeping.flush import flush
from tidewheel.collect.keeping.redactions import PENDING, Redaction, Touched
from tidewheel.errors import ConfigError, CorruptError, InputError
from tidewheel.governance.artifacts import blank_artifacts
from tidewheel.governance.blanking import blank_decisions, blank_events
from tidewheel.governance.finding import Found, find
from tidewheel.governance.proof import ErasureReport, prove
from tidewheel.governance.subject import Subject, subject_of, whole_words
from tidewheel.governance.traces import blank_catalog, clean_catalog_file, drop_backfills, drop_states, rewrite_log
from tidewheel.registry.graphs import every_graph
from tidewheel.runtime.stores import Stores
from tidewheel.storage.journal.segments import list_segments, remove_segment
from tidewheel.storage.lake.upkeep import purge
from tidewheel.storage.places.disks import write_durably
from tidewheel.training.outputs import forget_all

Progress = Callable[[str, float], None]


class Pending(msgspec.Struct, kw_only=True):
    """An erasure that is under way.

    Attributes
    ----------
    id, entity, key : str
    at, head : int
        When it began, and the log's head then.
    found : Found or None
        The entity's rows, once they were searched for.
    counts : dict of str to int
        What was blanked or deleted so far, by where it was.
    replaced : dict of str to str
        Artifacts, old digest to new.
    """

    id: str
    entity: str
    key: str
    at: int
    head: int = 0
    found: Found | None = None
    counts: dict[str, int] = {}
    replaced: dict[str, str] = {}


def pending_erasure(stores: Stores) -> Pending | None:
    """Return the erasure that was begun and not finished, or None."""
    file = stores.layout.erasures / PENDING
    return msgspec.json.decode(file.read_bytes(), type=Pending) if file.exists() else None


def forget(stores: Stores, text: str, *, progress: Progress | None = None) -> ErasureReport:
    """Forget an entity such as ``Card=c42``; one that was begun before is finished first.

    Parameters
    ----------
    stores : Stores
        With the workspace to itself (`Stores.alone`).
    text : str
        ``ENTITY=KEY``.
    progress : callable, optional
        Called with each step and the share of it that is done.

    Raises
    ------
    InputError, NotFoundError
        The text names no entity of the project.
    CorruptError
        A journal segment can't be read, so nobody knows whom it tells of.
    ConfigError
        The log is on a broker, which can't let go of single messages.
    """
    if stores.settings.log:
        raise ConfigError(
            "an event log on a broker keeps every message: nothing can be erased there",
            where="tidewheel.toml: log",
            remedy="keep the log in the data folder where entities must be forgotten",
        )
    subject = subject_of(text, every_graph(stores.catalog))
    begun = pending_erasure(stores)
    if begun is not None and (begun.entity, begun.key) != (subject.entity, subject.key):
        resume(stores)
        begun = None
    if begun is None:
        begun = Pending(id=uuid4().hex, entity=subject.entity, key=subject.key, at=stores.clock.now())
        stores.layout.erasures.mkdir(exist_ok=True)
        _note(stores, begun)
    return _Erasure(stores, subject, begun, progress).run()


def resume(stores: Stores) -> ErasureReport:
    """Finish an erasure that was begun before."""
    begun = pending_erasure(stores)
    if begun is None:
        raise InputError("no erasure is under way", remedy="write: tidewheel forget ENTITY=KEY")
    subject = subject_of(f"{begun.entity}={begun.key}", every_graph(stores.catalog))
    return _Erasure(stores, subject, begun, None).run()


def _note(stores: Stores, pending: Pending) -> None:
    write_durably(stores.layout.erasures / PENDING, msgspec.json.encode(pending))


class _Erasure:
    """One run of the steps, from wherever the last one got to."""

    def __init__(self, stores: Stores, subject: Subject, pending: Pending, progress: Progress | None) -> None:
        self._stores = stores
        self._subject = subject
        self._pending = pending
        self._progress = progress or (lambda stage, share: None)

    def run(self) -> ErasureReport:
        self._progress("bring the lake up to the log and the journal", 0.0)
        settle(self._stores)
        if self._pending.found is None:
            self._progress("find what belongs to it", 0.0)
            self._pending.head = self._stores.log.head()
            self._pending.found = find(self._subject, self._stores.lake, self._stores.log)
            _note(self._stores, self._pending)
        found = self._pending.found
        pattern = whole_words([self._subject.key, *found.values])
        self._blank_lake(found)
        self._blank_rest(found, pattern)
        self._progress("look everywhere again", 0.0)
        report = prove(self._stores, self._subject, found, self._pending.counts, pattern)
        self._finish(found, report)
        return report

    def _blank_lake(self, found: Found) -> None:
        self._progress("blank its rows in the lake", 0.0)
        lake = self._stores.lake
        self._count(blank_events(lake, self._subject, found))
        self._count({"lake: decisions": blank_decisions(lake, self._subject, found)})
        self._count({"lake: stored rows of views": drop_backfills(self._stores)})
        tables = lake.tables()
        for done, table in enumerate(tables):
            self._progress("delete old files of the lake", done / len(tables))
            purge(lake, table)

    def _blank_rest(self, found: Found, pattern: re.Pattern[str]) -> None:
        stores, layout = self._stores, self._stores.layout
        self._progress("blank artifacts and the catalog", 0.0)
        forget_all(stores.catalog, stores.artifacts)
        replaced = blank_artifacts(stores.artifacts, stores.catalog, pattern)
        self._pending.replaced.update(replaced)
        self._count({"artifacts": len(replaced), "catalog": blank_catalog(stores.catalog, pattern)})
        self._progress("write the log anew and drop the states", 0.0)
        drop_states(stores)
        offsets = set(found.offsets.get(self._subject.entity, ()))
        self._count(rewrite_log(layout, pattern, offsets))
        clean_catalog_file(stores.config.catalog)

    def _count(self, counts: dict[str, int]) -> None:
        """Add to what was done, and write it down: the report of a run that goes on tells of all."""
        for place, count in counts.items():
            if count:
                self._pending.counts[place] = self._pending.counts.get(place, 0) + count
        _note(self._stores, self._pending)

    def _finish(self, found: Found, report: ErasureReport) -> None:
        pending, folder = self._pending, self._stores.layout.erasures
        entry = Redaction(
            id=pending.id,
            entity=pending.entity,
            at=pending.at,
            head=pending.head,
            rows={name: len(ids) for name, ids in found.rows.items()},
            touched=[Touched(*msgspec.structs.astuple(one)) for one in found.touched],
            counts=report.counts,
            replaced=pending.replaced,
        )
        write_durably(folder / f"{pending.id}.json", msgspec.json.encode(entry))
        (folder / PENDING).unlink()


def settle(stores: Stores) -> None:
    """Bring all events and decisions to the lake, and empty the log and the journal of them.

    Raises
    ------
    CorruptError
        A segment of the journal can't be read.
    """
    layout = stores.layout
    index = DecisionIndex.open(layout.decisions)
    try:
        with Appender(stores.log, stores.clock.now, journal=layout.journal, index=index) as appender:
            appender.flush(600.0)
        done = flush(stores.log, stores.lake, journal=layout.journal, index=index)
        if done.damaged:
            raise CorruptError(
                f"nobody knows whom it tells of: {done.damaged[0]}",
                where=str(layout.journal),
                remedy="restore the segment or move it out of the journal, then forget again",
            )
        for segment in list_segments(layout.journal):
            _refuse_unread(stores, segment)
            remove_segment(segment)
            index.forget_segment(segment.stem)
    finally:
        index.close()
    stores.log.trim(stores.log.head())


def _refuse_unread(stores: Stores, segment: Path) -> None:
    """Make sure that the lake and the log have all of a segment before it goes."""
    from tidewheel.collect.appending.shipping import POSITION
    from tidewheel.collect.keeping.decisions import TABLE
    from tidewheel.storage.journal.segments import read_segment

    name = POSITION + segment.stem
    done = min(stores.log.position(name), stores.lake.position(TABLE, name))
    if next(read_segment(segment, done), None) is not None:
        raise CorruptError("a segment could not be shipped", where=str(segment), remedy="run `tidewheel log status`")
