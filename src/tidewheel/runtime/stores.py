"""The stores of one workspace, each opened when first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tidewheel.runtime.clock import RealClock, ReplayClock, open_clock
from tidewheel.runtime.config import Config, load_config

if TYPE_CHECKING:
    from tidewheel.storage.artifacts import ArtifactStore
    from tidewheel.storage.catalog import Catalog
    from tidewheel.storage.lake import Lake
    from tidewheel.storage.log import EventLog
    from tidewheel.storage.state import StateStore


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
        from tidewheel.storage.log import EventLog

        return EventLog.open(self.layout.log, sync=self.settings.sync, map_size=self.settings.max_map)

    @cached_property
    def state(self) -> StateStore:
        """Entity states, for reading; `StateStore.writer` gives a partition's writer."""
        from tidewheel.storage.state import StateStore

        return StateStore.open(self.layout.state, self.settings.partitions, self.settings.max_map)

    @cached_property
    def lake(self) -> Lake:
        """All history."""
        from tidewheel.storage.lake import Lake

        return Lake.open(self.layout.lake)

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """Files by their content."""
        from tidewheel.storage.artifacts import ArtifactStore

        return ArtifactStore.open(self.layout.artifacts)

    def close(self) -> None:
        """Close what was opened, the catalog last."""
        for name in ("state", "log", "clock", "catalog"):
            opened = self.__dict__.pop(name, None)
            if opened is not None and hasattr(opened, "close"):
                opened.close()


def open_stores(folder: str | Path, env: str | None = None) -> Stores:
    """Open the stores alone: for processes that must not import the user's module."""
    return Stores(load_config(folder, env))
