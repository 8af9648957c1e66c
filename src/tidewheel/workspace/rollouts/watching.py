"""Rollouts watched between the minutes of their jobs: taken back within seconds, and told as metrics."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from tidewheel.errors import TidewheelError
from tidewheel.registry.pointers.deployments import list_deployments
from tidewheel.serving.observing.rollout_metrics import GuardNumbers, RolloutNumbers, write_rollouts

if TYPE_CHECKING:
    from tidewheel.rollout.steering import Seen, Steering
    from tidewheel.workspace.workspace import Workspace

log = logging.getLogger("tidewheel.rollout")
GLANCE_EVERY = 5.0


class Glances:
    """Looks at what is rolled out every few seconds.

    Parameters
    ----------
    workspace : Workspace
    steering : Steering
        Also that of the jobs: its sums go on from look to look.
    """

    def __init__(self, workspace: Workspace, steering: Steering) -> None:
        self._workspace, self._steering = workspace, steering
        self._due = time.monotonic() + GLANCE_EVERY

    def step(self) -> None:
        """Look when it is time to."""
        if time.monotonic() >= self._due:
            self.look()
            self._due = time.monotonic() + GLANCE_EVERY

    def look(self) -> None:
        """Ask the guards of what is rolled out, and write down what they said; what is in the way is logged."""
        try:
            for service in self._workspace.project.graph.services:
                if service.model and (done := self._steering.glance(service)):
                    log.warning("%s: %s", service.name, done)
            self._tell()
        except (TidewheelError, OSError) as error:
            log.warning("rollouts can't be watched: %s", error)

    def _tell(self) -> None:
        stores, seen = self._workspace.stores, self._steering.seen
        running = {one.service: one for one in list_deployments(stores.catalog) if one.challenger}
        rollouts = [
            numbers(seen[name])
            if name in seen and seen[name].deployment.revision == one.revision
            else RolloutNumbers(name, one.challenger, one.mode, one.share, 0, one.since)
            for name, one in running.items()
        ]
        write_rollouts(stores.layout.run, rollouts)


def numbers(seen: Seen) -> RolloutNumbers:
    """Return what was seen of a rollout as numbers."""
    deployment, steps = seen.deployment, () if seen.ramp is None else seen.ramp.steps
    guards = [
        GuardNumbers(
            guard=found.guard,
            fired=found.fired,
            limit=guard.share if guard.kind == "latency" else guard.limit,
            figures={name: value for name, value in found.figures.items() if math.isfinite(value)},
        )
        for guard, found in zip(seen.guards, seen.findings, strict=True)
    ]
    stage = sum(step <= deployment.share for step in steps)
    return RolloutNumbers(
        deployment.service, deployment.challenger, deployment.mode, deployment.share, stage, deployment.since, guards
    )
