"""Seeing from another process that something was changed, for the price of a microsecond or two.

A writer calls :func:`touch` in its transaction. Watchers of SQLite ask ``PRAGMA data_version``, which changes
with any commit of another connection, and read the topic's counter only then; watchers of PostgreSQL
LISTEN, and compare the counter after a broken connection.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
import sqlalchemy.exc

from tidewheel.errors import StorageError
from tidewheel.storage.catalog import connect
from tidewheel.storage.catalog.faults import explain, explain_driver
from tidewheel.storage.catalog.tables import counters

POINTERS = "pointers"
"""Topic of deployments, thresholds, kills and live definitions: what serving and stream workers follow."""


def touch(connection: sa.Connection, topic: str = POINTERS) -> None:
    """Tell watchers of `topic`, when `connection`'s transaction commits, that it changed."""
    raised = connection.execute(sa.update(counters).where(counters.c.topic == topic).values(value=counters.c.value + 1))
    if raised.rowcount == 0:
        connection.execute(sa.insert(counters).values(topic=topic, value=1))
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_notify('tidewheel_' || current_schema(), :topic)"), {"topic": topic})


class Watch(Protocol):
    """A check for changes of one topic. Not to be shared by threads."""

    def changed(self) -> bool:
        """Return True when the topic changed since the last call, or since the watch was made."""

    def close(self) -> None:
        """Close its connection."""


class SqliteWatch:
    """Asks the file's change number, then the topic's counter."""

    def __init__(self, path: Path, topic: str) -> None:
        self._connection = connect.sqlite_connection(path)
        self._path = str(path)
        self._topic = topic
        self._version = self._data_version()
        self._seen = self._counter()

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _counter(self) -> int:
        row = self._connection.execute("SELECT value FROM counters WHERE topic = ?", (self._topic,)).fetchone()
        return int(row[0]) if row else 0

    def changed(self) -> bool:
        """Return True when the topic changed since the last call; False while another process keeps it from being read.

        Raises
        ------
        StorageError
            It is damaged.
        """
        try:
            version = self._data_version()
            if version == self._version:
                return False
            seen = self._counter()
        except sqlite3.OperationalError:
            return False  # still unseen, so the next call asks again
        except sqlite3.Error as error:
            raise explain_driver(error, self._path) from error
        self._version = version
        news, self._seen = seen != self._seen, seen
        return news

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()


class PostgresWatch:
    """Listens; after losing its connection it compares counters, so that nothing passes unseen."""

    def __init__(self, engine: sa.Engine, namespace: str, topic: str) -> None:
        self._engine = engine
        self._channel = f"tidewheel_{namespace}"
        self._topic = topic
        self._listener: Any = None
        self._seen = -1
        self._listen()
        self._seen = self._counter()

    def _listen(self) -> None:
        try:
            pooled = self._engine.raw_connection()
        except sqlalchemy.exc.DBAPIError as error:
            raise explain(error, self._channel) from error
        self._listener = pooled.driver_connection
        pooled.detach()
        self._listener.autocommit = True
        self._listener.execute(f"LISTEN {self._channel}")

    def _counter(self) -> int:
        row = self._listener.execute("SELECT value FROM counters WHERE topic = %s", (self._topic,)).fetchone()
        return int(row[0]) if row else 0

    def changed(self) -> bool:
        """Return True when the topic changed since the last call; False while the server can't be reached."""
        driver_error = self._engine.dialect.loaded_dbapi.Error
        try:
            if self._listener.closed:
                self._listen()
            elif self._topic not in [note.payload for note in self._listener.notifies(timeout=0)]:
                return False
            seen = self._counter()
        except (driver_error, StorageError, OSError):
            self._listener.close()
            return False
        news, self._seen = seen != self._seen, seen
        return news

    def close(self) -> None:
        """Close its connection."""
        self._listener.close()
