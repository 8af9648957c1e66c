"""What callers and readers of a champion would have to change for a candidate."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.definitions import ir
from tidewheel.registry.models.bundles import Manifest


def breaking_changes(champion: Manifest, graph: ir.Graph, view: ir.View, services: Sequence[ir.Service]) -> list[str]:
    """Return each breaking change as a sentence; [] when there is none.

    A caller posts the view's event: a column it did not have to give before, or one of another kind, breaks it. A
    reader of decisions reads the view's columns and the actions: one that is gone, or of another type, breaks it.

    Parameters
    ----------
    champion : Manifest
        Of the champion's bundle: its graph is what was declared when it was trained.
    graph : ir.Graph
        What is declared now.
    view : ir.View
        The candidate's.
    services : sequence of ir.Service
        Those of the model.
    """
    old = next((found for found in champion.graph.views if found.name == champion.view), None)
    if old is None:
        return [f"the champion's bundle lacks its view {champion.view}"]
    if old.on != view.on:
        return [f"the view is on {view.on}, it was on {old.on}"]
    found = _columns(old, view)
    before, now = (next((s for s in g.sources if s.name == view.on), None) for g in (champion.graph, graph))
    if before is not None and now is not None:
        found += _event(before, now)
    actions = {action for action, _ in champion.thresholds}
    for service in services:
        given = {action for action, _ in service.thresholds}
        if actions and given != actions:
            found.append(f"{service.name} answers {_list(given)}, it answered {_list(actions)}")
    return found


def _columns(old: ir.View, new: ir.View) -> list[str]:
    now = {column.name: column.text for column in new.columns}
    gone = [column.name for column in old.columns if column.name not in now]
    kinds = {True: "a text", False: "a number"}
    found = [f"{old.name} has no column {name} any more" for name in gone]
    return found + [
        f"{old.name}.{column.name} is {kinds[now[column.name]]}, it was {kinds[column.text]}"
        for column in old.columns
        if column.name in now and now[column.name] != column.text
    ]


def _event(old: ir.Source, new: ir.Source) -> list[str]:
    found = []
    for column in new.columns:
        before = old.column(column.name)
        if before is None:
            found += [] if column.optional else [f"{new.name}.{column.name} is new, and must be given"]
        elif before.kind != column.kind:
            found.append(f"{new.name}.{column.name} is {column.kind}, it was {before.kind}")
        elif before.nullable and not column.nullable:
            found.append(f"{new.name}.{column.name} must be given, it could be null")
    return found


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))
