"""What can be read for one row of an event, while views, rules and weights are compiled."""

from __future__ import annotations

from typing import cast

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Aggregated, Column, Derived, FeatureOf, PathColumn
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import Typed
from tidewheel.definitions.compiling.paths import KeyPart, given_path, path_to, type_of, walk
from tidewheel.definitions.events.rows import Event
from tidewheel.definitions.features.attributes import AGE, STATUS, attribute_group
from tidewheel.definitions.features.features import Features, Lookup
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.models import ScoreColumn
from tidewheel.errors import DefinitionError


class RowScope:
    """What can be read for one row of an event: its columns, its entities' attributes, and groups.

    Groups are given an alias when they are first named; `lookups` is what has to be read.
    """

    def __init__(self, context: Context, on: ir.Source) -> None:
        self.context = context
        self.on = on
        self.lookups: dict[str, ir.Lookup] = {}
        self.groups: dict[str, type[Features]] = {}
        self._alias_of: dict[int, str] = {}
        self._plain: dict[type[Features], str] = {}

    def add(self, alias: str, group: type[Features], given: Lookup | None) -> None:
        """Read a group under an alias, by given keys or by the plain way to its key."""
        if given is not None:
            self._alias_of[id(given)] = alias
        else:
            self._plain[group] = alias
        self.groups[alias] = group
        self.lookups[alias] = ir.Lookup(alias, group.__name__, self._keys(group, given._keys if given else ()))

    def column(self, node: Column[object]) -> Typed | None:
        """Answer for what a row's expressions may name."""
        if isinstance(node, PathColumn):
            return self._path(node)
        if isinstance(node, FeatureOf):
            lookup = cast("Lookup", node._lookup)
            if id(lookup) not in self._alias_of:
                self.add(f"{lookup._group.__name__}.{len(self.lookups)}", lookup._group, lookup)
            return self._feature(self._alias_of[id(lookup)], node._feature)
        if isinstance(node._owner, type) and issubclass(node._owner, Features):
            return self._feature(self._plain_alias(node._owner), node._name)
        if isinstance(node, Aggregated):
            raise DefinitionError("an aggregate outside of a group", remedy="declare it in a tw.Features class")
        if isinstance(node, ScoreColumn):
            raise DefinitionError(
                f"{node!r} can't be part of an expression here", remedy="make it a column of its own: risk = Risk.score"
            )
        if isinstance(node, Derived):
            raise DefinitionError(
                f"'{node._name or node.fn.__name__}' is no column of this view", remedy="give it a name of its own here"
            )
        return None

    def _path(self, node: PathColumn) -> Typed:
        if node._root.__name__ != self.on.name:
            raise DefinitionError(
                f"{node._text()} is not known for a row of {self.on.name}",
                remedy=f"use columns of {self.on.name}; read other events through a tw.Features class",
            )
        if node._names[-1] in (AGE, STATUS):
            return self._about_attributes(node)
        place = walk(self.context.sources, self.on, node._names)
        if place.through:
            self._check_attribute(node, place.through)
        return Typed(ir.Col(place.path), type_of(place.column), place.column.size)

    def _about_attributes(self, node: PathColumn) -> Typed:
        """Answer for the age or status of an entity's row."""
        path, name = node._names[:-1], node._names[-1]
        target = walk(self.context.sources, self.on, path).column.target if path else None
        through = [self.context.sources[target]] if target else []
        self._check_attribute(node, tuple(through))
        self.context.attributes[through[0].name] = attribute_group(through[0], aged=True)
        return Typed(ir.Col(node._names), "number" if name == AGE else "text")

    def _check_attribute(self, node: PathColumn, through: tuple[ir.Source, ...]) -> None:
        if len(through) != 1 or not through[0].entity:
            raise DefinitionError(
                f"{node._text()} is not an attribute of an entity that the row refers to",
                remedy="a view reads its own columns, attributes of entities it names, and groups",
            )
        if node._names[-1] == "at":
            raise DefinitionError(f"{node._text()}: an entity's own time can't be read", remedy="add a datetime column")
        entity = through[0]
        self.context.attributes.setdefault(entity.name, attribute_group(entity))

    def _feature(self, alias: str, name: str) -> Typed:
        type = self.context.feature_types.get((self.groups[alias], name))
        if type is None:
            known = [feature for group, feature in self.context.feature_types if group is self.groups[alias]]
            raise DefinitionError(f"{self.groups[alias].__name__} has no feature '{name}'", remedy=likely(name, known))
        return Typed(ir.Feature(alias, name), type, self.context.feature_sizes.get((self.groups[alias], name), 0))

    def _plain_alias(self, group: type[Features]) -> str:
        """Return the alias under which a group named by its class is read."""
        if group in self._plain:
            return self._plain[group]
        named = [alias for alias, cls in self.groups.items() if cls is group]
        if len(named) > 1:
            raise DefinitionError(
                f"{group.__name__} is looked up {len(named)} times: {', '.join(named)}",
                remedy=f"say which: {named[0]}.…",
            )
        if named:
            return named[0]
        self.add(group.__name__, group, None)
        return group.__name__

    def _keys(self, group: type[Features], keys: tuple[object, ...]) -> tuple[ir.Path, ...]:
        parts = cast("tuple[KeyPart, ...]", self.context.parts[group])
        how = f"write tw.lookup({group.__name__}, {{}})"
        if keys and len(keys) != len(parts):
            texts = ", ".join(part.text for part in parts)
            raise DefinitionError(f"{len(keys)} keys are given, {group.__name__} is keyed by {len(parts)}: {texts}")
        paths = (
            [given_path(self.context.sources, self.on, part, key, how) for part, key in zip(parts, keys, strict=True)]
            if keys
            else [path_to(self.context.sources, self.on, part, how) for part in parts]
        )
        for path in paths:
            if len(path) > 1:
                raise DefinitionError(
                    f"the key {self.on.name}.{'.'.join(path)} is not on the row itself",
                    remedy=f"add a reference of its own to {self.on.name}",
                )
        return tuple(paths)


def on_source(context: Context, cls: type, on: object) -> ir.Source:
    """Return the event a view or service is for."""
    if not (isinstance(on, type) and issubclass(on, Event)):
        found = "no event" if on is None else repr(on)
        raise DefinitionError(f"it is for {found}", remedy=f"write class {cls.__name__}(..., on=Transaction)")
    return context.source_of(on)
