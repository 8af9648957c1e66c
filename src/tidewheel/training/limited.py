"""Fits that are given so much time and memory: each in a process of its own where limits are declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tidewheel.definitions import ir
from tidewheel.engine.apart import apart
from tidewheel.training.tuning.objective import Objective
from tidewheel.training.tuning.watch import Watch

Result = TypeVar("Result")


def limited(limits: ir.Limits | None, work: Callable[[], Result], fits: int = 1) -> Callable[[], Result]:
    """Return work of so many fits within limits; as it is, where none are declared."""
    if limits is None:
        return work
    return partial(apart, work, seconds=limits.time * fits / 1e6, memory=limits.memory)


@dataclass(frozen=True)
class LimitedObjective:
    """An objective each of whose trials is limited; one that takes more fails, and the search goes on."""

    objective: Objective
    limits: ir.Limits
    fits: int
    """Of a trial."""

    def __call__(self, parameters: Mapping[str, Any], watch: Watch) -> float:
        """Return the value of `parameters`, and let `watch` know what was reported on the way."""
        trial = partial(_trial, self.objective, parameters, watch)
        value, watch.steps[:], watch.pruned = limited(self.limits, trial, self.fits)()
        return value


def _trial(
    objective: Objective, parameters: Mapping[str, Any], watch: Watch
) -> tuple[float, list[tuple[int, float]], bool]:
    return objective(parameters, watch), watch.steps, watch.pruned
