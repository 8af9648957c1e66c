"""Statements of the hot path: written in SQLAlchemy Core, compiled once for each database, executed by its driver.

SQLAlchemy's own execution costs several times what SQLite takes for a row by its key, and building a statement anew
five times that again. What a run, a version or a pointer executes is therefore a module's constant, with values as
parameters; everything else goes through `sqlalchemy.Connection` as usual, in the same transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from tidewheel.storage.catalog.connect import driver_of

SQLITE = sqlite.dialect(paramstyle="named")
Values = Mapping[str, object]
"""Values of parameters by name, as the database holds them: texts, numbers, None."""


def same(*columns: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that columns equal parameters: ``of_model`` for a column ``model``, and so on.

    An update may so set a column and look for it as well.

    Examples
    --------
    >>> table = sa.table("runs", sa.column("id"), sa.column("model"))
    >>> print(same(table.c.id, table.c.model))
    runs.id = :of_id AND runs.model = :of_model
    """
    return sa.and_(*(column == sa.bindparam(f"of_{column.name}") for column in columns))


class Statement:
    """A select, insert, update or delete. Without state but what it has compiled; may be shared by threads.

    Parameters
    ----------
    core : sqlalchemy.Executable
        Inserts and updates set the columns for which there are values.

    Examples
    --------
    >>> from tidewheel.storage.catalog.tables import counters
    >>> Statement(sa.insert(counters)).bound(SQLITE, {"topic": "a", "value": 1})
    ('INSERT INTO counters (topic, value) VALUES (:topic, :value)', {'topic': 'a', 'value': 1})
    """

    def __init__(self, core: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        self._core = core
        self._compiled: dict[tuple[str, ...], tuple[str, Values]] = {}
        returned = core.selected_columns.keys() if isinstance(core, sa.Select) else _returned(core)
        self.names = tuple(returned)
        """Of the columns that it returns."""

    def bound(self, dialect: sa.Dialect, values: Values) -> tuple[str, Values]:
        """Return the text for a dialect, and the values with those that stand in the statement itself."""
        key = (dialect.name, *values)
        text, own = self._compiled.get(key) or self._compiled.setdefault(key, self._compile(dialect, values))
        return text, {**own, **values} if own else values

    def _compile(self, dialect: sa.Dialect, values: Values) -> tuple[str, Values]:
        columns = [name for name in values if not name.startswith("of_")]
        compiled = self._core.compile(dialect=dialect, column_keys=columns or None)
        return str(compiled), {name: value for name, value in compiled.params.items() if name not in values}

    def run(self, connection: sa.Connection, values: Values) -> list[tuple[Any, ...]]:
        """Execute it within a transaction of the catalog's; return what it returns, row by row."""
        cursor = driver_of(connection).cursor()
        cursor.execute(*self.bound(_dialect(connection), values))
        return cursor.fetchall() if self.names else []

    def run_many(self, connection: sa.Connection, rows: Sequence[Values]) -> None:
        """Execute it for each of some rows, which have the same names."""
        bound = [self.bound(_dialect(connection), row) for row in rows]
        if bound:
            driver_of(connection).cursor().executemany(bound[0][0], [values for _, values in bound])

    def first(self, connection: sa.Connection, values: Values) -> dict[str, Any] | None:
        """Return the first row by column name; None when there is none."""
        rows = self.run(connection, values)
        return dict(zip(self.names, rows[0], strict=True)) if rows else None

    def scalar(self, connection: sa.Connection, values: Values) -> Any:
        """Return the first column of the first row; None when there is none."""
        rows = self.run(connection, values)
        return rows[0][0] if rows else None


def _returned(core: sa.Insert | sa.Update | sa.Delete) -> list[str]:
    return [str(column["name"]) for column in core.returning_column_descriptions]


def _dialect(connection: sa.Connection) -> sa.Dialect:
    return connection.dialect if connection.dialect.name == "postgresql" else SQLITE
