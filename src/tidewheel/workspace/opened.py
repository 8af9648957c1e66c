"""An open workspace's inside: its stores, the serving path and the stream of this process, made when needed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import cached_property
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tidewheel.definitions import Project
from tidewheel.errors import LeaseError
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.processes.stream import Stream

if TYPE_CHECKING:
    from tidewheel.collect.keeping.history import History
    from tidewheel.serving.service import Serving


class Opened:
    """What `Workspace` is made of.

    While ``tidewheel up`` runs on the same workspace, its workers fold events into features;
    otherwise this process does, as part of what it is asked.

    Attributes
    ----------
    stores : Stores
        Log, state, lake, catalog, artifacts, clock.
    """

    def __init__(
        self, stores: Stores, load: Callable[[], Project], scratch: TemporaryDirectory[str] | None = None
    ) -> None:
        self.stores = stores
        self._load = load
        self._scratch = scratch
        self._stream: Stream | None = None
        self._folding = threading.Lock()
        self._published = False

    @cached_property
    def project(self) -> Project:
        """The declarations; their module is imported when they are first asked for."""
        return self._load()

    @cached_property
    def serving(self) -> Serving:
        """The request path in this process; made when first asked for."""
        from tidewheel.kernel.warm import warm
        from tidewheel.serving.service import Serving

        self.publish()
        warm()
        return Serving(self.stores).start()

    @cached_property
    def history(self) -> History:
        """All events, lake and log, as one ordered table a type."""
        from tidewheel.collect.keeping.history import History
        from tidewheel.collect.keeping.redactions import Redactions

        ledger = Redactions.read(self.stores.layout.erasures)
        return History(self.stores.lake, self.stores.log, self.project.graph.sources, ledger)

    def sync(self) -> int:
        """Fold what is in the log, and what was decided here, into features; return the log's last offset.

        While ``tidewheel up`` runs, its workers do that, and this only hands over what was decided here.
        """
        if "serving" in self.__dict__:
            self.serving.appender.flush()
        with self._folding:
            stream = self.own_stream()
            if stream is not None:
                stream.catch_up()
        return self.stores.log.head() - 1

    def publish(self) -> None:
        """Make the project's definitions the live ones; done once, by whatever first changes something."""
        if not self._published:
            from tidewheel.workspace.events.evolving import check_schemas
            from tidewheel.workspace.features.groups import publish

            check_schemas(self.stores, self.project.graph)
            publish(self.stores.catalog, self.stores.artifacts, self.project.graph)
            self._published = True

    def close(self) -> None:
        """Hand over what was decided, give the partitions back and close the stores."""
        self.put_down()
        self._published = False
        self.stores.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def put_down(self) -> None:
        """Close what works with the stores; each part is made again when it is asked for."""
        for name in ("history", "observer"):
            self.__dict__.pop(name, None)
        serving = self.__dict__.pop("serving", None)
        if serving is not None:
            serving.close()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def own_stream(self) -> Stream | None:
        """Return the stream of this process, or None while stream workers have the partitions."""
        if self._stream is None:
            with contextlib.suppress(LeaseError):
                self._stream = Stream(self.stores, range(self.stores.settings.partitions))
        return self._stream

    def follow(self) -> None:
        """Let this process's own serving see a moved pointer at once."""
        serving = self.__dict__.get("serving")
        if serving is not None:
            serving.loader.load()
