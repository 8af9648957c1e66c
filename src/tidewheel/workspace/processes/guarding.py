"""Rollouts looked after by a process of their own, so that no training, drift or flush holds a rollback up.

In a replay workspace, and for ``tidewheel tick``, the keeper does it as one of its jobs.
"""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.errors import LeaseError
from tidewheel.rollout import Steering
from tidewheel.runtime.child import Life
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.schedule import JobRun, Scheduler, Work
from tidewheel.workspace.processes.standby import when_free
from tidewheel.workspace.rollouts.watching import Glances

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

log = logging.getLogger("tidewheel.guards")
MINUTE, HOUR = 60_000_000, 3_600_000_000
LOOK_EVERY = 0.25


class Watch:
    """What is looked at in a workspace's rollouts, and when.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._services = [service for service in workspace.project.graph.services if service.model]
        self._replayed = workspace.stores.clock.replay
        self._steering = Steering(workspace.loop_view())
        self.glances = Glances(workspace, self._steering)

    def jobs(self) -> dict[str, tuple[Schedule, Work]]:
        """Return the jobs that ask all guards, a service each, and take the next step of a ramp."""
        return {
            f"rollout {service.name}": (self._every(service), partial(self._steer, service))
            for service in self._services
        }

    def _every(self, service: ir.Service) -> Schedule:
        """Return how often guards are asked: in a replay workspace each time stops the clock."""
        if not self._replayed:
            return Schedule(every="interval", interval=MINUTE)
        return Schedule(every="interval", interval=HOUR) if service.guards else Schedule(every="daily")

    def _steer(self, service: ir.Service, due: int) -> str:
        return self._steering.step(service)


def loudness(run: JobRun, before: str | None) -> int:
    """Return the level at which a run is told of: what was said a minute ago is not said again, unless it failed."""
    if run.status == "failed":
        return logging.WARNING
    return logging.DEBUG if run.detail == before else logging.INFO


class Guarding:
    """Looks after a workspace's rollouts. One process of all hosts does, by lease.

    Parameters
    ----------
    workspace : Workspace
    wait : float
        Seconds to wait while another one ends.
    """

    def __init__(self, workspace: Workspace, *, wait: float = 0.0) -> None:
        self._lease = workspace.stores.hold("guards", "guards", wait=wait)
        self._watch = Watch(workspace)
        self._scheduler = Scheduler(workspace.stores.catalog, f"guards {os.getpid()} #{self._lease.token}")
        self._scheduler.set_jobs(self._watch.jobs())
        self._told: dict[str, str] = {}
        """By job, what was said last."""

    def step(self) -> None:
        """Do what is due.

        Raises
        ------
        LeaseError
            The role was not renewed in time: another host may have it.
        """
        if not self._lease.held:
            raise LeaseError("the role of the guards was lost", where=str(self._lease.path))
        for run in self._scheduler.step():
            log.log(loudness(run, self._told.get(run.job)), "%s: %s", run.job, run.detail)
            self._told[run.job] = run.detail
        self._watch.glances.step()

    def close(self) -> None:
        """Let the role go."""
        self._lease.release()


def run(life: Life, folder: str, env: str) -> None:
    """Look after rollouts until asked to stop."""
    from tidewheel.workspace.opening import open_workspace

    workspace = open_workspace(folder, env=env or None)
    guards = None
    try:
        guards = when_free(life, workspace.stores, lambda wait: Guarding(workspace, wait=wait))
        if guards is not None:
            life.ready()
            while not life.stopping.is_set():
                guards.step()
                life.stopping.wait(LOOK_EVERY)
    finally:
        if guards is not None:
            guards.close()
        workspace.close()
