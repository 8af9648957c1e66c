"""What each host's workers have loaded, told to the other hosts of a workspace through the catalog they share.

Workers write what they have loaded to files of their host. A thread beside them brings that to the catalog: at once
when it changed, and otherwise often enough to show that the host is there.
"""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

import msgspec
import sqlalchemy as sa

from tidewheel.errors import TidewheelError
from tidewheel.runtime.identity import host_tag
from tidewheel.runtime.lease import holder_of
from tidewheel.runtime.shared_lease import database_now
from tidewheel.runtime.stores import Stores
from tidewheel.runtime.supervisor import read_status
from tidewheel.serving.observing.metrics import read_loaded
from tidewheel.storage.catalog.tables import hosts

log = logging.getLogger("tidewheel.hosts")

SECONDS = 10.0
"""How long a host counts as there after it was last heard of."""
LOOK_EVERY = 0.25
WORKER = "serve-"
Loaded = dict[str, dict[str, tuple[int, str]]]
"""By worker and service: the revision that was loaded last, and what of it could not be."""


def loaded_here(stores: Stores) -> Loaded:
    """Return what this host's workers have loaded; nothing while ``tidewheel up`` does not run here."""
    if holder_of(stores.layout.leases / "up") is None:
        return {}
    written = read_loaded(stores.layout.run)
    names = [child.name for child in read_status(stores.layout.run / "processes.json")]
    # In the order in which they are numbered: the worker that answers gRPC is the last.
    workers = [name for name in names if name.startswith(WORKER)]
    return {name: written.get(number, {}) for number, name in enumerate(workers)}


def loaded_everywhere(stores: Stores) -> Loaded:
    """Return what the workers of all hosts have loaded; those of others are named after their host."""
    found = loaded_here(stores)
    for host, text in _others(stores):
        found |= {f"{worker} of host {host}": of for worker, of in msgspec.json.decode(text, type=Loaded).items()}
    return found


def hosts_there(stores: Stores) -> list[str]:
    """Return the names of the other hosts on which ``tidewheel up`` runs this workspace."""
    return [name for name, _ in _others(stores)]


def _others(stores: Stores) -> list[tuple[str, str]]:
    """Return the other hosts, and what their workers have loaded."""
    if not stores.catalog.shared:
        return []
    with stores.catalog.read() as connection:
        there = (hosts.c.until > database_now(connection)) & (hosts.c.name != _name(stores))
        rows = connection.execute(sa.select(hosts.c.name, hosts.c.workers).where(there)).all()
    return [(name, workers) for name, workers in rows]


def tell_loaded(stores: Stores, loaded: Loaded, seconds: float = SECONDS) -> None:
    """Tell the other hosts what this one's workers have loaded, and that it is there for so long."""
    text = msgspec.json.encode(loaded).decode()
    with stores.catalog.write(durable=False) as connection:
        values = {"workers": text, "until": database_now(connection) + int(seconds * 1e6)}
        mine = sa.update(hosts).where(hosts.c.name == _name(stores)).values(**values)
        if not connection.execute(mine).rowcount:
            connection.execute(sa.insert(hosts).values(name=_name(stores), **values))


def _name(stores: Stores) -> str:
    return host_tag(stores.layout.host)


class TellingHosts:
    """A thread that tells the other hosts of this one, until it stops."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._told: Loaded | None = None
        self._next = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidewheel-hosts", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._tell({}, 0.0)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            loaded = loaded_here(self._stores)
            if loaded != self._told or time.monotonic() >= self._next:
                self._tell(loaded, SECONDS)

    def _tell(self, loaded: Loaded, seconds: float) -> None:
        try:
            tell_loaded(self._stores, loaded, seconds)
            self._told, self._next = loaded, time.monotonic() + SECONDS / 4
        except TidewheelError as error:
            log.warning("the other hosts were not told of this one: %s", error)
