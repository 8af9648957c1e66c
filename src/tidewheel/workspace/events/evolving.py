"""Declarations of events that have rows already: what changed, and whether it may."""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.projects.evolution import SchemaChange, columns_used, evolve
from tidewheel.errors import DefinitionError
from tidewheel.registry.graphs import live_graph
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.features.groups import LIVE, reaching


def schema_changes(stores: Stores, graph: ir.Graph) -> list[SchemaChange]:
    """Return what changed of events and entities that have rows, against what is live."""
    live = live_graph(stores.catalog)
    if live is None:
        return []
    before = {source.name: source for source in live.graph.sources}
    changed = [s for s in graph.sources if s.name in before and before[s.name].columns != s.columns]
    stored = [source for source in changed if stores.log.newest_arrived(source.name)]
    if not stored:
        return []
    deployed = [pinned for who, pinned in reaching(stores.catalog, stores.artifacts) if who != LIVE]
    return [
        change
        for source in stored
        for change in evolve(
            before[source.name],
            source,
            set().union(*(columns_used(pinned, source.name) for pinned in deployed)) if deployed else (),
        )
    ]


def check_schemas(stores: Stores, graph: ir.Graph) -> None:
    """Refuse declarations that stored events can't be read by.

    Raises
    ------
    DefinitionError
        Naming each column, and the migration to write.
    """
    refused = [change for change in schema_changes(stores, graph) if change.verdict == "refused"]
    if refused:
        first, files = refused[0], {source.name: f"{source.file}:{source.line}" for source in graph.sources}
        told = "; ".join(f"{change.what} ({change.remedy})" for change in refused[1:])
        raise DefinitionError(
            f"{first.source} has events already, and {first.what}" + (f"; also {told}" if told else ""),
            where=f"{files[first.source]} {first.source}",
            remedy=first.remedy,
        )
