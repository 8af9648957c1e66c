"""Folding the log into the state: in a process of ``tidewheel up``, or in the caller's own."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from tidewheel.collect.history import History
from tidewheel.definitions import ir
from tidewheel.features.plan_group import GroupPlan, plan_group
from tidewheel.features.stream import Folder
from tidewheel.runtime.child import Life
from tidewheel.runtime.doorbell import Doorbell
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.stores import Stores, open_stores
from tidewheel.workspace.groups import kept_groups

log = logging.getLogger("tidewheel.stream")
BELL = "stream"
"""Doorbells of stream workers begin with this."""
IDLE = 0.1
"""Seconds to wait for the doorbell before looking at the log anyway."""
SYNC_EVERY = 1.0
LOOK_EVERY = 0.02
"""Seconds after which a stream asks the catalog again which groups to keep."""


class Stream:
    """Keeps some partitions of a workspace's state up to date, each under its lease.

    Parameters
    ----------
    stores : Stores
    partitions : sequence of int
        Which; all of them in a process that does everything itself.

    Raises
    ------
    LeaseError
        Another process folds one of them.
    """

    def __init__(self, stores: Stores, partitions: Sequence[int]) -> None:
        self._stores = stores
        self._leases: list[Lease] = []
        self._folders: list[Folder] = []
        self._watch = stores.catalog.watch()
        self._look_at = 0.0
        try:
            for partition in partitions:
                self._add(partition)
        except BaseException:
            self.close()
            raise

    def _add(self, partition: int) -> None:
        stores = self._stores
        lease = Lease.acquire(stores.layout.leases / f"state-{partition}", f"stream worker of partition {partition}")
        self._leases.append(lease)
        graph, plans = self._plans()
        history = History(stores.lake, stores.log, graph.sources)
        folder = Folder(stores.log, history, stores.state, partition, graph, plans, token=lease.token)
        self._folders.append(folder)

    def _plans(self) -> tuple[ir.Graph, list[GroupPlan]]:
        kept = kept_groups(self._stores.catalog)
        sources = {source.name: source for _, graph in kept for source in graph.sources}
        return ir.Graph(sources=tuple(sources.values())), [plan_group(graph, group) for group, graph in kept]

    def step(self) -> int:
        """Fold one micro-batch in each partition; return how many offsets were passed, 0 at the log's head.

        What groups are to be kept is looked up now and then: a change may wait `LOOK_EVERY` seconds.
        """
        if time.monotonic() >= self._look_at:
            self._look()
        return sum(folder.step() for folder in self._folders)

    def _look(self) -> None:
        if self._watch.changed():
            self.replan()
        self._look_at = time.monotonic() + LOOK_EVERY

    def replan(self) -> None:
        """Look again which groups are to be kept."""
        graph, plans = self._plans()
        for folder in self._folders:
            folder.plan(graph, plans)

    def catch_up(self) -> int:
        """Fold until every group is at the log's head; return how many offsets were passed."""
        self._look()
        return sum(folder.catch_up() for folder in self._folders)

    def position(self) -> int:
        """Return the offset up to which everything has been folded."""
        return min(folder.position() for folder in self._folders)

    def sync(self) -> None:
        """Flush the states to the disk."""
        for folder in self._folders:
            folder.sync()

    def close(self) -> None:
        """Give the partitions back."""
        for folder in self._folders:
            folder.close()
        for lease in self._leases:
            lease.release()
        self._folders, self._leases = [], []


def run(life: Life, folder: str, env: str, partitions: list[int]) -> None:
    """Be a stream worker: fold until asked to stop, woken by the doorbell of whoever appends."""
    stores = open_stores(folder, env or None)
    stream = Stream(stores, partitions)
    bell = Doorbell(stores.layout.bells, f"{BELL}-{'-'.join(map(str, partitions))}")
    synced = time.monotonic()
    log.info("folding partitions %s from offset %d", partitions, stream.position() + 1)
    life.ready()
    try:
        while not life.stopping.is_set():
            if not stream.step():
                bell.wait(IDLE)
            if time.monotonic() - synced >= SYNC_EVERY:
                stream.sync()
                synced = time.monotonic()
    finally:
        bell.close()
        stream.close()
        stores.close()
