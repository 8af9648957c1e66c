"""The keeper: flushes the log to the lake and does what is due. One a workspace, by lease.

It trains, so it imports the user's module, as `guarding` does.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.errors import LeaseError, TidewheelError
from tidewheel.rollout import RetrainLoop, send_notes
from tidewheel.runtime.child import Life
from tidewheel.runtime.clock import NEVER, ReplayClock
from tidewheel.runtime.doorbell import Doorbell
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.schedule import JobRun, Scheduler, Work
from tidewheel.workspace.events.ticking import tick_jobs
from tidewheel.workspace.features.parity import check_service, told
from tidewheel.workspace.processes.guarding import Watch
from tidewheel.workspace.processes.standby import when_free
from tidewheel.workspace.processes.tidying import tidy
from tidewheel.workspace.rollouts.following import carry_on
from tidewheel.workspace.rollouts.retraining import retrain_jobs
from tidewheel.workspace.rollouts.switching import Mirroring
from tidewheel.workspace.scores.kept_lists import list_jobs
from tidewheel.workspace.scores.staleness import staleness_jobs

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

log = logging.getLogger("tidewheel.keeper")
BELL = "keeper"
LOOK_EVERY = 0.02
"""Seconds between looks at the clock; in a replay workspace callers wait for what is due."""

LOOK_FOR_DRIFT = Schedule(every="interval", interval=2 * 86_400_000_000)
"""What is compared is a week of decisions: every other day sees a jump soon enough."""
HOUR = 3_600_000_000
CARRY_ON_EVERY = 10.0
"""Seconds between looks for versions that wait to be deployed."""


class Keeper:
    """Does what is due in a workspace.

    Parameters
    ----------
    workspace : Workspace
    wait : float
        Seconds to wait while another keeper ends.
    by : str
        Who has it look, where it is not the clock alone.
    guarding : bool
        Look after rollouts too: false where a process of its own does.
    """

    def __init__(self, workspace: Workspace, *, wait: float = 0.0, by: str = "", guarding: bool = True) -> None:
        self._workspace = workspace
        self._lease = workspace.stores.hold("keeper", "keeper", wait=wait)
        self._loop = RetrainLoop(workspace.loop_view())
        self._watch = Watch(workspace) if guarding else None
        self._scheduler = Scheduler(workspace.stores.catalog, f"keeper {os.getpid()} #{self._lease.token}", by)
        jobs = self._jobs()
        self.jobs = sorted(jobs)
        self._scheduler.set_jobs(jobs)
        self._flushed = time.monotonic()
        self._deploys = any(m.pipeline is not None and m.pipeline.deploy for m in workspace.project.graph.models)
        self._carried = -CARRY_ON_EVERY
        self._announce()

    def step(self) -> list[JobRun]:
        """Do what is due, deploy what waits, then flush when it is time to; return what was done.

        Raises
        ------
        LeaseError
            The role was not renewed in time: another host may have it.
        """
        if not self._lease.held:
            raise LeaseError("the role of the keeper was lost", where=str(self._lease.path))
        done: list[JobRun] = []
        if self._workspace.stores.clock.now() >= self._due:
            done = self._scheduler.step()
            for run in done:
                log.log(logging.WARNING if run.status == "failed" else logging.INFO, "%s: %s", run.job, run.detail)
            self._announce()
        if self._watch is not None and not isinstance(self._workspace.stores.clock, ReplayClock):
            self._watch.glances.step()
        if self._deploys and time.monotonic() - self._carried >= CARRY_ON_EVERY:
            carry_on(self._workspace)
            self._carried = time.monotonic()
        every = self._workspace.stores.settings.flush_every / 1e6
        if time.monotonic() - self._flushed >= every:
            self.flush()
        return done

    def run_now(self, job: str) -> list[JobRun]:
        """Do one job, whether it is due or not."""
        return self._scheduler.run_now(job)

    @property
    def waiting(self) -> dict[str, str]:
        """What is in the way of jobs whose time has come."""
        return self._scheduler.waiting

    def flush(self) -> None:
        """Bring the lake up to the log and the journal; what keeps it from that is logged and tried again."""
        try:
            send_notes(self._workspace.stores.catalog, self._workspace.stores.log, self._workspace.stores.clock.now())
            self._workspace.flush()
            self._workspace.stores.check_there()
        except (TidewheelError, OSError) as error:
            log.warning("flush: %s", error)
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush a last time and let the role go."""
        clock = self._workspace.stores.clock
        if isinstance(clock, ReplayClock):
            clock.set_next_due(NEVER)
        if self._lease.held:
            self.flush()
        self._lease.release()

    def _announce(self) -> None:
        """Note when something is due next, and tell a replay clock to stop there."""
        self._due = self._scheduler.next_due()
        clock = self._workspace.stores.clock
        if isinstance(clock, ReplayClock):
            clock.set_next_due(self._due)

    def _jobs(self) -> dict[str, tuple[Schedule, Work]]:
        """Return the jobs, named so that of those due at once a canary is judged before another is started."""
        graph = self._workspace.project.graph
        jobs = staleness_jobs(self._workspace, graph) | list_jobs(self._workspace, graph)
        for service in graph.services:
            if any(model.retrain is not None for model in graph.models if model.name in service.members):
                jobs[f"canary {service.name}"] = (Schedule(every="daily"), partial(self._judge, service))
                jobs[f"drift {service.name}"] = (LOOK_FOR_DRIFT, partial(self._drift, service))
        if self._watch is not None:
            jobs |= self._watch.jobs()
        for model in graph.models:
            jobs |= retrain_jobs(self._workspace, self._loop, model)
        jobs |= tick_jobs(self._workspace, graph)
        replayed = isinstance(self._workspace.stores.clock, ReplayClock)
        if not replayed or any(source.keep for source in graph.sources):
            jobs["upkeep of the lake"] = (Schedule(every="daily", at="03:00"), self._tend)
        every = self._parity_every()
        for service in graph.services:
            if every:
                jobs[f"parity {service.name}"] = (Schedule(every="interval", interval=every), self._parity(service))
        if not isinstance(self._workspace.stores.clock, ReplayClock):
            jobs["tidy"] = (Schedule(every="daily"), partial(tidy, self._workspace))
        return jobs

    def _parity_every(self) -> int:
        """Return how often served features are checked, in microseconds; 0 for never."""
        stores = self._workspace.stores
        settings = stores.settings
        usual = 0 if isinstance(stores.clock, ReplayClock) else HOUR
        return (settings.parity_every or usual) if settings.parity_sample else 0

    def _parity(self, service: ir.Service) -> Callable[[int], str]:
        def check(due: int) -> str:
            return told(check_service(self._workspace, service.name, self._workspace.stores.settings.parity_sample))

        return check

    def _tend(self, due: int) -> str:
        done = self._workspace.tend_lake()
        dropped, joined, deleted = (
            sum(getattr(one, what) for one in done) for what in ("dropped", "joined", "deleted")
        )
        return f"{dropped:,} rows dropped for their age, {joined:,} files joined, {deleted:,} old files deleted"

    def _judge(self, service: ir.Service, due: int) -> str:
        judgement = self._loop.watch(service)
        return f"{judgement.verdict}: {judgement.reason}" if judgement is not None else "no canary runs"

    def _drift(self, service: ir.Service, due: int) -> str:
        moved = self._loop.look_for_drift(service)
        named = ", ".join(f"{found.feature} {found.psi:.2f}" for found in sorted(moved, key=lambda d: -d.psi)[:5])
        return f"{len(moved)} columns moved ({named})" if moved else "nothing moved"


def run(life: Life, folder: str, env: str) -> None:
    """Be the keeper until asked to stop."""
    from tidewheel.workspace.opening import open_workspace

    workspace = open_workspace(folder, env=env or None)
    bell = Doorbell(workspace.stores.layout.bells, BELL)
    keeper = None
    try:
        # Where hosts share a catalog, the process beside this one does it, whoever keeps.
        with nullcontext() if workspace.stores.catalog.shared else Mirroring(workspace.stores):
            replayed = workspace.stores.clock.replay  # there what is due is done in one order, by one process
            keeper = when_free(life, workspace.stores, lambda wait: Keeper(workspace, wait=wait, guarding=replayed))
            if keeper is not None:
                log.info("keeping %s", ", ".join(keeper.jobs) or "no schedules")
                life.ready()
                while not life.stopping.is_set():
                    keeper.step()
                    bell.wait(LOOK_EVERY)
    finally:
        bell.close()
        if keeper is not None:
            keeper.close()
        workspace.close()
