"""The catalog: the truth about the life of definitions, runs, versions and deployments."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from tidewheel.errors import ConfigError
from tidewheel.storage.catalog import connect, schema
from tidewheel.storage.catalog.faults import translated
from tidewheel.storage.catalog.lookups import SqliteLookups
from tidewheel.storage.catalog.statements import Statement, Values
from tidewheel.storage.catalog.watch import PostgresWatch, SqliteWatch, Watch


def system_clock() -> int:
    """Return the machine's time in microseconds UTC."""
    return time.time_ns() // 1000


class Catalog:
    """Tables in an SQLite file or in a schema of a PostgreSQL database; the same code reads and writes both.

    Open it with :meth:`open`. It may be shared by threads; another process opens its own.

    Examples
    --------
    >>> import tempfile
    >>> from tidewheel.storage.catalog.tables import counters
    >>> with tempfile.TemporaryDirectory() as folder, Catalog.open(f"{folder}/catalog.sqlite") as catalog:
    ...     with catalog.write() as connection:
    ...         _ = connection.execute(sa.insert(counters).values(topic="example", value=1))
    ...     with catalog.read() as connection:
    ...         connection.execute(sa.select(counters.c.value)).scalar()
    1
    """

    def __init__(self, engine: sa.Engine, where: str, namespace: str, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._namespace = namespace
        self._faults: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._lookups = None if engine.dialect.name == "postgresql" else SqliteLookups(Path(where))
        self.where = where
        """The file, or the URL without its password: how errors name this catalog."""
        self.now = clock
        """The workspace's clock, which dates every row."""

    @property
    def shared(self) -> bool:
        """Whether several hosts may have it open: it is on a server."""
        return self._engine.dialect.name == "postgresql"

    @classmethod
    def open(cls, place: str | Path, *, namespace: str = "tidewheel", clock: Callable[[], int] = system_clock) -> Self:
        """Open a catalog, making or upgrading its tables when needed.

        Parameters
        ----------
        place : str or Path
            A file, or ``postgresql://user:password@host:port/database``.
        namespace : str
            With PostgreSQL, the schema that holds the tables: one a workspace. A file is its own namespace.
        clock : callable
            Gives the instant, in microseconds UTC, that rows are dated with.

        Raises
        ------
        BusyError
            Another process kept it locked for more than 5 seconds.
        ConfigError
            It is a URL of another database.
        StorageError
            It stands on a network disk, can't be reached, or was written by a newer release.
        MissingExtraError
            PostgreSQL without the ``postgres`` extra.
        """
        if connect.is_postgres(str(place)):
            engine = connect.postgres_engine(str(place), namespace)
            where = engine.url.render_as_string(hide_password=True) + f" schema {namespace}"
        elif "://" in str(place):
            raise ConfigError(
                f"no catalog can be on {str(place).split('://')[0]}://",
                where="tidewheel.toml: catalog",
                remedy='write "postgresql://user@host/database", or leave it out for a file in the data folder',
            )
        else:
            path = Path(place).absolute()
            engine, where = connect.sqlite_engine(path), str(path)
        catalog = cls(engine, where, namespace, clock)
        try:
            catalog._prepare()
        except BaseException:
            engine.dispose()
            raise
        return catalog

    def _prepare(self) -> None:
        with self.read() as connection:
            found = schema.revision(connection)
        schema.refuse_newer(found, self.where)
        if found == schema.HEAD:
            return
        upgrade = schema.upgrader()
        with self.write() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self._namespace}"')
            upgrade(connection)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection with one consistent view, for reading."""
        with translated(self.where, self._faults), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """Give a connection that is the catalog's only writer; commit at the end, or undo all on an exception.

        Parameters
        ----------
        durable : bool
            True waits for the disk: pointers, versions, claims. False may lose the last commits when the
            power goes (never when a process dies): progress of a run.

        Raises
        ------
        BusyError
            Another writer held it for more than 5 seconds.
        """
        options = {connect.WRITE: True, connect.DURABLE: durable}
        with translated(self.where, self._faults), self._engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                yield connection

    def first(self, query: Statement, values: Values) -> dict[str, Any] | None:
        """Return the first row that a query finds, by column name; None when it finds none.

        The quickest way to one row, for pointers that are resolved again and again: always what stands there now.
        """
        if self._lookups is not None:
            return self._lookups.first(query, values)
        with self.read() as connection:
            return query.first(connection, values)

    def watch(self, topic: str = "pointers") -> Watch:
        """Return a cheap check for changes of `topic`, made by any process, to be called every 20 to 50 ms."""
        if self._engine.dialect.name == "postgresql":
            return PostgresWatch(self._engine, self._namespace, topic)
        return SqliteWatch(Path(self.where), topic)

    def close(self) -> None:
        """Close every connection."""
        if self._lookups is not None:
            self._lookups.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
