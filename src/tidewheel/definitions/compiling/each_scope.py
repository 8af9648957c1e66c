"""What can be read for one item of an event: the event's own, the item's, and both together."""

from __future__ import annotations

from typing import cast

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import Typed
from tidewheel.definitions.compiling.paths import KeyPart, column_of, path_to, type_of
from tidewheel.definitions.compiling.row_scope import RowScope, on_source
from tidewheel.definitions.events.rows import Event
from tidewheel.definitions.features.features import Features
from tidewheel.definitions.ir.ranking import Served
from tidewheel.definitions.views.each import ServedAs, with_shown
from tidewheel.definitions.views.views import View
from tidewheel.errors import DefinitionError


def view_scope(context: Context, cls: type[View]) -> RowScope:
    """Return what a view's rows can read."""
    on = on_source(context, cls, cls._on)
    return RowScope(context, on) if cls._each is None else EachScope(context, on, cast("type", cls._on), cls._each)


class EachScope(RowScope):
    """Columns of the shown event are the row's own, under names such as ``Shown.movie``.

    Only the item is known of a candidate; other columns come by `served_as`.
    """

    def __init__(self, context: Context, on: ir.Source, root: type, item: object) -> None:
        self._root = root
        self._shown, self._plain_on = _shown_of(context, item), on
        name = cast("PathColumn", item)._names[0]
        column = self._shown.column(name)
        target = context.sources.get((column and column.target) or "")
        if target is None or not target.entity:
            raise DefinitionError(
                f"each={self._shown.name}.{name} is no reference to an entity", remedy="declare movie: tw.Ref[Movie]"
            )
        refs = [column.name for column in self._shown.columns if column.target == on.name]
        if len(refs) != 1 or on.id_column is None:
            raise DefinitionError(
                f"{self._shown.name} has {len(refs)} references to {on.name}, and needs the one that it was shown for",
                remedy=f"give {self._shown.name} a tw.Ref[{on.name}], and {on.name} an 'id: tw.Id'",
            )
        self._item, self._request, self._target = name, refs[0], target.name
        self.served: dict[str, Served] = {}
        super().__init__(context, with_shown(on, self._shown, [name]))

    @property
    def each(self) -> ir.Each:
        """What is known of the view's rows once its columns are compiled."""
        return ir.Each(self._shown.name, self._item, self._target, self._request, tuple(self.served.values()))

    def column(self, node: Column[object]) -> Typed | None:
        """Answer for what a row's expressions may name."""
        if isinstance(node, ServedAs):
            return self._served(node)
        return super().column(node)

    def _path(self, node: PathColumn) -> Typed:
        root = node._root.__name__
        if root == self._target:  # an attribute of the item, named by its entity
            node = PathColumn(self._root, (f"{self._shown.name}.{self._item}", *node._names))
        return super()._path(self._own(node) if root == self._shown.name else node)

    def _own(self, node: PathColumn) -> PathColumn:
        """Return a column of what was shown as one of the row's own."""
        first, rest = node._names[0], node._names[1:]
        if first == self._request and rest:
            return PathColumn(self._root, rest)
        if first != self._item:
            raise DefinitionError(
                f"{node._text()} is not known when candidates are scored",
                remedy=f"write tw.served_as({self._shown.name}.{first}, ...) with what stands for it then",
            )
        return PathColumn(self._root, (f"{self._shown.name}.{first}", *rest))

    def _served(self, node: ServedAs) -> Typed:
        column = column_of(self._shown, self._served_name(node))
        return Typed(ir.Col((f"{self._shown.name}.{column.name}",)), type_of(column), column.size)

    def _served_name(self, node: ServedAs) -> str:
        """Note what a column is in serving; return its name."""
        if node._column._root.__name__ != self._shown.name:
            raise DefinitionError(f"{node._column._text()} is no column of {self._shown.name}")
        name = node._column._names[0]
        column_of(self._shown, name)
        served = (
            self._of_item(name, node._value) if isinstance(node._value, PathColumn) else _constant(name, node._value)
        )
        if self.served.setdefault(name, served) != served:
            raise DefinitionError(f"{self._shown.name}.{name} is served as two different things")
        self.on = with_shown(self._plain_on, self._shown, [self._item, *self.served])
        return name

    def _of_item(self, name: str, value: PathColumn) -> Served:
        typed = self._path(value)
        path = typed.expr.path if isinstance(typed.expr, ir.Col) else ()
        if len(path) != 2 or path[0] != f"{self._shown.name}.{self._item}":
            raise DefinitionError(
                f"{value._text()} is no attribute of the item",
                remedy=f"write {self._shown.name}.{self._item}.…, or a constant",
            )
        if typed.type != type_of(column_of(self._shown, name)):
            raise DefinitionError(f"{value._text()} and {self._shown.name}.{name} are of different kinds")
        return Served(name, attribute=path[1])

    def _keys(self, group: type[Features], keys: tuple[object, ...]) -> tuple[ir.Path, ...]:
        return super()._keys(group, tuple(self._key(key) for key in keys or self._plain_keys(group)))

    def _plain_keys(self, group: type[Features]) -> tuple[PathColumn, ...]:
        """Return the keys of a group of items, whatever other references to an item the event has."""
        parts = cast("tuple[KeyPart, ...]", self.context.parts[group])
        own = KeyPart(self._target)
        if own not in parts:
            return ()
        item, how = (f"{self._shown.name}.{self._item}",), f"write tw.lookup({group.__name__}, {{}})"
        paths = (item if part == own else path_to(self.context.sources, self.on, part, how) for part in parts)
        return tuple(PathColumn(self._root, path) for path in paths)

    def _key(self, key: object) -> object:
        if isinstance(key, ServedAs):
            return PathColumn(self._root, (f"{self._shown.name}.{self._served_name(key)}",))
        if isinstance(key, PathColumn) and key._root.__name__ == self._shown.name:
            return self._own(key)
        return key


def _shown_of(context: Context, item: object) -> ir.Source:
    if not isinstance(item, PathColumn) or len(item._names) != 1 or not issubclass(item._root, Event):
        raise DefinitionError(f"each={item!r} names no item", remedy="write each=Shown.movie")
    return context.source_of(item._root)


def _constant(name: str, value: object) -> Served:
    if not isinstance(value, bool | int | float | str | None):
        raise DefinitionError(
            f"'{name}' can't be served as {value!r}", remedy="give a constant, or an item's attribute"
        )
    return Served(name, value)
