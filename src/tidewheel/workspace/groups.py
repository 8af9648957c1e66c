"""Which feature states the stream has to keep: those that live definitions and deployed versions reach."""

from __future__ import annotations

import logging

from tidewheel.definitions import ir, state_id
from tidewheel.errors import CorruptError
from tidewheel.features.plan_group import attribute_group
from tidewheel.registry.bundles import ArtifactStore, load_bundle
from tidewheel.registry.deployments import list_deployments
from tidewheel.registry.graphs import active_groups, live_graph, load_graph, set_group, set_live_graph
from tidewheel.registry.services import load_service
from tidewheel.registry.versions import get_version
from tidewheel.storage.catalog import Catalog

log = logging.getLogger("tidewheel.workspace")

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


def _wanted(catalog: Catalog, artifacts: ArtifactStore) -> Wanted:
    graphs: list[ir.Graph] = []
    live = live_graph(catalog)
    if live is not None:
        graphs.append(live.graph)
    for deployment in list_deployments(catalog):
        services = (
            deployment.service_version,
            deployment.challenger_service_version,
            deployment.previous_service_version,
        )
        graphs += [load_service(catalog, digest).graph for digest in dict.fromkeys(services) if digest]
        bundles = [get_version(catalog, version).bundle for version in deployment.versions]
        graphs += [load_bundle(artifacts, bundle).manifest.graph for bundle in bundles]
    return {state_id(group): (group, graph) for graph in reversed(graphs) for group in groups_of(graph)}
