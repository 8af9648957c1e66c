"""What a scoring run is to do: which version scores which rows, as of when; its name, and its job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.collect.importing.gathering import gather
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir, row_source
from tidewheel.errors import InputError, NotFoundError
from tidewheel.features.replay.backfilled import reach
from tidewheel.features.replay.batch import BUCKET_ROWS, Batch, Job
from tidewheel.features.replay.batch_files import write_batches
from tidewheel.features.replay.served import as_served
from tidewheel.features.replay.shown import REQUEST
from tidewheel.kernel import KERNEL_VERSION, LAYOUT_VERSION
from tidewheel.registry.models.bundles import Bundle, Inner, load_bundle
from tidewheel.registry.versions.names import model_of
from tidewheel.registry.versions.versions import get_version
from tidewheel.runtime.stores import Stores
from tidewheel.storage.places.disks import write_durably
from tidewheel.storage.scores import items_by
from tidewheel.workspace.naming import find
from tidewheel.workspace.rollouts.deploying import current_thresholds
from tidewheel.workspace.scores.cutting import Cutting, cutting_of
from tidewheel.workspace.scores.lists import listed, source_of_file
from tidewheel.workspace.scores.lists import of_file as rows_of_lists

TABLE = "scores/"
JOB = "job.json"
FEWEST_BUCKETS = 4


@dataclass(frozen=True)
class Wanted:
    """What is to be scored, and what is kept beside a score."""

    name: str
    """The event, or the version's view."""
    version: str
    since: int | None = None
    until: int | None = None
    rows: Path | None = None
    by: str = ""
    online: bool = False
    service: str = ""
    top: int = 0


class Pinned(NamedTuple):
    """What a version sees whose score another one reads."""

    graph: ir.Graph
    view: ir.View


@dataclass(frozen=True)
class Ready:
    """A run that is ready to begin.

    Attributes
    ----------
    version, digest : str
        ``Fraud@3``, and of its bundle.
    key, by : str
        The column whose value stands beside each score, and what it names; "" for none.
    levels : tuple
        The thresholds that make a decision of a score.
    top : int
        How many items of a list are kept, 0 for all.
    cut : Cutting, optional
        How the service cuts its lists by whose rules they are ranked.
    inner : tuple of Pinned
        Of rows of items: what the versions see whose scores its view has as columns, all the way down.
    """

    version: str
    digest: str
    bundle: Bundle
    view: ir.View
    source: ir.Source
    key: str = ""
    by: str = ""
    levels: tuple[tuple[str, float], ...] = ()
    top: int = 0
    cut: Cutting | None = None
    inner: tuple[Pinned, ...] = ()

    @property
    def each(self) -> ir.Each | None:
        """How a row of an item is made, None where a row is one of the event."""
        return self.view.each

    @property
    def kept_by(self) -> str:
        """What the online store keeps scores by."""
        return self.by if self.each is None else items_by(self.by, self.each.target)

    @property
    def told(self) -> tuple[str, ...]:
        """The columns that say which item a row is of, and of which request."""
        return () if self.each is None else (REQUEST, self.each.key)

    @property
    def model(self) -> str:
        """Whose version scores."""
        return model_of(self.version)

    @property
    def table(self) -> str:
        """Where its scores are in the lake."""
        return f"{TABLE}{self.model}"

    def identity(self, what: str) -> str:
        """Return the name of the run over some rows: a hash of all that its scores are made from."""
        described = (
            self.version,
            self.digest,
            what,
            self.key,
            self.levels,
            KERNEL_VERSION,
            LAYOUT_VERSION,
            *([self.top] if self.top else []),
            *([self.cut.told()] if self.cut else []),
        )
        return hashlib.sha256(msgspec.json.encode(described)).hexdigest()[:16]


def make_ready(stores: Stores, graph: ir.Graph, wanted: Wanted) -> Ready:
    """Return what is wanted with the version that is to score it.

    Raises
    ------
    NotFoundError
        No such version, or it has no bundle.
    InputError
        It scores other rows, or rows that are not made in slices; or ``--by`` names nothing of theirs.
    """
    version = get_version(stores.catalog, wanted.version)
    if not version.bundle:
        raise NotFoundError(f"{version.name} can't be served, so it scores nothing", remedy="name another version")
    ready = _of_bundle(stores, version.name, version.bundle)
    view, source = ready.view, ready.source
    if wanted.name not in (view.name, view.on):
        raise InputError(
            f"{version.name} scores rows of {view.on} by {view.name}, not {wanted.name}",
            remedy=f"tidewheel score {view.on} --with {version.name}",
        )
    if wanted.top and view.each is None:
        raise InputError(f"{version.name} orders no lists: a row of {view.on} has one score", remedy="leave out --top")
    if wanted.online and not wanted.by:
        raise InputError("the online store keeps scores by an entity", remedy="say which: --by Card")
    if view.each is not None and wanted.by == view.each.target:
        key = source.column(view.each.key)
    else:
        key = _key_column(source, wanted.by) if wanted.by else None
    name, by = (key.name, key.target or key.name) if key else ("", "")
    levels = _levels(stores, graph, version.model, wanted.service)
    inner = _inner(stores, ready.bundle) if view.each is not None else ()
    cut = cutting_of(stores, graph, wanted.service, version.name, view)
    return replace(ready, key=name, by=by, levels=levels, top=wanted.top, cut=cut, inner=inner)


def of_link(stores: Stores, link: Inner) -> Ready:
    """Return the run of a version whose score another's view has as a column."""
    return _of_bundle(stores, link.version, link.bundle)


def _inner(stores: Stores, bundle: Bundle) -> tuple[Pinned, ...]:
    links = (of_link(stores, link) for link in bundle.manifest.inner)
    return tuple(
        one
        for ready in links
        for one in (Pinned(ready.bundle.manifest.graph, ready.view), *_inner(stores, ready.bundle))
    )


def _of_bundle(stores: Stores, version: str, digest: str) -> Ready:
    bundle = load_bundle(stores.artifacts, digest)
    graph = bundle.manifest.graph
    view: ir.View = find(graph.views, bundle.manifest.view, "view")
    return Ready(version, digest, bundle, view, row_source(graph.sources, view))


def _key_column(source: ir.Source, entity: str) -> ir.Column:
    """Return the event's column that names an entity, or that is called so."""
    found = [c for c in source.columns if entity in (c.target, c.name) and c.kind in ir.TEXT_KINDS]
    if len(found) != 1:
        refs = ", ".join(c.target for c in source.columns if c.target) or "none"
        named = ", ".join(c.name for c in found)
        said = f"{len(found)} columns ({named}) of {source.name} refer" if found else f"{source.name} refers"
        raise InputError(
            f"{said} to {entity}" if found else f"{said} to no {entity}",
            where="--by",
            remedy="name the column" if found else f"it refers to: {refs}; or name a column of its own",
        )
    return found[0]


def _levels(stores: Stores, graph: ir.Graph, model: str, service: str) -> tuple[tuple[str, float], ...]:
    """Return the thresholds that say what a score means: a service's, by default those of the only one that has any."""
    if service:
        return current_thresholds(stores, graph, service)
    having = [s.name for s in graph.services if s.model == model and s.thresholds]
    return current_thresholds(stores, graph, having[0]) if len(having) == 1 else ()


class Asked(NamedTuple):
    """Which rows are scored.

    Attributes
    ----------
    start, end : int
        The instants that they are read at, from `start` on and before `end`.
    rows : Table, optional
        The rows, where they are none of history; by instant, with ``_offset`` 1, 2, 3, ...
    refused : int
        How many rows of a file are none of the event.
    digest : str
        A hash of `rows`, with their instants.
    """

    start: int
    end: int
    rows: pa.Table | None = None
    refused: int = 0
    digest: str = ""

    @property
    def told(self) -> str:
        """What a run's name is made from."""
        return f"{self.start} {self.end} {self.digest}"


def of_history(stores: Stores, history: History, ready: Ready, wanted: Wanted) -> Asked:
    """Return the events that arrived in a range, or what was shown for each of them."""
    newest = stores.log.newest_arrived(ready.view.on)
    known = newest + 1 if stores.clock.now() > newest else newest
    first = wanted.since or 0
    last = known if wanted.until is None else min(wanted.until, known)
    if newest == 0 or first >= last:
        raise InputError(
            f"no {ready.view.on} arrived in the range",
            where=f"score {wanted.name}",
            remedy="`tidewheel log status` shows when its newest one did",
        )
    if ready.each is None:
        return Asked(first, last)
    rows = listed(history, ready.bundle.manifest.graph, ready.view, first, last)
    if not len(rows):
        raise InputError(
            f"no {ready.each.source} tells what was shown for a {ready.view.on} of the range",
            where=f"score {wanted.name}",
            remedy="give requests and items in a file: --rows FILE, with the request's columns and `item`",
        )
    return _asked(_completed(history, ready, rows))


def of_file(stores: Stores, history: History, ready: Ready, wanted: Wanted, path: Path) -> Asked:
    """Return a file's rows: each as of its own instant, or as of now where the file has none."""
    graph, view = ready.bundle.manifest.graph, ready.view
    source = source_of_file(graph, view) if ready.each else msgspec.structs.replace(ready.source, revisable=0)
    if wanted.since is not None or wanted.until is not None:
        raise InputError("a file's rows are scored all", where=str(path), remedy="leave out --since and --until")
    from tidewheel.collect.importing.files import open_file

    now = stores.clock.now()
    timed = "at" in open_file(path, source).schema.names
    found = gather(path, source, FileOptions(), arrived="at" if timed else "now", now=now, prefix="row")
    if not len(found.table):
        raise InputError(f"no row of the file is a {source.name}", where=str(path))
    chosen = [*(column.name for column in source.columns), "_id", "_at", "_arrived"]
    rows = found.table.select(list(dict.fromkeys(chosen)))
    if ready.each is not None:
        rows = _completed(history, ready, rows_of_lists(history, graph, view, rows))
    return _asked(rows, len(found.bad))


def _completed(history: History, ready: Ready, rows: pa.Table) -> pa.Table:
    """Return rows with what the pinned versions are served, and what is read for the cut."""
    for inner in ready.inner:
        rows = as_served(history, inner.graph, inner.view, rows)
    return rows if ready.cut is None else ready.cut.read(history, rows)


def _asked(rows: pa.Table, refused: int = 0) -> Asked:
    """Return rows, by instant, as those that are asked for."""
    numbers = pa.array(np.arange(1, len(rows) + 1))
    rows = rows.drop_columns([name for name in rows.column_names if name == "_offset"]).append_column(
        "_offset", numbers
    )
    instants = rows["_arrived"].to_numpy()
    return Asked(int(instants[0]), int(instants[-1]) + 1, rows, refused, _digest_of(rows))


def job_of(ready: Ready, asked: Asked) -> Job:
    """Return what a run is to do to some rows."""
    graph = ready.bundle.manifest.graph
    cut = ready.cut.names if ready.cut is not None else ()
    carried = tuple(dict.fromkeys(name for name in (ready.key, *ready.told, *cut) if name))
    given = asked.rows is not None
    job = Job(graph, ready.view, asked.start, asked.end, 0, FEWEST_BUCKETS, carried=carried, asked=given)
    oldest = reach(Batch(job, Path()).plans)
    return msgspec.structs.replace(job, since=None if oldest is None else asked.start - oldest)


def _digest_of(rows: pa.Table) -> str:
    with TemporaryDirectory() as folder:
        write_batches(Path(folder) / "rows.arrow", [rows], rows.schema)
        return hashlib.sha256((Path(folder) / "rows.arrow").read_bytes()).hexdigest()


def begun(folder: Path, job: Job, head: int, rows: pa.Table | None) -> Batch:
    """Return the job of a run: as it was begun, or as it is to begin."""
    note = folder / JOB
    if note.exists():
        return Batch(msgspec.json.decode(note.read_bytes(), type=Job), folder)
    job = msgspec.structs.replace(job, below=head, buckets=max(FEWEST_BUCKETS, -(-head // BUCKET_ROWS)))
    folder.mkdir(parents=True, exist_ok=True)
    if rows is not None:
        write_batches(Batch(job, folder).files.asked, [rows], rows.schema)
    write_durably(note, msgspec.json.encode(job))
    return Batch(job, folder)
