"""Compiles ``tw.batch.scores(...)``, of a service's model or of its fallback chain."""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import PathColumn
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.paths import KeyPart, path_to, walk
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.quantities import share_of
from tidewheel.definitions.services.batch import Stored
from tidewheel.errors import DefinitionError


def compile_stored(context: Context, on: ir.Source, given: Stored, *, item: str = "", alone: bool = False) -> ir.Stored:
    """Return the frozen form of what a service reads of scores computed ahead.

    Of a list's items, whose entity is `item`, they are kept by an entity and the item or, with `alone`, by the item.

    Raises
    ------
    DefinitionError
        `by` is no column of the event, or no entity that it refers to.
    """
    if given.otherwise not in ("live", "fallback"):
        raise DefinitionError(f"otherwise={given.otherwise!r}", remedy="write 'live' or 'fallback'")
    path, entity = ((), item) if alone else key_of(context, on, given.by)
    return ir.Stored(
        by=path,
        entity=f"{entity}, {item}" if item and not alone else entity,
        max_age=parse_duration(given.max_age),
        only=given.otherwise == "fallback",
        any_version=given.any_version,
        alert=share_of("alert", given.alert),
    )


def key_of(context: Context, on: ir.Source, by: object) -> tuple[ir.Path, str]:
    """Return the event's column that something is kept by, and what that refers to.

    Raises
    ------
    DefinitionError
        `by` is no column of the event, or no entity that it refers to.
    """
    if isinstance(by, type) and issubclass(by, Row):
        path = path_to(context.sources, on, KeyPart(by.__name__), "write by={}")
    elif isinstance(by, PathColumn) and by._root.__name__ == on.name:
        path = walk(context.sources, on, by._names).path
    else:
        raise DefinitionError(f"by={by!r} is no key of {on.name}", remedy=f"name an entity, or a column of {on.name}")
    column = on.column(path[0])
    if len(path) > 1 or column is None or column.kind not in ir.TEXT_KINDS:
        raise DefinitionError(
            f"by= takes a column of {on.name} itself that holds a string, not {'.'.join(path)}",
            remedy=f"give {on.name} a reference to the entity",
        )
    return path, column.target or column.name
