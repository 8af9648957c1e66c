"""Which definitions are compared: a version's frozen ones, the live ones, or the working tree's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, ir
from tidewheel.definitions.views.learned import learned_in, with_constants
from tidewheel.errors import InputError, NotFoundError
from tidewheel.features.proof.difference import Side, ViewDifference, compare_view
from tidewheel.registry.graphs import live_graph
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.versions.versions import get_version
from tidewheel.workspace.naming import find

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

LIVE, TREE = "live", "."


def diff_features(workspace: Workspace, before: str, after: str, view: str, sample: int) -> list[ViewDifference]:
    """Compare two definitions: of one view, or of every view that they both have and that changed.

    Raises
    ------
    NotFoundError
        There is no such version or view.
    """
    one, other = (_side(workspace, name) for name in (before, after))
    sides = [_completed(one, other), _completed(other, one)]
    names = [view] if view else _views(sides)
    for side in sides:
        known = [found.name for found in side.graph.views]
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            raise NotFoundError(
                f"{side.name} has no view {missing!r}", remedy=f"it has: {', '.join(known) or 'none'}; choose: --view"
            )
    return [compare_view(sides[0], sides[1], name, sample) for name in names]


def compare_visibility(workspace: Workspace, name: str, delay: int, sample: int) -> ViewDifference:
    """Compare a view as its events arrived with the idealised history, in which each is seen as it happened."""
    graph, history = workspace.project.graph, workspace.history
    view = find(graph.views, name, "view")
    arrived = Side("by arrival", graph, history, serving_delay=delay)
    return compare_view(arrived, Side("by event time", graph, history, "event"), view.name, sample)


def _side(workspace: Workspace, name: str) -> Side:
    graph = _graph(workspace, name)
    return Side(
        name, graph, History(workspace.stores.lake, workspace.stores.log, graph.sources, workspace.history.redactions)
    )


def _completed(side: Side, other: Side) -> Side:
    """Return a side whose transforms that have learned nothing, being no version's, hold what the other's have."""
    learned = {view.name: learned_in(view) for view in other.graph.views}
    views = tuple(with_constants(view, learned.get(view.name, {})) for view in side.graph.views)
    return replace(side, graph=msgspec.structs.replace(side.graph, views=views))


def _graph(workspace: Workspace, name: str) -> ir.Graph:
    stores = workspace.stores
    if name == TREE:
        return workspace.project.graph
    if name == LIVE:
        found = live_graph(stores.catalog)
        if found is None:
            raise NotFoundError("nothing is live yet", remedy="ingest, train or deploy something first")
        return found.graph
    if "@" not in name:
        raise InputError(
            f"{name!r} names no definitions", remedy="name a version such as Fraud@2, live, or . for the working tree"
        )
    version = get_version(stores.catalog, name)
    graph = load_bundle(stores.artifacts, version.bundle).manifest.graph
    # Of a version's definitions, the view that its model reads.
    model = next(model for model in graph.models if model.name == version.model)
    return ir.Graph(graph.sources, graph.groups, tuple(v for v in graph.views if v.name == model.view))


def _views(sides: list[Side]) -> list[str]:
    """Return the views that both have; where there are several, those that changed."""
    digests = [{view.name: (digest(view), _groups(side.graph, view)) for view in side.graph.views} for side in sides]
    both = [name for name in digests[0] if name in digests[1]]
    if not both:
        known = ((side.name, ", ".join(view.name for view in side.graph.views) or "none") for side in sides)
        raise NotFoundError(
            "the two have no view in common",
            remedy=f"views that a model or service reaches: {'; '.join(f'{names} ({name})' for name, names in known)}",
        )
    changed = [name for name in both if digests[0][name] != digests[1][name]]
    return both if len(both) == 1 else changed


def _groups(graph: ir.Graph, view: ir.View) -> dict[str, str]:
    read = {lookup.group for lookup in view.lookups}
    return {group.name: digest(group) for group in graph.groups if group.name in read}
