"""``tidewheel plan``: the graph, each declaration's hash, and what changed against what is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tidewheel.definitions import diff, digest, format_duration, ir, views_beside, views_of
from tidewheel.definitions.compiling.expressions import text_of
from tidewheel.definitions.ir.ranking import Candidates
from tidewheel.definitions.models.labels import tellers_of
from tidewheel.definitions.models.telling import rows_told
from tidewheel.definitions.projects.graphs import Change, nodes_of
from tidewheel.registry.graphs import live_graph
from tidewheel.registry.pointers.deployments import list_deployments
from tidewheel.registry.pointers.pinning import unpinned
from tidewheel.registry.services import load_service
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.events.evolving import schema_changes
from tidewheel.workspace.events.ticking import schedule_of
from tidewheel.workspace.summaries import Declared, Kind, Plan

Node = ir.Source | ir.Group | ir.View | ir.Model | ir.Service


def plan_of(graph: ir.Graph, stores: Stores) -> Plan:
    """Compare a project's graph with the live one, with what its services serve, and with stored events."""
    catalog = stores.catalog
    live = live_graph(catalog)
    before = live.graph if live is not None else ir.Graph()
    known = {(kind, node.name): digest(node) for kind, node in _nodes(before)}
    served = {
        deployment.service: digest(unpinned(load_service(catalog, deployment.service_version).service))
        for deployment in list_deployments(catalog)
    }
    declared = []
    ticking = {tick.name: f"for each {tick.each}, {schedule_of(tick).describe()}" for tick in graph.ticks}
    for kind, node in _nodes(graph):
        found = digest(node)
        reference = served.get(node.name) if kind == "service" else known.get((kind, node.name))
        state = "unchanged" if reference == found else "changed" if reference else "new"
        if kind == "service" and reference is None:
            state = "not deployed"
        warning = "may be kept as a pickle" if isinstance(node, ir.Model) and node.allow_pickle else ""
        how = "; ".join(told_of(node)) if isinstance(node, ir.Service) else ticking.get(node.name, "")
        how = rows_told(node) if isinstance(node, ir.Model) else how
        declared.append(Declared(kind, node.name, found, _reads(node), state, node.doc, warning, how))  # type: ignore[arg-type]  # literals
    changes = [_told(change, before, graph) for change in diff(before, graph)]
    return Plan(declared, changes, live.since if live is not None else None, schema_changes(stores, graph))


def told_of(service: ir.Service) -> Iterator[str]:
    """Yield what a service makes its answer of, where that is more than one model's score."""
    stored = service.stored
    if stored is not None:
        otherwise = "the fallback chain" if stored.only else service.model
        yield f"scores stored by {stored.entity}, at most {format_duration(stored.max_age)} old; else {otherwise}"
    for source in service.ranking.candidates if service.ranking is not None else ():
        if source.stored is not None:
            yield _list_told(source, source.stored)
    if service.combine is not None:
        yield combined(service)


def _list_told(source: Candidates, stored: ir.Stored) -> str:
    told = f"lists of {source.service} by {stored.entity}, at most {format_duration(stored.max_age)} old"
    live = ", ".join(one.name for one in source.live)
    return f"{live}; else {told}" if source.after else f"{told}; else {live}" if live else told


def combined(service: ir.Service) -> str:
    """Say how a service's score is made of several models', and by when each has to answer; "" for one.

    Examples
    --------
    >>> two = ir.Combine("weighted", ("Fraud", "Net"), weights=(0.7, 0.3), shares=(0.25, 0.75))
    >>> combined(ir.Service("Score", "Payment", "Fraud", None, (), (), deadline=20_000, combine=two))
    '0.7 Fraud + 0.3 Net; Fraud by 5ms, Net by 20ms'
    """
    how = service.combine
    if how is None:
        return ""
    ends = zip(how.members, how.ends(), strict=True)
    told = ", ".join(f"{name} by {format_duration(int(service.deadline * end / 1000) * 1000)}" for name, end in ends)
    return f"{_score_told(how)}; {told}"


def _score_told(how: ir.Combine) -> str:
    if how.expr is not None:
        return text_of(how.expr)
    if how.top:
        sizes = (f", the best {size} by " for size in how.top)
        return how.members[0] + "".join(f"{size}{name}" for size, name in zip(sizes, how.members[1:], strict=True))
    if how.unsure is not None:
        low, high = how.unsure
        return f" while within {low:g} to {high:g} then ".join(how.members)
    if how.kind == "weighted":
        return " + ".join(f"{weight:g} {name}" for weight, name in zip(how.weights, how.members, strict=True))
    if how.kind == "vote":
        votes = (f"{name} >= {level:g}" for level, name in zip(how.at, how.members, strict=True))
        return f"share of {', '.join(votes)}"
    return f"{how.members[-1]} of {', '.join(how.members[:-1])}"


def _told(change: Change, before: ir.Graph, after: ir.Graph) -> str:
    """Say what changed, down to the parts that have names.

    >>> old = ir.Source("Sale", (ir.Column("id", "id"), ir.Column("price", "int")))
    >>> new = ir.Source("Sale", (ir.Column("id", "id"), ir.Column("price", "float"), ir.Column("shop", "key")))
    >>> _told(Change("changed", "Sale", "event"), ir.Graph((old,)), ir.Graph((new,)))
    'event Sale changed: ~price +shop'
    """
    head = f"{change.what} {change.name} {change.kind}"
    if change.kind != "changed" or change.what == "tick":
        return head
    was, now = (
        next(node for what, node in nodes_of(graph) if (what, node.name) == (change.what, change.name))
        for graph in (before, after)
    )
    parts = [*_parts(_following(_plain(was), before, after), _plain(now))]
    return f"{head}: {' '.join(parts)}" if parts else head


def _parts(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Yield ``+name``, ``-name``, ``~name`` and ``name->other`` of what differs between two declarations."""
    for field in dict.fromkeys([*was, *now]):
        old, new = was.get(field), now.get(field)
        if old == new:
            continue
        olds, news = _named(old), _named(new)
        if not olds and not news:
            yield f"~{field}"
        renamed = _renamed(olds, news)
        yield from (f"{name}->{other}" for name, other in renamed.items())
        for name in dict.fromkeys([*olds, *news]):
            if olds.get(name) != news.get(name) and name not in (*renamed, *renamed.values()):
                yield f"{'+' if name not in olds else '-' if name not in news else '~'}{name}"


def _renamed(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, str]:
    """Return the new names of parts that are gone and are there again under another one.

    >>> _renamed({"spent": {"name": "spent", "op": "sum"}}, {"spent_30d": {"name": "spent_30d", "op": "sum"}})
    {'spent': 'spent_30d'}
    >>> _renamed({"spent": {"name": "spent", "op": "sum"}}, {"most": {"name": "most", "op": "max"}})
    {}
    """
    added = {name: part | {"name": ""} for name, part in news.items() if name not in olds}
    found: dict[str, str] = {}
    for name, part in olds.items():
        same = (other for other, new in added.items() if other not in found.values() and new == part | {"name": ""})
        other = None if name in news else next(same, None)
        if other is not None:
            found[name] = other
    return found


def _following(was: dict[str, Any], before: ir.Graph, after: ir.Graph) -> dict[str, Any]:
    """Return a former declaration with the features that it reads called as they are now: a rename is told as one.

    >>> spent = ir.Aggregate("sum", "Sale", (("shop",),), ir.Col(("price",)))
    >>> old, new = (ir.Group("Shop", ("Sale.shop",), (ir.FeatureColumn(name, spent),)) for name in ("spent", "sold"))
    >>> view = ir.View("V", "Sale", (ir.Lookup("s", "Shop", ()),), (ir.ViewColumn("x", ir.Feature("s", "spent")),))
    >>> _following(_plain(view), ir.Graph(groups=(old,)), ir.Graph(groups=(new,)))["columns"][0]["value"]
    {'type': 'Feature', 'alias': 's', 'name': 'sold'}
    """
    olds, news = (
        {group.name: _plain(group) for group in graph.groups if not group.attributes} for graph in (before, after)
    )
    groups = {lookup["alias"]: lookup["group"] for lookup in was.get("lookups", ())} or {"": was["name"]}
    names = {
        alias: _renamed(_named(olds[group]["features"]), _named(news[group]["features"]))
        for alias, group in groups.items()
        if group in olds and group in news
    }

    def follow(value: Any) -> Any:
        if isinstance(value, list):
            return [follow(part) for part in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") == "Feature":
            return value | {"name": names.get(value["alias"], {}).get(value["name"], value["name"])}
        return {field: follow(part) for field, part in value.items()}

    return dict(follow(was))


def _named(value: Any) -> dict[str, Any]:
    """Return a list's parts by name; nothing where they have none."""
    if not isinstance(value, list) or not all(isinstance(part, dict) and "name" in part for part in value):
        return {}
    return {part["name"]: part for part in value}


def _plain(value: Any) -> Any:
    """Return a declaration as plain data, without what only says where it stands."""
    found = msgspec.to_builtins(value)
    if isinstance(found, list | tuple):
        return [_plain(part) for part in found]
    if isinstance(found, dict):
        return {name: _plain(part) for name, part in found.items() if name not in ("doc", "file", "line")}
    return found


def _nodes(graph: ir.Graph) -> Iterator[tuple[Kind, Node]]:
    yield from (("entity" if source.entity else "event", source) for source in graph.sources)
    yield from (("features", group) for group in graph.groups if not group.attributes)
    yield from (("view", view) for view in graph.views)
    yield from (("model", model) for model in graph.models)
    yield from (("service", service) for service in graph.services)


def _reads(node: Node) -> tuple[str, ...]:
    """Return the names that a declaration reads directly."""
    if isinstance(node, ir.Source):
        found = [column.target for column in node.columns if column.target]
    elif isinstance(node, ir.Group):
        found = [c.value.source for c in node.features if isinstance(c.value, ir.Aggregate)]
    elif isinstance(node, ir.View):
        scores = [column.value.model for column in node.columns if isinstance(column.value, ir.Score)]
        shown = node.each.source if node.each else ""
        found = [node.on, shown, *(lookup.group for lookup in node.lookups), *scores]
    elif isinstance(node, ir.Model):
        found = [node.view, *tellers_of(node)]
        found += [lookup.group for view in views_beside(node) for lookup in view.lookups]
    else:
        found = [node.on, *node.members, *(lookup.group for view in views_of(node) for lookup in view.lookups)]
    return tuple(dict.fromkeys(name for name in found if name))
