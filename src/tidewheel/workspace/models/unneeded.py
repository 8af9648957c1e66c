"""Artifacts that nothing needs: which there are, and deleting those that have been so for a while.

Safe beside a training run: a file counts from its last use (a file that is put again is used again, even though it
was there), and while a run is under way nothing newer than its beginning goes, because what it will name is
not in the catalog yet.
"""

from __future__ import annotations

import time

import msgspec
import sqlalchemy as sa

from tidewheel.registry.references import needed
from tidewheel.registry.runs.steps import forget_outputs
from tidewheel.runtime.clock import ReplayClock
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog.tables import runs


class Unneeded(msgspec.Struct, frozen=True):
    """An artifact that nothing needs."""

    digest: str
    size: int
    idle: float
    """Seconds since it was put last."""


class ArtifactGarbage(msgspec.Struct, frozen=True):
    """What is deleted, or would be, and what nothing needs but is kept for a while."""

    deleted: list[Unneeded] = []
    waiting: list[Unneeded] = []
    waits_for: str = ""
    """The run under way that holds the rest; "" when it is only their age."""

    @property
    def freed(self) -> int:
        """Bytes of what is deleted."""
        return sum(one.size for one in self.deleted)


def collect_artifacts(stores: Stores, *, dry_run: bool = False) -> ArtifactGarbage:
    """Delete the artifacts that nothing has needed, and nobody has put, for `keep_artifacts`."""
    now, grace = time.time(), stores.settings.keep_artifacts / 1e6
    before, run = _held(stores, now - grace)
    candidates = {d: stores.artifacts.written(d) for d in stores.artifacts.digests()}  # before the catalog is read
    begun = stores.clock.now() - stores.settings.keep_artifacts
    if not dry_run:
        forget_outputs(stores.catalog, begun)
    stay = needed(stores.catalog, stores.artifacts, begun)
    deleted: list[Unneeded] = []
    waiting: list[Unneeded] = []
    for digest, written in candidates.items():
        if digest in stay:
            continue
        found = Unneeded(digest, stores.artifacts.size(digest), round(now - written, 1))
        gone = written < before and (dry_run or stores.artifacts.discard(digest, before))
        (deleted if gone else waiting).append(found)
    return ArtifactGarbage(deleted, waiting, run if waiting else "")


def _held(stores: Stores, before: float) -> tuple[float, str]:
    """Return the instant from which on nothing may go, and the run under way that sets it."""
    query = sa.select(runs.c.id, runs.c.started).where(runs.c.status == "running").order_by(runs.c.started).limit(1)
    with stores.catalog.read() as connection:
        oldest = connection.execute(query).first()
    if oldest is None:
        return before, ""
    if isinstance(stores.clock, ReplayClock):
        return 0.0, oldest.id  # its clock does not tell when a file was written
    begun = oldest.started / 1e6
    return (begun, oldest.id) if begun < before else (before, "")
