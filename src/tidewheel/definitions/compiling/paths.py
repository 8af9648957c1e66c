"""Paths along references: where they lead, and the shortest one to a key."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import PathColumn
from tidewheel.definitions.compiling.expressions import Type
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.language.places import likely
from tidewheel.errors import DefinitionError

Sources = Mapping[str, ir.Source]
AT = ir.Column("at", "time")


class Place(NamedTuple):
    """Where a path leads."""

    path: ir.Path
    """Shortened: ``card.id`` is ``card``."""
    holder: ir.Source
    """The source that holds the last column."""
    column: ir.Column
    through: tuple[ir.Source, ...]
    """The sources in between, after the first."""


class KeyPart(NamedTuple):
    """What a group is keyed by: the identity of a source (`column` is None), or a column of it."""

    source: str
    column: ir.Column | None = None

    @property
    def text(self) -> str:
        """``Card`` or ``Flight.origin``."""
        return f"{self.source}.{self.column.name}" if self.column else self.source

    @property
    def target(self) -> str | None:
        """The source that the key's values identify, if they do."""
        return self.column.target if self.column else self.source


def type_of(column: ir.Column) -> Type:
    """Return the type of a column's values in expressions."""
    if column.kind == "vector":
        return "vector"
    if column.kind in ir.TEXT_KINDS:
        return "text"
    if column.kind in ("bool", "time"):
        return "bool" if column.kind == "bool" else "time"
    return "number"


def column_of(source: ir.Source, name: str) -> ir.Column:
    """Return a column of a source, or its instant."""
    column = AT if name == "at" else source.column(name)
    if column is None:
        known = [*(column.name for column in source.columns), AT.name]
        raise DefinitionError(f"{source.name} has no column '{name}'", remedy=likely(name, known))
    return column


def walk(sources: Sources, source: ir.Source, names: ir.Path) -> Place:
    """Follow a path from a row of `source`.

    Raises
    ------
    DefinitionError
        When a name is no column, or the path goes on from something that is no reference.
    """
    here, column, through = source, column_of(source, names[0]), []
    for name, onward in pairwise(names):
        if column.target is None or column.target not in sources:
            raise DefinitionError(f"'{here.name}.{name}' is no reference, so '.{onward}' leads nowhere")
        here = sources[column.target]
        through.append(here)
        column = column_of(here, onward)
    if through and column.kind == "id":
        return walk(sources, source, names[:-1])
    return Place(names, here, column, tuple(through))


def at_most_one_event(sources: Sources, source: ir.Source, names: ir.Path) -> Place:
    """Follow a path in an aggregate or a label: own columns, or those of one event it refers to."""
    place = walk(sources, source, names)
    text = f"{source.name}.{'.'.join(names)}"
    if any(step.entity for step in place.through):
        entity = next(step.name for step in place.through if step.entity)
        raise DefinitionError(
            f"'{text}' reads an attribute of {entity}, which changes over time",
            remedy="carry it on the event itself; views may read attributes",
        )
    if len(place.through) > 1:
        raise DefinitionError(
            f"'{text}' goes through {len(place.through)} events",
            remedy="go through one; carry the column on that event",
        )
    return place


def key_part(sources: Sources, key: object) -> KeyPart:
    """Return what a ``by=`` names."""
    if isinstance(key, type) and issubclass(key, Row):
        if sources[key.__name__].id_column is None:
            raise DefinitionError(f"{key.__name__} has no id to group by", remedy="add 'id: tw.Id'")
        return KeyPart(key.__name__)
    if not isinstance(key, PathColumn):
        raise DefinitionError(f"by={key!r} is no key", remedy="name an entity, a column, or a tuple of those")
    place = walk(sources, sources[key._root.__name__], key._names)
    if place.column.kind in ("float", "time", "vector"):
        raise DefinitionError(f"{place.holder.name}.{place.column.name} is a {place.column.kind}, which makes no key")
    if place.column.kind == "id":
        return KeyPart(place.holder.name)
    if place.holder.entity:
        raise DefinitionError(
            f"{place.holder.name}.{place.column.name} is an attribute, which changes over time",
            remedy="group by a column of the event",
        )
    return KeyPart(place.holder.name, place.column)


def paths_to(sources: Sources, source: ir.Source, part: KeyPart) -> list[ir.Path]:
    """Return the shortest paths from a row of `source` to a key part, all of one length."""
    if part.column is not None:
        if source.name == part.source:
            return [(part.column.name,)]
        return [(*path, part.column.name) for path in _refs(source, part.source)]
    if source.name == part.source and source.id_column:
        return [(source.id_column,)]
    own = _refs(source, part.source)
    if own:
        return own
    return [
        (column.name, *path)
        for column in source.columns
        if column.target is not None and not sources[column.target].entity
        for path in _refs(sources[column.target], part.source)
    ]


def _refs(source: ir.Source, target: str) -> list[ir.Path]:
    return [(column.name,) for column in source.columns if column.target == target]


def path_to(sources: Sources, source: ir.Source, part: KeyPart, how: str) -> ir.Path:
    """Return the one shortest path to a key part.

    Parameters
    ----------
    how : str
        The remedy where several lead there, with ``{}`` for one of them: ``"write by={}"``.
    """
    found = paths_to(sources, source, part)
    if not found:
        raise DefinitionError(
            f"no path leads from {source.name} to {part.text}",
            remedy=f"give {source.name} a tw.Ref[{part.target or part.source}], or take a source that has one",
        )
    if len(found) > 1:
        texts = [f"{source.name}.{'.'.join(path)}" for path in found]
        raise DefinitionError(
            f"{len(found)} paths lead from {source.name} to {part.text}: {', '.join(texts)}",
            remedy="say which: " + how.format(texts[0]),
        )
    return found[0]


def given_path(sources: Sources, source: ir.Source, part: KeyPart, by: object, how: str) -> ir.Path:
    """Return the path that a user's ``by=`` names, checked to lead to the key part."""
    if isinstance(by, PathColumn) and by._root.__name__ == source.name:
        place = walk(sources, source, by._names)
        target = place.column.target or (place.holder.name if place.column.kind == "id" else None)
        same = part.column is not None and (place.holder.name, place.column.name) == (part.source, part.column.name)
        alike = part.target is None and target is None and part.column is not None and _alike(place.column, part.column)
        if not (same or alike or (target is not None and target == part.target)):
            raise DefinitionError(f"{by._text()} does not lead to {part.text}, by which the group is keyed")
        return place.path
    other = key_part(sources, by)
    if other.target != part.target:
        raise DefinitionError(f"by={other.text} does not lead to {part.text}, by which the group is keyed")
    return path_to(sources, source, other, how)


def _alike(a: ir.Column, b: ir.Column) -> bool:
    return type_of(a) == type_of(b)
