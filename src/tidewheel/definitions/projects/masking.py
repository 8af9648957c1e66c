"""Which values are personal: the columns marked so, references to entities with a personal id, and what shows them.

A feature that gives one value of a column back (the last one, the greatest, the commonest) is as personal as the
column; one that counts or adds up is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.views.each import origin

MASK = "[personal]"
"""What is shown in the place of a personal value."""
_SUMMARIES = frozenset(
    {"count", "sum", "mean", "std", "var", "rate", "distinct", "time_since_last", "time_since_first"}
)


class Masks:
    """What is personal in a graph.

    Examples
    --------
    >>> sale = ir.Source("Sale", (ir.Column("email", "text", personal=True), ir.Column("amount", "float")))
    >>> Masks(ir.Graph((sale,))).row("Sale", {"email": "a@b.c", "amount": 2.5})
    {'email': '[personal]', 'amount': 2.5}
    """

    def __init__(self, graph: ir.Graph) -> None:
        self._sources = {source.name: source for source in graph.sources}
        self._groups = {group.name: group for group in graph.groups if not group.attributes}

    def columns(self, source: str) -> set[str]:
        """Return the personal columns of a source."""
        known = self._sources.get(source)
        return {column.name for column in known.columns if column.personal} if known is not None else set()

    def row(self, source: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row's values with the personal ones masked; null stays null."""
        personal = self.columns(source)
        return {name: MASK if name in personal and value is not None else value for name, value in values.items()}

    def text(self, source: str, values: Mapping[str, Any], text: str) -> str:
        """Return running text about a row without the row's personal values."""
        shown = [str(values[name]) for name in self.columns(source) if values.get(name) is not None]
        return without(text, shown)

    def features(self, view: ir.View, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a view's values by column with those masked that show a personal one."""
        hidden = self.hidden(view)
        return {name: MASK if name in hidden and value is not None else value for name, value in values.items()}

    def hidden(self, view: ir.View) -> set[str]:
        """Return the columns of a view that show a personal value."""
        groups = {lookup.alias: lookup.group for lookup in view.lookups}
        hidden: set[str] = set()
        for column in view.columns:
            if any(self._shows(view, groups, hidden, leaf) for leaf in _leaves(column.value)):
                hidden.add(column.name)
        return hidden

    def hides_key(self, by: tuple[str, ...]) -> bool:
        """Whether a state's key, by what its parts are, has a personal part."""
        return any(self._is_personal_part(part) for part in by)

    def _is_personal_part(self, part: str) -> bool:
        source, _, column = part.partition(".")
        known = self._sources.get(source)
        return known is not None and (column or known.id_column or "") in self.columns(source)

    def _shows(self, view: ir.View, groups: Mapping[str, str], hidden: set[str], leaf: msgspec.Struct) -> bool:
        if isinstance(leaf, ir.Col):
            return self._path_is_personal(*origin(view, leaf.path))
        if isinstance(leaf, ir.Computed):
            return leaf.name in hidden
        return isinstance(leaf, ir.Feature) and self._feature_shows(groups.get(leaf.alias, ""), leaf.name)

    def _feature_shows(self, group: str, name: str) -> bool:
        known = self._groups.get(group)
        value = next((feature.value for feature in known.features if feature.name == name), None) if known else None
        if isinstance(value, ir.Aggregate):
            leaves = [leaf for leaf in _leaves(value.value) if isinstance(leaf, ir.Col)]
            return value.op not in _SUMMARIES and any(self._path_is_personal(value.source, it.path) for it in leaves)
        return any(self._feature_shows(group, leaf.name) for leaf in _leaves(value) if isinstance(leaf, ir.Feature))

    def _path_is_personal(self, source: str, path: ir.Path) -> bool:
        for name in path[:-1]:
            known = self._sources.get(source)
            column = known.column(name) if known is not None else None
            source = (column.target if column is not None else None) or ""
        return path[-1] in self.columns(source)


def without(text: str, values: list[str]) -> str:
    """Return text with values masked where they stand by themselves.

    Examples
    --------
    >>> without("found text 'ann@b.c'", ["ann@b.c"])
    "found text '[personal]'"
    """
    shown = sorted({value for value in values if value}, key=len, reverse=True)
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, shown))})(?!\w)", MASK, text) if shown else text


def _leaves(node: Any) -> Iterator[msgspec.Struct]:
    if isinstance(node, ir.Col | ir.Feature | ir.Computed):
        yield node
    elif isinstance(node, msgspec.Struct):
        for name in node.__struct_fields__:
            yield from _leaves(getattr(node, name))
    elif isinstance(node, tuple):
        for item in node:
            yield from _leaves(item)
