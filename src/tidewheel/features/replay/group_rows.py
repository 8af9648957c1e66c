"""A group's features by themselves, as rows: one for each event of a type that names the group's key."""

from __future__ import annotations

from tidewheel.definitions import canonical_aggregates, ir
from tidewheel.errors import FeatureError
from tidewheel.features.planning.group import AT, column_kind

Keys = tuple[ir.Path, ...]


def view_of_group(graph: ir.Graph, group: ir.Group, on: str = "") -> ir.View:
    """Return the view of a group's key and features for each event of one of its sources, as it arrived.

    Parameters
    ----------
    on : str
        Which source, where several name the key themselves.

    Raises
    ------
    FeatureError
        No event does, or several and none of them is named.
    """
    known = _keyed(group)
    wanted = [(source, keys) for source, keys in known if on in ("", source)]
    if len(wanted) != 1:
        raise FeatureError(
            f"{len(wanted) or 'no'} ways lead from {on or 'an event'} to {' and '.join(group.by)}",
            where=group.name,
            remedy=_remedy(sorted({source for source, _ in known}), on),
        )
    (source, keys) = wanted[0]
    sources = {found.name: found for found in graph.sources}
    taken = {feature.name for feature in group.features}
    columns = [
        ir.ViewColumn(path[0], ir.Col(path), column_kind(sources, sources[source], path) in ir.TEXT_KINDS)
        for path in keys
        if path[0] not in taken and path != (AT,)
    ]
    columns += [ir.ViewColumn(feature.name, ir.Feature("", feature.name), feature.text) for feature in group.features]
    return ir.View(f"{group.name}.{source}", source, (ir.Lookup("", group.name, keys),), tuple(columns))


def _keyed(group: ir.Group) -> list[tuple[str, Keys]]:
    """Return the sources whose rows hold the group's key themselves, with the paths to it."""
    found = {
        (aggregate.source, aggregate.keys)
        for aggregate in canonical_aggregates(group)
        if all(len(path) == 1 for path in aggregate.keys)
    }
    return sorted(found)


def _remedy(sources: list[str], on: str) -> str:
    if not sources or on in sources:
        return "backfill a view that looks it up by the way that you mean"
    return f"say whose rows: --on {' or --on '.join(sources)}"
