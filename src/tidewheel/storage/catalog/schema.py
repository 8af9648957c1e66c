"""Bring a catalog's tables to this release's form, once, whoever opens it first.

The migration scripts run inside one write transaction, so openers wait for each other, and a process
killed in the middle leaves the tables as they were. Alembic is imported only when there is work to do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from tidewheel.errors import StorageError

HEAD = "0005"
"""The revision that this release writes and reads; the newest script in ``migrations/versions``."""

_KNOWN = frozenset(f"{number:04}" for number in range(1, int(HEAD) + 1))


def revision(connection: sa.Connection) -> str:
    """Return the revision of the tables, "" for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")


def refuse_newer(found: str, where: str) -> None:
    """Raise StorageError when the tables were written by a release that this one does not know."""
    if found and found not in _KNOWN:
        raise StorageError(
            f"the catalog has schema {found}, and this tidewheel knows up to {HEAD}",
            where=where,
            remedy="upgrade tidewheel: pip install --upgrade tidewheel",
        )


def upgrader(to: str = HEAD) -> Callable[[sa.Connection], None]:
    """Return what runs the scripts that a database lacks, inside the open transaction of a connection to it.

    Importing Alembic takes a while, and here it is done: before anybody is kept waiting for a lock.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")

    def upgrade(connection: sa.Connection) -> None:
        if revision(connection) != to:
            config.attributes["connection"] = connection
            command.upgrade(config, to)

    return upgrade
