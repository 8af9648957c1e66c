"""The keeper: flushes the log to the lake and does what is due. One a workspace, by lease.

It is the only process of ``tidewheel up`` that imports the user's module: it trains.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.errors import TidewheelError
from tidewheel.rollout import RetrainLoop, send_notes
from tidewheel.runtime.child import Life
from tidewheel.runtime.clock import NEVER, ReplayClock
from tidewheel.runtime.doorbell import Doorbell
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.schedule import Scheduler

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

log = logging.getLogger("tidewheel.keeper")
BELL = "keeper"
LOOK_EVERY = 0.02
"""Seconds between looks at the clock; in a replay workspace callers wait for what is due."""

LOOK_FOR_DRIFT = Schedule(every="interval", interval=2 * 86_400_000_000)
"""What is compared is a week of decisions: every other day sees a jump soon enough."""

JobTable = dict[str, tuple[Schedule, Callable[[int], str]]]


class Keeper:
    """Does what is due in a workspace.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lease = Lease.acquire(workspace.stores.layout.leases / "keeper", "keeper")
        self._loop = RetrainLoop(workspace.loop_view())
        self._scheduler = Scheduler(workspace.stores.catalog, f"keeper {os.getpid()} #{self._lease.token}")
        jobs = self._jobs()
        self.jobs = sorted(jobs)
        self._scheduler.set_jobs(jobs)
        self._flushed = time.monotonic()
        self._announce()

    def step(self) -> None:
        """Do what is due, then flush when it is time to."""
        if self._workspace.stores.clock.now() >= self._due:
            for done in self._scheduler.step():
                log.log(logging.WARNING if done.status == "failed" else logging.INFO, "%s: %s", done.job, done.detail)
            self._announce()
        every = self._workspace.stores.settings.flush_every / 1e6
        if time.monotonic() - self._flushed >= every:
            self.flush()

    def flush(self) -> None:
        """Bring the lake up to the log and the journal; what keeps it from that is logged and tried again."""
        try:
            send_notes(self._workspace.stores.catalog, self._workspace.stores.log, self._workspace.stores.clock.now())
            self._workspace.flush()
        except (TidewheelError, OSError) as error:
            log.warning("flush: %s", error)
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush a last time and let the role go."""
        clock = self._workspace.stores.clock
        if isinstance(clock, ReplayClock):
            clock.set_next_due(NEVER)
        self.flush()
        self._lease.release()

    def _announce(self) -> None:
        """Note when something is due next, and tell a replay clock to stop there."""
        self._due = self._scheduler.next_due()
        clock = self._workspace.stores.clock
        if isinstance(clock, ReplayClock):
            clock.set_next_due(self._due)

    def _jobs(self) -> JobTable:
        """Return the jobs, named so that of those due at once a canary is judged before another is started."""
        graph = self._workspace.project.graph
        jobs: JobTable = {}
        for service in graph.services:
            policy = next((m.retrain for m in graph.models if m.name == service.model), None)
            if policy is not None:
                jobs[f"canary {service.name}"] = (Schedule(every="daily"), partial(self._judge, service))
                jobs[f"drift {service.name}"] = (LOOK_FOR_DRIFT, partial(self._drift, service))
        for model in graph.models:
            if model.retrain is not None and model.retrain.every:
                jobs[f"retrain {model.name}"] = (Schedule(every=model.retrain.every), partial(self._retrain, model))
        return jobs

    def _judge(self, service: ir.Service, due: int) -> str:
        judgement = self._loop.watch(service)
        return f"{judgement.verdict}: {judgement.reason}" if judgement is not None else "no canary runs"

    def _drift(self, service: ir.Service, due: int) -> str:
        moved = self._loop.look_for_drift(service)
        named = ", ".join(f"{found.feature} {found.psi:.2f}" for found in sorted(moved, key=lambda d: -d.psi)[:5])
        return f"{len(moved)} columns moved ({named})" if moved else "nothing moved"

    def _retrain(self, model: ir.Model, due: int) -> str:
        policy = model.retrain
        started = self._loop.retrain(model.name, f"{policy.every} schedule" if policy else "schedule")
        return "a challenger runs as canary" if started else "no challenger"


def run(life: Life, folder: str, env: str) -> None:
    """Be the keeper until asked to stop."""
    from tidewheel.workspace.opening import open_workspace

    workspace = open_workspace(folder, env=env or None)
    keeper = Keeper(workspace)
    bell = Doorbell(workspace.stores.layout.bells, BELL)
    log.info("keeping %s", ", ".join(keeper.jobs) or "no schedules")
    life.ready()
    try:
        while not life.stopping.is_set():
            keeper.step()
            bell.wait(LOOK_EVERY)
    finally:
        bell.close()
        keeper.close()
        workspace.close()
