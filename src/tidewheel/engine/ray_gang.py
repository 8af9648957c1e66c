"""A gang of Ray actors: placed together or not at all, each on a machine of its own where there are as many."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from tidewheel.engine.gang import GRACE, Member, Outcome, held_port
from tidewheel.engine.shipping import packed
from tidewheel.errors import EngineError

Part = TypeVar("Part")
ROOM = 120.0
"""Seconds that a cluster is given to make room for a gang: an autoscaler may have to start machines."""


class Seat:
    """Where one member works: an actor."""

    def __init__(self) -> None:
        self._port: socket.socket | None = held_port()

    def address(self) -> str:
        """Return where the member may listen."""
        import ray

        assert self._port is not None
        util: Any = ray.util  # it has no types
        return f"{util.get_node_ip_address()}:{self._port.getsockname()[1]}"

    def work(self, job: bytes, member: Member) -> bytes:
        """Do a job; return what came of it."""
        work, part = pickle.loads(job)
        if self._port is not None:
            self._port.close()
            self._port = None
        try:
            return packed(Outcome(work(member, part)))
        except Exception as error:
            return packed(Outcome(error=error))


def run_members(ray: Any, work: Callable[[Member, Part], Any], parts: Sequence[Part], cpus: int) -> list[Outcome]:
    """Run a gang once; return what came of each member."""
    with _seated(ray, len(parts), cpus) as seats:
        try:
            peers = tuple(ray.get([seat.address.remote() for seat in seats]))
        except ray.exceptions.RayError:
            return [Outcome(died=True)] * len(parts)
        jobs = [
            seat.work.remote(packed((work, part)), Member(rank, peers))
            for rank, (seat, part) in enumerate(zip(seats, parts, strict=True))
        ]
        found: dict[Any, Outcome] = {}
        while len(found) < len(jobs) and not any(outcome.died for outcome in found.values()):
            raised = any(outcome.error is not None for outcome in found.values())
            ended, _ = ray.wait([job for job in jobs if job not in found], timeout=GRACE if raised else None)
            if not ended:
                break  # what waits for a member that raised would wait for ever
            found[ended[0]] = _outcome(ray, ended[0])
        return [found.get(job, Outcome()) for job in jobs]


@contextmanager
def _seated(ray: Any, members: int, cpus: int) -> Iterator[list[Any]]:
    """Give an actor for each member; they end with the block."""
    from ray.util.placement_group import placement_group, remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    group = placement_group([{"CPU": cpus}] * members, strategy="SPREAD")
    try:
        if not group.wait(ROOM):
            total = ray.cluster_resources().get("CPU", 0)
            raise EngineError(
                f"the Ray cluster found no room for {members} workers of {cpus} CPUs in {ROOM:.0f} s; it has {total:g}",
                remedy="lower fit_workers or the estimator's n_jobs, or add machines",
            )
        seat = ray.remote(num_cpus=cpus, max_restarts=0)(Seat)
        yield [
            seat.options(scheduling_strategy=PlacementGroupSchedulingStrategy(group, place)).remote()
            for place in range(members)
        ]
    finally:
        remove_placement_group(group)


def _outcome(ray: Any, job: Any) -> Outcome:
    try:
        found: Outcome = pickle.loads(ray.get(job))
    except ray.exceptions.RayActorError:
        return Outcome(died=True)
    return found
