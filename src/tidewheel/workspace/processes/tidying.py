"""What the keeper clears away each day: states that nothing needs, and ids older than is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidewheel.registry.runs.unfinished import close_killed
from tidewheel.runtime.stores import Stores

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace


def tidy(workspace: Workspace, due: int) -> str:
    """Delete states and artifacts that nothing has needed for long, and forget old ids; return a line about it."""
    found = workspace.collect_garbage()
    ids = forget_ids(workspace.stores, [source.name for source in workspace.project.graph.sources])
    close_killed(workspace.stores.catalog)
    names = ", ".join(f"{version.name} {version.state_id}" for version in found.deleted)
    files = f"artifacts deleted: {len(found.artifacts.deleted):,} ({found.artifacts.freed:,} bytes)"
    return f"states deleted: {names or 'none'}; {files}; ids forgotten: {ids:,}"


def forget_ids(stores: Stores, types: list[str]) -> int:
    """Forget ids of events that arrived longer than `keep_ids` before the newest of their type; return how many.

    It counts from the newest arrival, not from now, so that the ids of imported history are kept as long.
    """
    keep = stores.settings.keep_ids
    if not keep:
        return 0
    return sum(stores.log.prune_ids(type, stores.log.newest_arrived(type) - keep) for type in types)
