"""Leases among hosts: a role is a row of the catalog, renewed while it is held and free when it was not renewed.

A file's lock (:mod:`tidewheel.runtime.lease`) says who holds a role on one machine. Where the catalog is on a server,
hosts share a workspace, and the lock of each stands under a row that one of them holds. How long is the database's
affair, by its own clock; the holder counts its time from before it asked, by a clock that goes on while its host is
suspended, so it gives up sooner than anyone else may begin. What it stores carries the row's number, the fencing token.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from tidewheel.errors import LeaseError, TidewheelError
from tidewheel.runtime.lease import Lease
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.tables import leases

log = logging.getLogger("tidewheel.lease")

SECONDS = 10.0
"""How long a role stays with a holder that is not heard of any more."""
LOOK_EVERY = 0.25


class SharedLease:
    """A held role. Made by :meth:`acquire`; it is renewed by a thread until :meth:`release`.

    Parameters
    ----------
    catalog : Catalog
    name : str
    local : Lease
        The same role on this machine; released with it.
    token : int
    asked : float
        Instant of :func:`elapsed` before the row was taken.
    seconds : float
    """

    def __init__(self, catalog: Catalog, name: str, local: Lease, token: int, asked: float, seconds: float) -> None:
        self.token = token
        """The fencing token: higher than every earlier holder's, on any host."""
        self.taken = False
        """Another holder was seen in its place."""
        self._catalog, self._name, self._local, self._seconds = catalog, name, local, seconds
        self._until = asked + seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_for_ever, name=f"lease-{name}", daemon=True)
        self._thread.start()

    @classmethod
    def acquire(
        cls, catalog: Catalog, name: str, role: str, local: Lease, *, wait: float = 0.0, seconds: float = SECONDS
    ) -> Self:
        """Take a role among all hosts.

        Parameters
        ----------
        catalog : Catalog
        name : str
            Of the row.
        role : str
            How errors name it.
        local : Lease
            The same role, held on this machine. Its token is the least that this one may have.
        wait : float
            Seconds to go on trying while another holds it.
        seconds : float
            How long the role stays with a holder that went silent.

        Raises
        ------
        LeaseError
            Another process holds it; the message says which.
        StorageError
            The catalog can't be reached.
        """
        until = time.monotonic() + wait
        while True:
            asked = elapsed()
            token, holder = _take(catalog, name, local.token, seconds)
            if token:
                return cls(catalog, name, local, token, asked, seconds)
            if time.monotonic() >= until:
                raise LeaseError(
                    f"another host runs the `{role}` of this workspace ({holder})",
                    where=catalog.where,
                    remedy=f"stop it there; a host that is gone loses the role after {seconds:g} seconds",
                )
            time.sleep(LOOK_EVERY)

    @property
    def held(self) -> bool:
        """Whether it is certain that nobody else holds the role now."""
        return not self.taken and elapsed() < self._until

    @property
    def path(self) -> Path:
        """The file of the role on this machine."""
        return self._local.path

    def release(self) -> None:
        """Let the role go; harmless when done twice."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            try:
                with self._catalog.write(durable=False) as connection:
                    mine = (leases.c.name == self._name) & (leases.c.token == self.token)
                    connection.execute(sa.update(leases).where(mine).values(until=0))
            except TidewheelError as error:
                log.warning("a role was not given back, and is free in %g seconds: %s", self._seconds, error)
        self._local.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _renew_for_ever(self) -> None:
        while not self.taken and not self._ended.wait(self._seconds / 4):
            asked = elapsed()
            try:
                self.taken = not _renew(self._catalog, self._name, self.token, self._seconds)
            except Exception as error:  # the thread must outlive what it did not foresee
                log.warning("the role %s was not renewed: %s", self._name, error)
            else:
                self._until = asked + self._seconds


def elapsed() -> float:
    """Return seconds by a clock that no one sets, and that goes on while the host is suspended.

    Examples
    --------
    >>> elapsed() <= elapsed()
    True
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _take(catalog: Catalog, name: str, least: int, seconds: float) -> tuple[int, str]:
    """Return the token of the role taken, or 0 and who holds it."""
    with catalog.write() as connection:
        now = database_now(connection)
        row = connection.execute(sa.select(leases).where(leases.c.name == name)).mappings().first()
        if row is not None and row["until"] > now:
            return 0, str(row["holder"])
        token = max(least, row["token"] + 1 if row is not None else 1)
        values = {"holder": _me(), "token": token, "until": now + int(seconds * 1e6)}
        if row is None:
            connection.execute(sa.insert(leases).values(name=name, **values))
        else:
            connection.execute(sa.update(leases).where(leases.c.name == name).values(**values))
    return token, ""


def _renew(catalog: Catalog, name: str, token: int, seconds: float) -> bool:
    """Return whether the role was still this holder's, and is for so long again."""
    with catalog.write(durable=False) as connection:
        until = database_now(connection) + int(seconds * 1e6)
        mine = (leases.c.name == name) & (leases.c.token == token)
        return connection.execute(sa.update(leases).where(mine).values(until=until)).rowcount == 1


def database_now(connection: sa.Connection) -> int:
    """Return the time in microseconds by the clock of a shared catalog's server."""
    if connection.dialect.name != "postgresql":
        return time.time_ns() // 1000
    clock = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    return int(connection.execute(clock).scalar_one())


def _me() -> str:
    return f"{socket.gethostname()}, pid {os.getpid()}"
