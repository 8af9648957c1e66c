"""Which feature states the stream has to keep: those that live definitions and deployed versions reach."""

from __future__ import annotations

import logging

from tidewheel.definitions import attribute_group, ir, state_id
from tidewheel.errors import CorruptError
from tidewheel.registry.graphs import active_groups, live_graph, load_graph, set_group, set_live_graph
from tidewheel.registry.models.bundles import ArtifactStore, graphs_of
from tidewheel.registry.pointers.deployments import list_deployments
from tidewheel.registry.pointers.pinning import pins_of
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.versions import get_version
from tidewheel.storage.catalog import Catalog

log = logging.getLogger("tidewheel.workspace")

LIVE = "live definitions"
"""Who needs what the project declares."""

Wanted = dict[str, tuple[ir.Group, ir.Graph]]


def publish(catalog: Catalog, artifacts: ArtifactStore, graph: ir.Graph) -> None:
    """Make `graph` the live one, and tell the stream which states to keep from now on."""
    set_live_graph(catalog, graph)
    choose_groups(catalog, artifacts)


def keep_groups(catalog: Catalog, graph: ir.Graph) -> None:
    """Let the stream keep the states of a graph's groups from now on."""
    known = {group.state_id for group in active_groups(catalog)}
    for group in groups_of(graph):
        if state_id(group) not in known:
            set_group(catalog, state_id(group), group.name, graph, "live")


def choose_groups(catalog: Catalog, artifacts: ArtifactStore) -> None:
    """Bring the catalog's groups in line with what is live and deployed; what nothing reaches is retired."""
    try:
        wanted = _wanted(catalog, artifacts)
    except CorruptError as error:
        log.warning("no feature state is given up while a bundle can't be read: %s", error)
        live = live_graph(catalog)
        if live is not None:
            keep_groups(catalog, live.graph)
        return
    known = {group.state_id: group for group in active_groups(catalog)}
    for identity, (group, graph) in wanted.items():
        if identity not in known:
            set_group(catalog, identity, group.name, graph, "live")
    for identity, active in known.items():
        if identity not in wanted:
            set_group(catalog, identity, active.name, load_graph(catalog, active.graph), "retired")


def kept_groups(catalog: Catalog) -> list[tuple[ir.Group, ir.Graph]]:
    """Return the groups that the stream keeps, each with the graph it is declared in."""
    graphs: dict[str, ir.Graph] = {}
    found = []
    for active in active_groups(catalog):
        graph = graphs.setdefault(active.graph, load_graph(catalog, active.graph))
        group = next((group for group in groups_of(graph) if state_id(group) == active.state_id), None)
        if group is not None:
            found.append((group, graph))
    return found


def groups_of(graph: ir.Graph) -> list[ir.Group]:
    """Return a graph's groups, with those that hold its entities' attributes."""
    declared = list(graph.groups)
    names = {group.name for group in declared}
    entities = [source for source in graph.sources if source.entity and len(source.columns) > 1]
    return declared + [attribute_group(source) for source in entities if source.name not in names]


def pins(catalog: Catalog, artifacts: ArtifactStore) -> dict[str, list[str]]:
    """Return who needs each state: the live definitions, services (with the one before), deployed model versions.

    Raises
    ------
    CorruptError
        A bundle can't be read, so it can't be told what it needs.
    """
    found: dict[str, list[str]] = {}
    for who, graph in reaching(catalog, artifacts):
        for group in groups_of(graph):
            names = found.setdefault(state_id(group), [])
            if who not in names:
                names.append(who)
    return found


def _wanted(catalog: Catalog, artifacts: ArtifactStore) -> Wanted:
    graphs = [graph for _, graph in reaching(catalog, artifacts)]
    return {state_id(group): (group, graph) for graph in reversed(graphs) for group in groups_of(graph)}


def reaching(catalog: Catalog, artifacts: ArtifactStore) -> list[tuple[str, ir.Graph]]:
    """Return all graphs that something is made or served by, each with what that is."""
    found: list[tuple[str, ir.Graph]] = []
    live = live_graph(catalog)
    if live is not None:
        found.append((LIVE, live.graph))
    for deployment in list_deployments(catalog):
        services = (
            (deployment.service_version, ""),
            (deployment.challenger_service_version, " (challenger)"),
            (deployment.previous_service_version, " (previous)"),
        )
        named = list(deployment.versions)
        for digest, role in services:
            if digest:
                frozen = load_service(catalog, digest)
                found.append((f"{deployment.service}{role}", frozen.graph))
                named += pins_of(frozen.service)
        for name in dict.fromkeys(named):
            found += [(name, graph) for graph in graphs_of(artifacts, [get_version(catalog, name).bundle])]
    return found
