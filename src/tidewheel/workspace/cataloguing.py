"""The catalog and the lineage of an open workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidewheel.governance.catalog import Card, Entry, card_of, entries, search
from tidewheel.governance.lineage import Lineage, LineageGraph
from tidewheel.governance.openlineage import openlineage_events
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.pointers.deployments import list_deployments
from tidewheel.registry.runs.runs import list_runs
from tidewheel.registry.versions.versions import get_version, list_versions

if TYPE_CHECKING:
    from tidewheel.storage.catalog import Catalog
    from tidewheel.workspace.opened import Opened


def lineage_graph(workspace: Opened) -> LineageGraph:
    """Return all edges: declarations, versions, and which service serves which."""
    catalog = workspace.stores.catalog
    versions = {f"{version.model}@{version.number}": version.model for version in list_versions(catalog)}
    parents = _parents(catalog)
    deployed = {deployment.service: deployment.versions for deployment in list_deployments(catalog)}
    return LineageGraph(workspace.project.graph, versions, deployed, parents)


def _parents(catalog: Catalog) -> dict[str, list[str]]:
    """Return the versions that each version learned from."""
    runs = {run.id: list(run.lineage.parents.values()) for run in list_runs(catalog, "", limit=10_000)}
    return {version.name: runs.get(version.run, []) for version in list_versions(catalog)}


def lineage_of(workspace: Opened, name: str) -> Lineage:
    """Return the lineage of a column, a class or a version; a version's upstream is that of its own definitions."""
    found = lineage_graph(workspace)
    if "@" not in name:
        return found.of(name)
    version = get_version(workspace.stores.catalog, name)
    exact = f"{version.model}@{version.number}"
    manifest = load_bundle(workspace.stores.artifacts, version.bundle).manifest
    frozen = LineageGraph(manifest.graph, {exact: version.model}, parents=_parents(workspace.stores.catalog)).of(exact)
    return Lineage(exact, frozen.kind, frozen.upstream, found.of(exact).downstream)


def catalog_entries(workspace: Opened, text: str = "") -> list[Entry]:
    """Return every declaration, or those in which a text stands."""
    graph = workspace.project.graph
    found = entries(graph, lineage_graph(workspace))
    docs = {node.name: node.doc for nodes in (graph.sources, graph.groups, graph.views) for node in nodes}
    docs |= {model.name: model.doc for model in graph.models}
    docs |= {service.name: service.doc for service in graph.services}
    return search(found, text, docs) if text else found


def catalog_card(workspace: Opened, name: str) -> Card:
    """Return all about one declaration."""
    project = workspace.project
    offsets = workspace.stores.state.offsets()
    return card_of(project.graph, name, workspace.history, offsets, lineage_graph(workspace), project.folder)


def exported_lineage(workspace: Opened) -> list[dict[str, Any]]:
    """Return the lineage as OpenLineage events."""
    stores = workspace.stores
    return openlineage_events(
        workspace.project.graph,
        lineage_graph(workspace),
        list_runs(stores.catalog, "", limit=1000),
        list_versions(stores.catalog),
        stores.settings.namespace,
        stores.clock.now(),
    )
