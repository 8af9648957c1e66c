"""Feature states side by side: which there are, who needs each, and deleting those that nobody does.

A state that nothing reaches is *retired*: it stands where it was left, and whoever comes back to it within
`keep_states` goes on from there. After that it may be given up, in one step of the catalog that a deploy
either comes before (then it is not retired, and stays) or after (then it waits until the state is gone,
and has it folded anew). The process that holds a partition deletes the state there.
"""

from __future__ import annotations

import time
from typing import Literal

import msgspec

from tidewheel.registry.graphs import ActiveGroup, all_groups, begin_dropping, forget_group
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.features.groups import pins
from tidewheel.workspace.models.unneeded import ArtifactGarbage, collect_artifacts

Status = Literal["building", "live", "retired", "dropping"]


class StateVersion(msgspec.Struct, frozen=True):
    """One version of a group's state.

    Attributes
    ----------
    name : str
        The group.
    state_id : str
        A hash of its aggregates.
    status : str
        ``retired`` when nothing reaches it, ``dropping`` while it is being deleted.
    pinned_by : tuple of str
        Who needs it.
    entities, size : int
        How many entities it has, and the bytes of their blobs.
    offset : int
        Up to which every partition has folded it.
    since : int
        When its status changed last (µs).
    """

    name: str
    state_id: str
    status: Status
    pinned_by: tuple[str, ...]
    entities: int
    size: int
    offset: int
    since: int


class Garbage(msgspec.Struct, frozen=True):
    """What is deleted, or would be, and what nothing needs but is kept for a while."""

    deleted: list[StateVersion]
    waiting: list[StateVersion]
    dry_run: bool = False
    artifacts: ArtifactGarbage = ArtifactGarbage()


def state_versions(stores: Stores) -> list[StateVersion]:
    """Return every state that the catalog knows, by group, the live one first."""
    needed = pins(stores.catalog, stores.artifacts)
    found = [_version(stores, group, tuple(needed.get(group.state_id, ()))) for group in all_groups(stores.catalog)]
    return sorted(found, key=lambda version: (version.name, version.status != "live", -version.since))


def collect(stores: Stores, *, dry_run: bool = False) -> Garbage:
    """Give up the states that nothing has needed for long, which `Stream` deletes; delete artifacts likewise."""
    idle = [version for version in state_versions(stores) if version.status == "retired" and not version.pinned_by]
    before = stores.clock.now() - stores.settings.keep_states
    old = {version.state_id for version in idle if version.since <= before}
    gone = old if dry_run else set(begin_dropping(stores.catalog, old, before))
    return Garbage(
        [version for version in idle if version.state_id in gone],
        [version for version in idle if version.state_id not in old],
        dry_run,
        collect_artifacts(stores, dry_run=dry_run),
    )


def finish(stores: Stores, *, wait: float = 10.0) -> bool:
    """Forget the states that are gone from every partition; tell whether that is all that were given up.

    Parameters
    ----------
    wait : float
        Seconds to wait for the workers that hold the partitions.
    """
    end = time.monotonic() + wait
    while True:
        left = [group.state_id for group in all_groups(stores.catalog) if group.status == "dropping"]
        there = {name for offsets in stores.state.offsets() for name in offsets}
        for state_id in left:
            if state_id not in there:
                forget_group(stores.catalog, state_id)
        if not there.intersection(left):
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)


def _version(stores: Stores, group: ActiveGroup, pinned_by: tuple[str, ...]) -> StateVersion:
    entities = size = 0
    for _, blob in stores.state.scan(group.state_id):
        entities, size = entities + 1, size + len(blob)
    offset = stores.state.offset(group.state_id)
    return StateVersion(group.name, group.state_id, group.status, pinned_by, entities, size, offset, group.since)
