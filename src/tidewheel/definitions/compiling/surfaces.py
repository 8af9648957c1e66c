"""A ranking service on another event than its model's view: which of its event's columns stand for the view's."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import PathColumn
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import Typed
from tidewheel.definitions.compiling.row_scope import RowScope
from tidewheel.definitions.projects.graphs import paths_in
from tidewheel.errors import DefinitionError


class Surface(RowScope):
    """Rows of an event that stands in for another: columns of that one are read from what stands for them.

    Parameters
    ----------
    context : Context
    on : ir.Source
        The service's event.
    root : type
        Its class.
    views : sequence of ir.View
        The models'.
    """

    def __init__(self, context: Context, on: ir.Source, root: type, views: Sequence[ir.View]) -> None:
        super().__init__(context, on)
        if on.id_column is None:
            raise DefinitionError(
                f"{on.name} has no id, by which outcomes tell of its list", remedy=f"give {on.name} an 'id: tw.Id'"
            )
        self._root = root
        self._base = context.sources[views[0].on]
        self._stands: dict[str, str] = {}
        for view in views:
            self._take(view)

    def columns(self, *views: ir.View | None) -> tuple[tuple[str, str], ...]:
        """Return each column of the view's event that is read, by these views too, with what stands for it."""
        for view in views:
            if view is not None:
                self._take(view)
        return tuple(sorted((name, own) for name, own in self._stands.items() if name != "at"))

    def _take(self, view: ir.View) -> None:
        keys = (path for lookup in view.lookups for path in lookup.keys)
        paths = (path for column in view.columns for path in paths_in(column.value))
        for name in sorted({path[0] for path in (*keys, *paths)}):
            if "." not in name:
                self._own(name)

    def _path(self, node: PathColumn) -> Typed:
        return super()._path(self.plain(node))

    def plain(self, node: PathColumn) -> PathColumn:
        """Return a column of the view's event as the service's own."""
        if node._root.__name__ != self._base.name:
            return node
        first, *rest = node._names
        return PathColumn(self._root, (self._own(first), *rest))

    def _own(self, name: str) -> str:
        """Return what stands for a column: one of its name and kind or, for a reference, the only one to its entity.

        Raises
        ------
        DefinitionError
        """
        if name not in self._stands:
            self._stands[name] = name if name == "at" else self._found(name)
        return self._stands[name]

    def _found(self, name: str) -> str:
        wanted, same = self._base.column(name), self.on.column(name)
        assert wanted is not None
        if same is not None and _kind(same) == _kind(wanted):
            return name
        alike = [column.name for column in self.on.columns if wanted.target and column.target == wanted.target]
        if same is None and len(alike) == 1:
            return alike[0]
        declared = f"{wanted.target or wanted.kind}"
        found = f"is of another kind ({same.target or same.kind})" if same is not None else "does not exist"
        if same is None and alike:
            found = f"does not exist, and {' and '.join(alike)} may stand for it"
        raise DefinitionError(
            f"the model reads {self._base.name}.{name} ({declared}), and {self.on.name}.{name} {found}",
            remedy=f"give {self.on.name} a '{name}' as {self._base.name} has it",
        )


def _kind(column: ir.Column) -> tuple[str, str | None, int]:
    return column.kind, column.target, column.size
