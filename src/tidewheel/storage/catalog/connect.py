"""Engines: how a connection to SQLite or PostgreSQL is opened and how a write begins, so that both behave alike.

On both, one writer at a time holds the catalog from the first statement of its transaction: SQLite by
``BEGIN IMMEDIATE``, PostgreSQL by an advisory lock named after the namespace. So a number read in a
transaction is still the newest when the transaction commits, and waiting is bounded by the same 5 seconds.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tidewheel.errors import ConfigError, MissingExtraError, StorageError
from tidewheel.storage.places.disks import file_system_of, is_network

BUSY_SECONDS = 5.0
WRITE = "tidewheel_write"
DURABLE = "tidewheel_durable"
_LEVEL = "synchronous"


def sqlite_connection(path: Path) -> sqlite3.Connection:
    """Open one connection in write-ahead mode, with transactions left to us."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def sqlite_engine(path: Path) -> sa.Engine:
    """Return an engine over the file at `path`, which is made when absent."""
    _refuse_network_disk(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder can't be made ({error.strerror})", where=str(path.parent), remedy="check its owner"
        ) from error
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite_connection(path),
        poolclass=sa.QueuePool,
    )
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _refuse_network_disk(path: Path) -> None:
    kind = file_system_of(path)
    if is_network(kind):
        raise StorageError(
            f"an SQLite catalog on a network disk ({kind}) can lose or corrupt rows",
            where=str(path),
            remedy='put the data folder on a local disk, or set catalog = "postgresql://user@host/database" '
            "in tidewheel.toml",
        )


def _begin_sqlite(connection: sa.Connection) -> None:
    options, driver = connection.get_execution_options(), driver_of(connection)
    if not options.get(WRITE, False):
        driver.execute("BEGIN")
        return
    level = "FULL" if options.get(DURABLE, True) else "NORMAL"
    if connection.info.get(_LEVEL) != level:
        driver.execute(f"PRAGMA synchronous={level}")
        connection.info[_LEVEL] = level
    driver.execute("BEGIN IMMEDIATE")


def driver_of(connection: sa.Connection) -> Any:
    """Return the driver's own connection (of ``sqlite3`` or ``psycopg``), in the same transaction."""
    return connection.connection.driver_connection


def postgres_engine(url: str, namespace: str) -> sa.Engine:
    """Return an engine whose connections see the schema `namespace` only."""
    if importlib.util.find_spec("psycopg") is None:
        raise MissingExtraError(
            "a PostgreSQL catalog needs the package psycopg",
            where="tidewheel.toml: catalog",
            remedy="pip install 'tidewheel[postgres]'",
        )
    _check_namespace(namespace)
    milliseconds = int(BUSY_SECONDS * 1000)
    settings = f"-csearch_path={namespace} -clock_timeout={milliseconds}"
    engine = sa.create_engine(
        "postgresql+psycopg://" + url.split("://", 1)[1],
        connect_args={"options": settings, "connect_timeout": int(BUSY_SECONDS)},
        pool_pre_ping=True,
    )
    lock = advisory_key(namespace)

    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get(WRITE, False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")
            if not options.get(DURABLE, True):
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    sa.event.listen(engine, "begin", begin)
    return engine


def _check_namespace(namespace: str) -> None:
    if not (namespace.isidentifier() and namespace == namespace.lower() and len(namespace.encode()) <= 48):
        raise ConfigError(
            f"{namespace!r} can't name a PostgreSQL schema",
            where="tidewheel.toml: namespace",
            remedy="use lower-case letters, digits and underscores, at most 48",
        )


def advisory_key(namespace: str) -> int:
    """Return the 64-bit key of the lock that writers of a namespace take in turn."""
    return (zlib.crc32(b"tidewheel") << 31) ^ zlib.crc32(namespace.encode())


def is_postgres(url: str) -> bool:
    """Tell a PostgreSQL URL from a path."""
    return url.split("://", 1)[0] in ("postgresql", "postgres", "postgresql+psycopg") and "://" in url


def scalar(connection: sa.Connection, statement: sa.Executable) -> Any:
    """Return the first column of the first row, or None."""
    return connection.execute(statement).scalar()
