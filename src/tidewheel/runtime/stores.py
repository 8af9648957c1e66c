"""The stores of one workspace, each opened when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tidewheel.errors import ConfigError, StorageError
from tidewheel.runtime.clock import RealClock, ReplayClock, open_clock
from tidewheel.runtime.config import Config, load_config
from tidewheel.runtime.identity import host_tag, read_or_make_id
from tidewheel.runtime.layout import Layout
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.presence import Presence

if TYPE_CHECKING:
    from tidewheel.resending import Hedge
    from tidewheel.runtime.shared_lease import SharedLease
    from tidewheel.storage.artifacts.local import ArtifactStore
    from tidewheel.storage.artifacts.remote import RemoteArtifacts
    from tidewheel.storage.catalog import Catalog
    from tidewheel.storage.lake.delta import Lake
    from tidewheel.storage.log.event_log import EventLog
    from tidewheel.storage.protocols import State

_OPENED = ("state", "scores", "log", "clock", "catalog")
_FOR_GOOD = (*_OPENED, "lake", "artifacts")


class Stores:
    """What a workspace keeps, in the folder that its settings name.

    Parameters
    ----------
    config : Config
        Of the project; its folders are made when absent.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.settings = config.settings
        self.layout = config.layout.make()
        self._presence = Presence(self.layout.presence)

    @cached_property
    def identity(self) -> str:
        """Id of the workspace, made once: what it keeps on servers is marked with it. Hosts ask their catalog."""
        mine = read_or_make_id(self.layout.identity)
        if not self.catalog.shared:
            return mine
        from tidewheel.storage.catalog.agreed import agree

        return agree(self.catalog, "workspace", mine)

    @cached_property
    def host(self) -> str:
        """Name of this host where others write to the same log or lake; "" where it is alone."""
        alone = not (self.settings.log or self.settings.lake)
        return "" if alone else host_tag(self.layout.host)

    @cached_property
    def clock(self) -> RealClock | ReplayClock:
        """The workspace's clock."""
        return open_clock(self.settings.clock, self.layout.clock)

    @cached_property
    def catalog(self) -> Catalog:
        """Versions, runs, deployments, schedules, alerts."""
        from tidewheel.storage.catalog import Catalog

        return Catalog.open(self.config.catalog, namespace=self.settings.namespace, clock=self.clock.now)

    @cached_property
    def log(self) -> EventLog:
        """The event log."""
        place, layout, size = self.settings.log, self.layout, self.settings.max_map
        _refuse_two_logs(layout, place)
        if place:
            from tidewheel.storage.kafka.log import KafkaLog

            return KafkaLog.open_on(place, self.settings.namespace, layout.log_copy, self.identity, size)
        from tidewheel.storage.log.event_log import EventLog

        return EventLog.open(layout.log, sync=self.settings.sync, map_size=size)

    @cached_property
    def state(self) -> State:
        """Entity states, for reading; `State.writer` gives a partition's writer."""
        place, partitions = self.settings.state, self.settings.partitions
        if place:
            from tidewheel.storage.redis.state import RedisState

            return RedisState.open(place, self.settings.namespace, partitions, self.identity, *self._resending())
        from tidewheel.storage.state.lmdb_state import StateStore

        return StateStore.open(self.layout.state, partitions, self.settings.max_map)

    @cached_property
    def scores(self) -> State:
        """Scores computed ahead, by entity: kept where the states are, beside them."""
        place = self.settings.state
        if place:
            from tidewheel.storage.redis.state import RedisState

            return RedisState.open(place, f"{self.settings.namespace}-scores", 1, self.identity, *self._resending())
        from tidewheel.storage.state.lmdb_state import StateStore

        return StateStore.open(self.layout.scores, 1, self.settings.max_map)

    def _resending(self) -> tuple[float, Hedge | None]:
        """Return what the settings say of reads that are sent again."""
        from tidewheel.resending import hedge_of

        settings = self.settings
        return settings.retry_share, hedge_of(settings.hedge_reads, settings.hedge_share)

    @cached_property
    def lake(self) -> Lake:
        """All history."""
        from tidewheel.storage.lake.delta import Lake

        if self.settings.lake:
            return Lake.open_on(self.settings.lake, self.layout.lake, self.identity)
        return Lake.open(self.layout.lake)

    @cached_property
    def artifacts(self) -> ArtifactStore | RemoteArtifacts:
        """Files by their content."""
        if self.settings.artifacts:
            from tidewheel.storage.artifacts.remote import RemoteArtifacts

            return RemoteArtifacts.open(self.settings.artifacts, self.layout.artifacts)
        from tidewheel.storage.artifacts.local import ArtifactStore

        return ArtifactStore.open(self.layout.artifacts)

    def hold(self, name: str, role: str, *, wait: float = 0.0) -> Lease | SharedLease:
        """Take a role that one process has: on this machine, and among all hosts where they share a catalog.

        Raises
        ------
        LeaseError
            Another process holds it for longer than `wait` seconds.
        """
        shared = self.catalog.shared
        local = Lease.acquire(self.layout.leases / name, role, wait=wait)
        if not shared:
            return local
        from tidewheel.runtime.shared_lease import SharedLease

        try:
            return SharedLease.acquire(self.catalog, name, role, local, wait=wait)
        except BaseException:
            local.release()
            raise

    @contextmanager
    def alone(self, what: str, *, wait: float = 0.0) -> Iterator[None]:
        """Have the workspace alone inside the block, with every store closed at first.

        Raises
        ------
        BusyError
            Another process, or something else in this one, has it open.
        """
        self.close_files()
        with self._presence.alone(what, wait=wait):
            try:
                yield
            finally:
                self.close_files()

    def check_there(self) -> None:
        """Raise `StorageError` where the files of log, states or scores were deleted while they were open."""
        for name in ("log", "state", "scores"):
            if name in self.__dict__:
                getattr(self, name).check_there()

    def close(self) -> None:
        """Close what was opened, the catalog last, for good."""
        self.close_files()
        self._presence.close()
        self.__dict__.update(dict.fromkeys(_FOR_GOOD, _Closed()))

    def close_files(self) -> None:
        """Close what was opened; each store opens again when it is asked for."""
        for name in _OPENED:
            opened = self.__dict__.pop(name, None)
            if opened is not None and hasattr(opened, "close"):
                opened.close()


def has_log(folder: Path) -> bool:
    """Whether there is an event log, or the copy of one, in a folder."""
    return (folder / "data.mdb").exists()


class _Closed:
    """Stands where a store was: who comes late is told so, and opens nothing that nobody would close."""

    def __getattr__(self, name: str) -> NoReturn:
        raise StorageError("this workspace is closed", remedy="open it again: tw.open(...)")

    def close(self) -> None:
        """Be closed already."""


def _refuse_two_logs(layout: Layout, place: str) -> None:
    """Refuse a setting under which the workspace would go on without the log that it has."""
    here = has_log(layout.log)
    if here if place else (has_log(layout.log_copy) and not here):
        move = "tidewheel log move" if place else "tidewheel log move --from kafka://..."
        raise ConfigError(
            f"this workspace's log is {'in the data folder' if place else 'on a broker'}, "
            "and the setting names another place",
            where="tidewheel.toml: log",
            remedy=f"set it back; or bring the log there: {move}",
        )


def open_stores(folder: str | Path, env: str | None = None) -> Stores:
    """Open the stores alone: for processes that must not import the user's module."""
    return Stores(load_config(folder, env))
