"""Views with a row an item: the columns that such a row has, and what stands for them when it is served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.language.places import mistake


class ServedAs(Column[Any]):
    """Made by `served_as`."""

    def __init__(self, column: PathColumn, value: object) -> None:
        self._column = column
        self._value = value


def served_as(column: object, value: object) -> Column[Any]:
    """Read a column of what was shown in training, and a constant when candidates are served.

    Where an item stood says much about why it was taken, and is not known before the list is made. The model learns
    it and is asked as if every item stood in one place.

    Parameters
    ----------
    column : column
        Of the event that the view's ``each=`` names: ``Shown.position``.
    value : number, bool, str, None, or an attribute of the item
        What it is in serving: ``1``, or ``Shown.movie.genre`` for a column that repeats what the item says.

    Raises
    ------
    DefinitionError
        `column` is no column of an event.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Shown(tw.Event):
    ...     position: int
    >>> position = tw.served_as(Shown.position, 1)
    """
    if not isinstance(column, PathColumn) or len(column._names) != 1:
        raise mistake(
            f"served_as() takes a column of what was shown, not {column!r}", "tw.served_as(Shown.position, 1)"
        )
    return ServedAs(column, value)


def row_source(sources: Mapping[str, ir.Source] | Iterable[ir.Source], view: ir.View) -> ir.Source:
    """Return the declaration of a view's rows: its event, with the columns of an item where it has a row for each.

    Examples
    --------
    >>> seen = ir.Source("Seen", (ir.Column("of", "ref", "Ask"), ir.Column("film", "ref", "Film")))
    >>> each = ir.Each("Seen", "film", "Film", "of")
    >>> row = row_source([ir.Source("Ask", (ir.Column("id", "id"),)), seen], ir.View("V", "Ask", (), (), each=each))
    >>> [column.name for column in row.columns]
    ['id', 'Seen.film']
    """
    known = sources if isinstance(sources, Mapping) else {source.name: source for source in sources}
    on, each = known[view.on], view.each
    if each is None:
        return on
    names = [each.item, *(served.column for served in each.served)]
    return with_shown(on, known[each.source], names)


def with_shown(on: ir.Source, shown: ir.Source, names: Iterable[str]) -> ir.Source:
    """Return an event with some columns of another beside its own, called ``Shown.movie``."""
    found = (shown.column(name) for name in names)
    beside = (msgspec.structs.replace(column, name=f"{shown.name}.{column.name}") for column in found if column)
    return msgspec.structs.replace(on, columns=(*on.columns, *beside))


def origin(view: ir.View, path: ir.Path) -> tuple[str, ir.Path]:
    """Return the source that a path of a view's row begins at, and the path from there.

    Examples
    --------
    >>> origin(ir.View("V", "Ask", (), (), each=ir.Each("Seen", "film", "Film", "of")), ("Seen.film", "genre"))
    ('Seen', ('film', 'genre'))
    """
    shown, _, name = path[0].partition(".")
    return (shown, (name, *path[1:])) if name else (view.on, path)
