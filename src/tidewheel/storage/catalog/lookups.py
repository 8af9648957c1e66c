"""One row by its key, as often as somebody asks: what an alias or a pointer is resolved with.

A single statement is a consistent view by itself, so it needs no transaction around it; what is left is a prepared
statement of SQLite's, a few microseconds on a connection that is kept for it.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from tidewheel.storage.catalog import connect
from tidewheel.storage.catalog.faults import explain_driver
from tidewheel.storage.catalog.statements import SQLITE, Statement, Values


class SqliteLookups:
    """Reads single rows of an SQLite file. May be shared by threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def first(self, query: Statement, values: Values) -> dict[str, Any] | None:
        """Return the first row that a query finds, by column name; None when it finds none."""
        bound = query.bound(SQLITE, values)
        try:
            with self._lock:
                row = self._open().execute(*bound).fetchone()
        except sqlite3.Error as error:
            raise explain_driver(error, str(self._path)) from error
        return None if row is None else dict(zip(query.names, row, strict=True))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect.sqlite_connection(self._path)
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
