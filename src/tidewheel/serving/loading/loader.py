"""Follows the catalog's pointers: a new version is loaded and warmed beside the request path, then swapped in.

A thread asks every few tens of milliseconds whether pointers moved (two microseconds when they did not). Requests
read one reference, so each sees one whole set of versions, and no request waits for a load. A version that can't
be loaded changes nothing: what served goes on serving, and an alert says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tidewheel.errors import TidewheelError
from tidewheel.registry.alerts import close_alert, raise_alert
from tidewheel.registry.graphs import LiveGraph, live_graph
from tidewheel.registry.pointers.pointers import Deployment, list_deployments
from tidewheel.serving.deciding.arms import NoReader
from tidewheel.serving.deciding.desk import Served

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Graph, Source
    from tidewheel.serving.deciding.decider import Decider
    from tidewheel.serving.deciding.desk import Desk
    from tidewheel.serving.loading.build import Builder
    from tidewheel.serving.observing.metrics import Metrics
    from tidewheel.storage.catalog import Catalog

log = logging.getLogger("tidewheel.serving")

SECONDS_BETWEEN_LOOKS = 0.03
SECONDS_BETWEEN_TRIES = 0.5
ALERT, STALE = "load", "freshness"


class Loader:
    """Keeps a desk's services at what the catalog points at.

    Parameters
    ----------
    catalog : Catalog
        Watched for moved pointers.
    builder : Builder
        Makes deciders.
    desk : Desk
        Gets them.
    metrics : Metrics
        Counts loads.
    meanwhile : callable, optional
        Called by the thread twice a second.
    """

    def __init__(
        self,
        catalog: Catalog,
        builder: Builder,
        desk: Desk,
        metrics: Metrics,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.catalog = catalog
        self.sources: dict[str, Source] = {}
        self.graph: Graph | None = None
        """The live definitions."""
        self.error = ""
        self._builder = builder
        self._desk = desk
        self._metrics = metrics
        self._meanwhile = meanwhile
        self._live: LiveGraph | None = None
        self._alerting: dict[str, str] = {}
        self._stale: set[str] = set()
        self._watch = catalog.watch()
        self._loading = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="tidewheel-loader", daemon=True)

    def start(self) -> None:
        """Load what is deployed, then go on following in a thread."""
        self.load()
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._watch.close()

    def load(self) -> None:
        """Bring every service to what its pointer says now.

        Raises
        ------
        TidewheelError
            The catalog can't be read.
        """
        with self._loading:
            self._live = live = live_graph(self.catalog, self._live)
            if live is not None:
                self.graph = live.graph
                self.sources = {source.name: source for source in live.graph.sources} | self._served_sources()
            self._builder.broken = False
            for deployment in list_deployments(self.catalog):
                self._bring(deployment)
            self.sources = self.sources | self._served_sources()
            self.error = ""

    def _served_sources(self) -> dict[str, Source]:
        return {served.source.name: served.source for served in self._desk.services.values()}

    def _follow(self) -> None:
        next_try = time.monotonic() + SECONDS_BETWEEN_TRIES
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            due = time.monotonic() >= next_try
            again = due and (self._builder.broken or self.error)
            if due:
                next_try = time.monotonic() + SECONDS_BETWEEN_TRIES
            try:
                if due:
                    self._look_for_stale()
                if due and self._meanwhile is not None:
                    self._meanwhile()
                if self._watch.changed() or again:
                    self.load()
            except TidewheelError as error:
                self._say(str(error))
            except Exception as error:  # the thread must outlive what it did not foresee
                log.exception("the loader failed")
                self._say(repr(error))

    def _say(self, error: str) -> None:
        if error != self.error:
            log.error("pointers can't be followed: %s", error)
        self.error = error

    def _bring(self, deployment: Deployment) -> None:
        """Build a service's decider and swap it in; keep the old one when the new champion can't be loaded."""
        name = deployment.service
        decider, source = self._builder.build(deployment)
        self._metrics.loaded[name] = (decider.revision, decider.damage)
        serving = self._desk.services.get(name)
        if serving is not None and is_sound(serving.decider) and not is_sound(decider):
            self._alert(name, f"{decider.damage}; revision {serving.decider.revision} goes on serving")
            return
        self._desk.services[name] = Served(decider, source)
        if decider.damage:
            self._alert(name, decider.damage)
        else:
            self._settle(name)
        if serving is None or serving.decider.revision != decider.revision:
            self._metrics.count("loads", name, "damaged" if decider.damage else "loaded")
            log.info("%s follows revision %d: %s", name, decider.revision, described(deployment))

    def _alert(self, service: str, message: str) -> None:
        """Raise an alert once for each thing that is wrong."""
        if self._alerting.get(service) == message:
            return
        log.error("%s: %s", service, message)
        self._metrics.count("loads", service, "failed")
        try:
            raise_alert(self.catalog, service, ALERT, service, message)
        except TidewheelError as error:
            log.error("the alert could not be written: %s", error)
        self._alerting[service] = message

    def _look_for_stale(self) -> None:
        """Raise an alert for features that are further behind than their view allows; close it when they are not."""
        for name, served in list(self._desk.services.items()):
            arms = (served.decider.champion, served.decider.challenger)
            watched = [arm.freshness for arm in arms if arm is not None and arm.freshness is not None]
            told = "; ".join(filter(None, (freshness.told(self.catalog.now()) for freshness in watched)))
            if told and name not in self._stale:
                log.warning("%s: %s", name, told)
                raise_alert(self.catalog, name, STALE, name, told)
                self._stale.add(name)
            elif name in self._stale and not told:
                close_alert(self.catalog, name, STALE, name)
                self._stale.discard(name)

    def _settle(self, service: str) -> None:
        if service not in self._alerting:
            return
        try:
            close_alert(self.catalog, service, ALERT, service)
        except TidewheelError as error:
            log.error("the alert could not be closed: %s", error)
            return
        del self._alerting[service]


def is_sound(decider: Decider) -> bool:
    """Return whether a decider's champion can answer."""
    return decider.champion is not None and not isinstance(decider.champion.reader, NoReader)


def described(deployment: Deployment) -> str:
    """Return a deployment in a few words, for the log.

    Examples
    --------
    >>> described(Deployment(service="Score", revision=3, service_version="", champion="Fraud@2",
    ...                      challenger="Fraud@3", share=0.05))
    'champion Fraud@2, challenger Fraud@3 on 0.05 of the traffic'
    """
    words = [f"champion {deployment.champion}" if deployment.champion else "rules alone"]
    if deployment.challenger:
        words.append(f"challenger {deployment.challenger} on {deployment.share:.3g} of the traffic")
    if deployment.killed:
        words.append("switched off")
    return ", ".join(words)
