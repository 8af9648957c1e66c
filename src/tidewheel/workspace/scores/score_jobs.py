"""What a scoring run is to do: which version scores which rows, as of when; its name, and its job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.collect.importing.gathering import gather
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.definitions import ir
from tidewheel.errors import InputError, NotFoundError
from tidewheel.features.replay.backfilled import reach
from tidewheel.features.replay.batch import BUCKET_ROWS, Batch, Job
from tidewheel.features.replay.batch_files import write_batches
from tidewheel.kernel import KERNEL_VERSION, LAYOUT_VERSION
from tidewheel.registry.models.bundles import Bundle, load_bundle
from tidewheel.registry.models.combining import score_columns
from tidewheel.registry.versions.versions import Version, get_version
from tidewheel.runtime.stores import Stores
from tidewheel.storage.places.disks import write_durably
from tidewheel.workspace.naming import find
from tidewheel.workspace.rollouts.deploying import current_thresholds

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


@dataclass(frozen=True)
class Ready:
    """A run that is ready to begin."""

    wanted: Wanted
    version: Version
    bundle: Bundle
    view: ir.View
    source: ir.Source
    key: str
    by: str
    levels: tuple[tuple[str, float], ...]

    @property
    def table(self) -> str:
        """Where its scores are in the lake."""
        return f"{TABLE}{self.version.model}"

    def identity(self, what: str) -> str:
        """Return the name of the run over some rows: a hash of all that its scores are made from."""
        described = (
            self.version.name,
            self.version.bundle,
            what,
            self.key,
            self.levels,
            KERNEL_VERSION,
            LAYOUT_VERSION,
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
    bundle = load_bundle(stores.artifacts, version.bundle)
    frozen = bundle.manifest.graph
    view: ir.View = find(frozen.views, bundle.manifest.view, "view")
    if wanted.name not in (view.name, view.on):
        raise InputError(
            f"{version.name} scores rows of {view.on} by {view.name}, not {wanted.name}",
            remedy=f"tidewheel score {view.on} --with {version.name}",
        )
    if bundle.manifest.inner:
        others = ", ".join(link.version for link in bundle.manifest.inner)
        raise InputError(f"{version.name} reads the scores of {others}, row by row", remedy="ask its service")
    if view.each is not None:
        raise InputError(
            f"{version.name} scores the items of a {view.on}, which have no table", remedy="ask its service"
        )
    _refuse_unscored(version, view)
    source: ir.Source = find(frozen.sources, view.on, "event")
    if wanted.online and not wanted.by:
        raise InputError("the online store keeps scores by an entity", remedy="say which: --by Card")
    key = _key_column(source, wanted.by) if wanted.by else None
    name, by = (key.name, key.target or key.name) if key else ("", "")
    return Ready(wanted, version, bundle, view, source, name, by, _levels(stores, graph, version.model, wanted.service))


def _refuse_unscored(version: Version, view: ir.View) -> None:
    """Refuse versions whose rows are not made in slices."""
    if view.each is not None:
        raise InputError(
            f"{version.name} orders lists, with a row for each item of a {view.on}: they are not scored in batch",
            remedy="decide the requests, many at once: POST /v1/services/.../decisions",
        )
    inner = score_columns(view)
    if inner:
        raise InputError(
            f"{version.name} reads the score of {', '.join(inner.values())}: a chain is not scored in batch",
            remedy=f"score with {next(iter(inner.values()))}, or decide the events by a service",
        )


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


def of_history(stores: Stores, ready: Ready) -> Job:
    """Return the job of the events that arrived in a range."""
    newest = stores.log.newest_arrived(ready.view.on)
    known = newest + 1 if stores.clock.now() > newest else newest
    first = ready.wanted.since or 0
    last = known if ready.wanted.until is None else min(ready.wanted.until, known)
    if newest == 0 or first >= last:
        raise InputError(
            f"no {ready.view.on} arrived in the range",
            where=f"score {ready.wanted.name}",
            remedy="`tidewheel log status` shows when its newest one did",
        )
    return _job(ready, first, last)


def of_file(stores: Stores, ready: Ready, path: Path) -> tuple[Job, pa.Table, int]:
    """Return the job of a file's rows: each as of its own instant, or as of now where the file has none."""
    if ready.wanted.since is not None or ready.wanted.until is not None:
        raise InputError("a file's rows are scored all", where=str(path), remedy="leave out --since and --until")
    from tidewheel.collect.importing.files import open_file

    now = stores.clock.now()
    timed = "at" in open_file(path, ready.source).schema.names
    found = gather(path, ready.source, FileOptions(), arrived="at" if timed else "now", now=now, prefix="row")
    if not len(found.table):
        raise InputError(f"no row of the file is a {ready.source.name}", where=str(path))
    wanted = [*(column.name for column in ready.source.columns), "_id", "_at", "_arrived"]
    rows = found.table.select(list(dict.fromkeys(wanted)))
    rows = rows.append_column("_offset", pa.array(np.arange(1, len(rows) + 1)))
    instants = rows["_arrived"].to_numpy()
    job = _job(ready, int(instants[0]), int(instants[-1]) + 1)
    return msgspec.structs.replace(job, asked=True), rows, len(found.bad)


def _job(ready: Ready, start: int, end: int) -> Job:
    graph = ready.bundle.manifest.graph
    carried = (ready.key,) if ready.key else ()
    job = Job(graph, ready.view, start, end, 0, FEWEST_BUCKETS, carried=carried)
    oldest = reach(Batch(job, Path()).plans)
    return msgspec.structs.replace(job, since=None if oldest is None else start - oldest)


def digest_of(rows: pa.Table) -> str:
    """Return a hash of a file's rows, with the instants that they are read at."""
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
