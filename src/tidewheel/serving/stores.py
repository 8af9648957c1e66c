"""The stores that serving works on: what it asks of a workspace, and how a worker opens them by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tidewheel.runtime.clock import RealClock, ReplayClock, open_clock
from tidewheel.runtime.config import Config, Settings
from tidewheel.runtime.layout import Layout

if TYPE_CHECKING:
    from tidewheel.storage.artifacts import ArtifactStore
    from tidewheel.storage.catalog import Catalog
    from tidewheel.storage.lake import Lake
    from tidewheel.storage.log import EventLog
    from tidewheel.storage.state import StateStore


class Stores(Protocol):
    """One workspace's stores. A property may open its store when it is first asked for."""

    @property
    def settings(self) -> Settings:
        """The workspace's settings."""
        ...

    @property
    def layout(self) -> Layout:
        """Where things lie."""
        ...

    @property
    def clock(self) -> RealClock | ReplayClock:
        """The workspace's clock."""
        ...

    @property
    def catalog(self) -> Catalog:
        """Pointers and versions."""
        ...

    @property
    def artifacts(self) -> ArtifactStore:
        """Bundles."""
        ...

    @property
    def log(self) -> EventLog:
        """The event log."""
        ...

    @property
    def state(self) -> StateStore:
        """Entity states."""
        ...

    @property
    def lake(self) -> Lake:
        """History."""
        ...


def index_folder(layout: Layout) -> Path:
    """Return where the decision index lies."""
    return layout.root / "decisions"


def recent_folder(layout: Layout) -> Path:
    """Return where the writers' tables of recent decisions lie."""
    return layout.run / "recent"


class WorkerStores:
    """A worker's own stores. The state is opened when it is first read, and again after a failure.

    Parameters
    ----------
    config : Config
        Of the project; nothing but its settings is read, and no module of the user's.
    """

    def __init__(self, config: Config) -> None:
        from tidewheel.storage.artifacts import ArtifactStore
        from tidewheel.storage.catalog import Catalog
        from tidewheel.storage.lake import Lake
        from tidewheel.storage.log import EventLog

        self.settings = config.settings
        self.layout = config.layout.make()
        self.clock = open_clock(self.settings.clock, self.layout.clock)
        self.catalog = Catalog.open(config.catalog, namespace=self.settings.namespace, clock=self.clock.now)
        self.artifacts = ArtifactStore.open(self.layout.artifacts)
        self.log = EventLog.open(self.layout.log, sync=self.settings.sync, map_size=self.settings.max_map)
        self.lake = Lake.open(self.layout.lake)
        self._state: StateStore | None = None

    @property
    def state(self) -> StateStore:
        """The entity states."""
        if self._state is None:
            from tidewheel.storage.state import StateStore

            self._state = StateStore.open(self.layout.state, self.settings.partitions, self.settings.max_map)
        return self._state

    def close(self) -> None:
        """Close what was opened, the catalog last."""
        if self._state is not None:
            self._state.close()
        self.log.close()
        if isinstance(self.clock, ReplayClock):
            self.clock.close()
        self.catalog.close()
