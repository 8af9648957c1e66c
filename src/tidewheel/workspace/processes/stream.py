"""Folding the log into the state: in a process of ``tidewheel up``, or in the caller's own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import LeaseError, UnreachableError
from tidewheel.features.folding.dealt import Inbox
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import GroupPlan, plan_group
from tidewheel.registry.graphs import all_groups, live_graph
from tidewheel.runtime.child import Life
from tidewheel.runtime.doorbell import Doorbell
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.stores import Stores, open_stores
from tidewheel.workspace.features.groups import kept_groups
from tidewheel.workspace.processes.standby import when_free

if TYPE_CHECKING:
    from tidewheel.runtime.shared_lease import SharedLease
    from tidewheel.storage.catalog import Catalog

log = logging.getLogger("tidewheel.stream")
BELL = "stream"
"""Doorbells of stream workers begin with this."""
IDLE = 0.1
"""Seconds to wait for the doorbell before looking at the log anyway."""
PAUSE = 0.5
"""Seconds to wait when the state's server does not answer."""
SYNC_EVERY = 1.0
LOOK_EVERY = 0.02
"""Seconds after which a stream asks the catalog again which groups to keep."""
S = TypeVar("S")


class Stream:
    """Keeps some partitions of a workspace's state up to date, each under its lease.

    Parameters
    ----------
    stores : Stores
    partitions : sequence of int
        Which; all of them in a process that does everything itself.
    wait : float
        Seconds to wait while another process that folds one of them ends.

    Raises
    ------
    LeaseError
        Another process folds one of them.
    """

    def __init__(self, stores: Stores, partitions: Sequence[int], *, wait: float = 0.0) -> None:
        self._stores = stores
        self._wait = wait
        self._leases: dict[int, Lease | SharedLease] = {}
        self._folders: dict[int, Folder] = {}
        self._watch = stores.catalog.watch()
        self._look_at = 0.0
        self._behind = False
        """The catalog has changed, and not every folder has been told."""
        try:
            for partition in partitions:
                self._add(partition)
            self._drop()
        except BaseException:
            self.close()
            raise

    def _add(self, partition: int, inbox: Callable[[], Inbox] | None = None) -> None:
        """Take a partition; what it is dealt is asked for once its lease is held."""
        stores = self._stores
        role = f"stream worker of partition {partition}"
        name = f"state-{partition}"
        if stores.settings.state:  # all hosts write to it
            lease = stores.hold(name, role, wait=self._wait)
        else:
            lease = Lease.acquire(stores.layout.leases / name, role, wait=self._wait)
        self._leases[partition] = lease
        try:
            graph, plans = live_plans(stores.catalog)
            history = History(stores.lake, stores.log, graph.sources)
            dealt = inbox() if inbox is not None else None
            self._folders[partition] = Folder(
                stores.log, history, stores.state, partition, graph, plans, token=lease.token, inbox=dealt
            )
        except BaseException:
            self._leases.pop(partition).release()
            raise

    def step(self) -> int:
        """Fold one micro-batch in each partition; return how many offsets were passed, 0 at the log's head.

        What groups are to be kept is looked up now and then: a change may wait `LOOK_EVERY` seconds.

        Raises
        ------
        LeaseError
            Another host took a partition over. One that only might have is no reason to stop: the state refuses
            the writes of whoever is late.
        """
        for lease in self._leases.values():
            if lease.taken:
                raise LeaseError("another host folds one of these partitions now", where=str(lease.path))
        if time.monotonic() >= self._look_at:
            self._look()
        return sum(folder.step() for folder in self._folders.values())

    def _look(self) -> None:
        self._behind |= self._watch.changed()
        if self._behind:
            self.replan()
        self._look_at = time.monotonic() + LOOK_EVERY

    def replan(self) -> None:
        """Look again which groups are to be kept."""
        self._drop()
        graph, plans = live_plans(self._stores.catalog)
        for folder in self._folders.values():
            folder.plan(graph, plans)
        self._behind = False

    def _drop(self) -> None:
        """Delete from these partitions what the catalog has given up."""
        for group in all_groups(self._stores.catalog):
            if group.status == "dropping":
                entities = sum(folder.drop(group.state_id) for folder in self._folders.values())
                log.info("deleted state %s of %s: %d entities", group.state_id, group.name, entities)

    def catch_up(self) -> int:
        """Fold until every group is at the log's head; return how many offsets were passed."""
        self._look()
        return sum(folder.catch_up() for folder in self._folders.values())

    def position(self) -> int:
        """Return the offset up to which everything has been folded."""
        return min((folder.position() for folder in self._folders.values()), default=self._stores.log.head() - 1)

    def sync(self) -> None:
        """Flush the states to the disk."""
        for folder in self._folders.values():
            folder.sync()

    def close(self) -> None:
        """Give the partitions back."""
        self._give_back()
        self._watch.close()

    def _give_back(self) -> None:
        for folder in self._folders.values():
            folder.close()
        for lease in self._leases.values():
            lease.release()
        self._folders, self._leases = {}, {}


def live_plans(catalog: Catalog) -> tuple[ir.Graph, list[GroupPlan]]:
    """Return which groups the stream keeps, and the declarations of what they are made of."""
    kept = kept_groups(catalog)
    live = live_graph(catalog)
    graphs = [graph for _, graph in kept] + ([live.graph] if live is not None else [])
    return ir.Graph(sources=_newest_sources(graphs)), [plan_group(graph, group) for group, graph in kept]


def _newest_sources(graphs: Sequence[ir.Graph]) -> tuple[ir.Source, ...]:
    """Return each source with all columns that some graph declares, as the last one that does.

    A state outlives changes of a source that do not touch it: its graph may say int where events say float by now.
    """
    found: dict[str, ir.Source] = {}
    for source in (source for graph in graphs for source in graph.sources):
        before = found[source.name].columns if source.name in found else ()
        columns = {column.name: column for column in (*before, *source.columns)}
        found[source.name] = msgspec.structs.replace(source, columns=tuple(columns.values()))
    return tuple(found.values())


def run(life: Life, folder: str, env: str, partitions: list[int]) -> None:
    """Be a stream worker: fold until asked to stop, woken by the doorbell of whoever appends."""
    stores = open_stores(folder, env or None)
    bell = Doorbell(stores.layout.bells, f"{BELL}-{'-'.join(map(str, partitions))}")
    stream = None
    try:
        stream = open_stream(life, stores, lambda wait: Stream(stores, partitions, wait=wait))
        if stream is not None:
            log.info("folding partitions %s from offset %d", partitions, stream.position() + 1)
            life.ready()
            fold(life, stream, bell.wait)
    finally:
        bell.close()
        if stream is not None:
            stream.close()
        stores.close()


def open_stream(life: Life, stores: Stores, take: Callable[[float], S]) -> S | None:
    """Open what `take` gives, once the servers it needs answer; None when asked to stop before."""
    while not life.stopping.is_set():
        try:
            return when_free(life, stores, take)
        except UnreachableError as error:
            log.warning("nothing is folded: %s", error)
            life.ready()
            life.stopping.wait(PAUSE)
    return None


def fold(life: Life, stream: Stream, wait: Callable[[float], object]) -> None:
    """Fold until asked to stop; `wait` passes the time up to so many seconds while there is nothing to fold."""
    synced, trouble = time.monotonic(), ""
    while not life.stopping.is_set():
        try:
            passed = stream.step()
        except UnreachableError as error:
            if error.message != trouble:
                log.warning("folding waits: %s", error)
            trouble = error.message
            life.stopping.wait(PAUSE)
            continue
        if passed and trouble:
            log.info("folding goes on, from offset %d", stream.position() + 1)
            trouble = ""
        if not passed:
            wait(IDLE)
        if time.monotonic() - synced >= SYNC_EVERY:
            stream.sync()
            synced = time.monotonic()
