"""Which artifacts are needed, and by whom.

A digest that any row of the catalog names is needed, and so is what a needed file of words names (a bundle's
manifest names its arrays, a snapshot's its files). So a new table, or a new kind of artifact, is covered from its first
row on: nobody has to remember to register it. What only tells of a thing (`TELLING`) needs nothing, and neither
does what a deleted version left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.registry.models.bundles import load_manifest
from tidewheel.registry.runs.runs import Run
from tidewheel.registry.versions.names import format_name
from tidewheel.registry.versions.versions import Version
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.tables import deleted_versions, metadata, run_steps, runs, versions
from tidewheel.storage.protocols import Artifacts

TELLING = frozenset({"notes", "alerts", "job_runs", "run_metrics", "counters"})
"""Tables that tell of things, and need none of the files that they name."""
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_WORDS = (b"{", b"[")
MOST_WORDS = 64 << 20
"""Bytes of the largest file that is read for the names in it; one of words is never as large."""


class Check(msgspec.Struct, frozen=True):
    """An artifact that a version needs, and how it is."""

    name: str
    digest: str
    state: str
    """``sound``, ``damaged`` or ``missing``."""
    size: int = 0


def needed(catalog: Catalog, artifacts: Artifacts, outputs_since: int = 0) -> set[str]:
    """Return the digests of all artifacts that must stay.

    Parameters
    ----------
    outputs_since : int
        What steps left of finished runs begun before this instant, to be taken up by later runs, is not needed.
    """
    roots, words_alone = _roots(catalog, outputs_since)
    return set(followed(artifacts, roots)) | words_alone


def followed(artifacts: Artifacts, roots: Iterable[str]) -> Iterator[str]:
    """Yield digests, those that superseded them, and all that their words name; each once, there or not."""
    queue, seen = list(roots), set[str]()
    while queue:
        digest = queue.pop()
        if digest in seen:
            continue
        seen.add(digest)
        yield digest
        now = artifacts.current(digest)
        queue += [now] if now != digest else _named(artifacts, digest)


def _named(artifacts: Artifacts, digest: str) -> list[str]:
    """Return the digests that stand in an artifact of words."""
    try:
        path = artifacts.get(digest, verify=False)
    except (NotFoundError, CorruptError):
        return []  # a hash of something else, such as a data set's content; or one that `check_version` tells of
    with path.open("rb") as file:
        if file.read(1) not in _WORDS or path.stat().st_size > MOST_WORDS:
            return []
    return _DIGEST.findall(path.read_bytes().decode(errors="replace"))


def _roots(catalog: Catalog, outputs_since: int) -> tuple[set[str], set[str]]:
    """Return what rows name; and manifests of deleted versions, whose words reports of old decisions go on reading."""
    named: set[str] = set()
    left: set[str] = set()
    with catalog.read() as connection:
        dead, manifests = _given_up(connection)
        old = sa.select(runs.c.id).where(runs.c.started < outputs_since, runs.c.status != "running")
        given_up = set(dead.values())
        spent = set(connection.execute(old).scalars()) | given_up
        for table in metadata.sorted_tables:
            if table.name in TELLING or table.name == "datasets":
                continue
            for row in connection.execute(sa.select(table)):
                if table is versions and format_name(row.model, row.number) in dead:
                    continue
                if table is run_steps and row.run in spent:
                    continue
                found = {name for value in row if isinstance(value, str) for name in _DIGEST.findall(value)}
                (left if table is runs and row.id in given_up else named).update(found)
        # A data set goes when only runs of deleted versions were made of it.
        for row in connection.execute(sa.select(metadata.tables["datasets"])):
            if row.digest in named or row.digest not in left:
                named |= {name for value in row if isinstance(value, str) for name in _DIGEST.findall(value)}
    return named, manifests


def _given_up(connection: sa.Connection) -> tuple[dict[str, str], set[str]]:
    """Return the runs of deleted versions by the version's name, and the versions' manifests."""
    same = sa.and_(deleted_versions.c.model == versions.c.model, deleted_versions.c.number == versions.c.number)
    columns = (versions.c.model, versions.c.number, versions.c.run, versions.c.bundle)
    found = connection.execute(sa.select(*columns).where(sa.exists().where(same))).all()
    return {format_name(row.model, row.number): row.run for row in found}, {row.bundle for row in found if row.bundle}


def check_version(artifacts: Artifacts, version: Version, run: Run) -> list[Check]:
    """Read every artifact that a version needs, and say how each is."""
    roots = {"bundle": version.bundle, "patch of the code": run.lineage.dirty_patch} | run.artifacts
    checks, seen = [], set[str]()
    for name, root in roots.items():
        if not root:
            continue
        for place, digest in enumerate(followed(artifacts, [root])):
            if digest in seen or (place and not artifacts.has(digest)):
                continue  # named within a sound file, but no artifact: the hash of something else
            seen.add(digest)
            checks.append(_checked(artifacts, name if not place else f"{name}, part {place}", digest))
    arrays = _arrays(artifacts, version, seen)
    return [*checks, *arrays]


def _arrays(artifacts: Artifacts, version: Version, seen: set[str]) -> list[Check]:
    """Return the arrays of a bundle when they are gone: a manifest that can be read says which they were."""
    if not version.bundle:
        return []
    try:
        digest = load_manifest(artifacts, version.bundle).arrays
    except (NotFoundError, CorruptError):
        return []  # told already, as the bundle itself
    return [] if digest in seen else [_checked(artifacts, "bundle, arrays", digest)]


def _checked(artifacts: Artifacts, name: str, digest: str) -> Check:
    if artifacts.current(digest) != digest:
        return Check(name, digest, "superseded by an erasure")
    try:
        path = artifacts.get(digest)
    except NotFoundError:
        return Check(name, digest, "missing")
    except CorruptError:
        return Check(name, digest, "damaged")
    return Check(name, digest, "sound", path.stat().st_size)
