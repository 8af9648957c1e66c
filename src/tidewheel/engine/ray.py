"""A Ray cluster: parts are tasks, sent out as the cluster has room for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tidewheel.engine.gang import Member, until_whole
from tidewheel.engine.ray_gang import run_members
from tidewheel.errors import MissingExtraError

Part = TypeVar("Part")
Result = TypeVar("Result")
RETRIES = 3
"""Of a part whose worker died."""


class RayEngine:
    """Runs parts on Ray; `tidewheel.engine.GangEngine` is its contract.

    A part whose worker died is done again by Ray; its result is the same.

    Parameters
    ----------
    address : str, optional
        Of a cluster that runs; without it one is started on this machine, for as long as this process lives.
    cpus : int, optional
        Of the cluster that is started here; all cores by default.

    Raises
    ------
    MissingExtraError
        The extra ``ray`` is not installed.
    """

    def __init__(self, address: str | None = None, cpus: int | None = None) -> None:
        self._address = address
        self._cpus = cpus
        self._ray = _imported()

    def map(
        self, work: Callable[[Part], Result], parts: Sequence[Part], *, done: Callable[[int], None] | None = None
    ) -> list[Result]:
        """Apply `work` to every part and return the results in order."""
        ray = self._started()
        run = ray.remote(max_retries=RETRIES, retry_exceptions=False)(_call)
        shared = ray.put(work)
        places = {run.remote(shared, part): place for place, part in enumerate(parts)}
        results: dict[int, Result] = {}
        waiting = list(places)
        try:
            while waiting:
                finished, waiting = ray.wait(waiting, num_returns=1)
                for reference in finished:
                    results[places[reference]] = _got(ray, reference)
                if done:
                    done(len(results))
        except BaseException:
            _drop(ray, waiting)
            raise
        return [results[place] for place in range(len(parts))]

    def gang(self, work: Callable[[Member, Part], Result], parts: Sequence[Part], *, cpus: int = 1) -> list[Result]:
        """Apply `work` to every part at once, each in an actor; they are spread over the cluster's machines."""
        ray = self._started()
        return until_whole(lambda: run_members(ray, work, parts, cpus))

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._ray.is_initialized():
            self._ray.shutdown()

    def _started(self) -> Any:
        ray = self._ray
        if not ray.is_initialized():
            # Without an address Ray would join whatever cluster it finds on this machine.
            settings = {"address": self._address} if self._address else {"address": "local", "num_cpus": self._cpus}
            ray.init(**settings, include_dashboard=False, log_to_driver=False, configure_logging=False)
        return ray


def _call(work: Callable[[Part], Result], part: Part) -> Result:
    return work(part)


def _got(ray: Any, reference: Any) -> Any:
    """Return a task's result, or raise what it raised."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error


def _drop(ray: Any, references: list[Any]) -> None:
    """Let go of tasks that have not begun, and wait for those under way."""
    for reference in references:
        ray.cancel(reference, force=False)
    if references:
        ray.wait(references, num_returns=len(references))


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("Ray is not installed", remedy="pip install 'tidewheel[ray]'") from error
    return ray
