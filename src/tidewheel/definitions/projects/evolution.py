"""What becomes of stored events when their declaration changes: which changes are online, and which are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import labels_of, told_by
from tidewheel.definitions.projects.graphs import views_beside, views_of
from tidewheel.definitions.views.each import origin

WIDENINGS: frozenset[tuple[str, str]] = frozenset({("int", "float"), ("category", "text"), ("key", "text")})
"""Kinds whose every value is one of the other kind, read the same."""


class SchemaChange(msgspec.Struct, frozen=True):
    """One change of a column of an event or entity.

    Attributes
    ----------
    verdict : str
        ``online``: old events are read in the new schema as they are. ``refused``: they can't be.
    what : str
        The change, for people.
    remedy : str
        The migration to write; "" for one that is online.
    """

    source: str
    column: str
    verdict: Literal["online", "refused"]
    what: str
    remedy: str = ""


def evolve(before: ir.Source, after: ir.Source, used: Collection[str] = ()) -> list[SchemaChange]:
    """Return what changed between two declarations of one event or entity that has rows.

    Parameters
    ----------
    used : collection of str
        Columns that something deployed reads.

    Examples
    --------
    >>> old = ir.Source("Sale", (ir.Column("id", "id"), ir.Column("price", "int")))
    >>> new = ir.Source("Sale", (ir.Column("id", "id"), ir.Column("price", "float"), ir.Column("shop", "key")))
    >>> [(change.column, change.verdict) for change in evolve(old, new)]
    [('price', 'online'), ('shop', 'refused')]
    """
    was = {column.name: column for column in before.columns}
    now = {column.name: column for column in after.columns}
    changes = []
    for name in dict.fromkeys([*was, *now]):
        found = _judge(after.name, was.get(name), now.get(name), name in used)
        if found is not None:
            changes.append(found)
    return changes


def columns_used(graph: ir.Graph, source: str) -> set[str]:
    """Return the columns of a source that a graph's features, views, models and services read.

    Examples
    --------
    >>> view = ir.View("V", "Sale", (), (ir.ViewColumn("price", ir.Col(("price",))),))
    >>> columns_used(ir.Graph(sources=(ir.Source("Sale", ()),), views=(view,)), "Sale")
    {'price'}
    """
    targets = {(s.name, c.name): c.target for s in graph.sources for c in s.columns if c.target}
    found: set[str] = set()
    for start, path in _paths(graph):
        here: str | None = start
        for name in path:
            if here == source:
                found.add(name)
            here = targets.get((here or "", name))
    return found


def _judge(source: str, was: ir.Column | None, now: ir.Column | None, used: bool) -> SchemaChange | None:
    if was is None:
        assert now is not None
        what = f"column '{now.name}' ({_told(now)}) is new"
        if now.optional:
            return SchemaChange(source, now.name, "online", what)
        remedy = f"events that came before have no {now.name}: write '| None' behind its type, or give it a default"
        return SchemaChange(source, now.name, "refused", what, remedy)
    if now is None:
        what = f"column '{was.name}' is gone"
        if not used:
            return SchemaChange(source, was.name, "online", what)
        remedy = "something deployed reads it: deploy a version that does without, then remove it"
        return SchemaChange(source, was.name, "refused", what, remedy)
    if all(getattr(was, what) == getattr(now, what) for what in ("kind", "target", "nullable", "default")):
        return None
    what = f"column '{now.name}' was {_told(was)} and is {_told(now)}"
    remedy = _refusal(was, now)
    return SchemaChange(source, now.name, "refused" if remedy else "online", what, remedy)


def _refusal(was: ir.Column, now: ir.Column) -> str:
    """Return the migration that a change of a column asks for; "" when it asks for none."""
    if was.target != now.target:
        return f"what stored events refer to can't change: keep '{was.name}', and add a column for the other reference"
    if was.kind != now.kind and (was.kind, now.kind) not in WIDENINGS:
        return f"keep '{was.name}' as {was.kind}, add a nullable column of kind {now.kind}, and let features read that"
    if was.nullable and not now.nullable:
        return f"events that came before may have no {now.name}: keep '| None'"
    if was.default is not None and was.default != now.default:
        return f"events that came before are read with {was.default!r}: keep that default, or add another column"
    return ""


def _told(column: ir.Column) -> str:
    kind = f"reference to {column.target}" if column.target else column.kind
    if column.default is not None:
        return f"{kind}, {column.default!r} where missing"
    return f"{kind}, may be missing" if column.nullable else str(kind)


def _paths(graph: ir.Graph) -> Iterator[tuple[str, ir.Path]]:
    """Yield the paths that are read, each with the source that it begins at."""
    for group in graph.groups:
        for feature in group.features:
            if isinstance(feature.value, ir.Aggregate):
                yield from ((feature.value.source, key) for key in feature.value.keys)
                yield from _cols(feature.value.source, feature.value)
    views = [*graph.views, *(view for service in graph.services for view in views_of(service))]
    views += [view for model in graph.models for view in views_beside(model)]
    for view in views:
        paths = [key for lookup in view.lookups for key in lookup.keys]
        paths += [path for column in view.columns for _, path in _cols(view.on, column.value)]
        yield from (origin(view, path) for path in paths)
        if view.each is not None:
            yield from ((view.each.source, (name,)) for name in (view.each.item, view.each.request))
    for label in (label for model in graph.models for label in labels_of(model)):
        for source, path, item in told_by(label):
            yield source, path
            yield source, item
        yield from _cols(label.source, label)
    yield from ((service.on, service.unit) for service in graph.services if service.unit)


def _cols(source: str, value: object) -> Iterator[tuple[str, ir.Path]]:
    if isinstance(value, ir.Col):
        yield source, value.path
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _cols(source, getattr(value, field))
    elif isinstance(value, tuple):
        for part in value:
            yield from _cols(source, part)
