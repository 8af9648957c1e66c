"""Database drivers' exceptions, said in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy.exc

from tidewheel.errors import BusyError, CorruptError, FullError, StorageError

_BUSY = ("database is locked", "database table is locked", "lock timeout", "lock_not_available", "deadlock detected")
_FULL = ("disk is full", "disk full", "no space left", "disk i/o error")
_BUSY_STATES, _FULL_STATES = ("55P03", "40P01"), ("53100",)
"""What PostgreSQL calls them in whatever language."""
_CORRUPT = ("not a database", "malformed", "disk image")


def explain(error: sqlalchemy.exc.DBAPIError, where: str) -> StorageError:
    """Return the error of ours that says what `error` means, and what to do."""
    return explain_driver(error.orig if error.orig is not None else error, where)


def explain_driver(error: BaseException, where: str) -> StorageError:
    """Return the error of ours for one that a driver raised itself."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    low, state = said.lower(), getattr(error, "sqlstate", None)
    if state in _BUSY_STATES or any(word in low for word in _BUSY):
        return BusyError(
            "another process has kept the catalog locked for longer than we wait (5 seconds)",
            where=where,
            remedy=f"find who holds it (`fuser -v {where}` for a file, pg_stat_activity for PostgreSQL) "
            "and let it end; nothing was changed",
        )
    if state in _FULL_STATES or any(word in low for word in _FULL):
        return FullError(f"no room to write the catalog ({said})", where=where, remedy="free some space and try again")
    if any(word in low for word in _CORRUPT):
        return CorruptError(
            f"the catalog is damaged ({said})", where=where, remedy="restore it from a backup; move the file away first"
        )
    return StorageError(
        f"the catalog did not answer ({said})", where=where, remedy="check that it exists and may be read and written"
    )


@contextmanager
def translated(where: str, driver: type[Exception]) -> Iterator[None]:
    """Turn what SQLAlchemy, or the driver itself, raises inside into a StorageError that names `where`.

    A broken constraint goes through as it is: its meaning is the caller's to tell.
    """
    try:
        yield
    except sqlalchemy.exc.IntegrityError:
        raise
    except sqlalchemy.exc.DBAPIError as error:
        raise explain(error, where) from error
    except driver as error:
        raise explain_driver(error, where) from error
