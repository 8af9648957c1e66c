"""How a version is rolled out: beside the champion, for a share of the units, and by which steps that share grows."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tidewheel.errors import InputError
from tidewheel.registry.pointers.pointers import Deployment, check_share
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import newest_notes

RAMP = "rollout.ramp"
"""The note, written with the move that began the rollout, that tells its steps."""
HOLD = 3_600_000_000


class Ramp(msgspec.Struct, frozen=True):
    """The shares that a canary goes through, and how long it stays at each (µs).

    Examples
    --------
    >>> ramp = Ramp((0.01, 0.05, 1.0))
    >>> ramp.after(0.01), ramp.after(0.03), ramp.after(1.0)
    (0.05, 0.05, None)
    """

    steps: tuple[float, ...]
    hold: int = HOLD

    def after(self, share: float) -> float | None:
        """Return the step after a share; None after the last, when the challenger is promoted."""
        return next((step for step in self.steps if step > share), None)

    def check(self) -> Ramp:
        """Return the ramp when it makes sense.

        Raises
        ------
        InputError
            A step is no share, the steps do not rise, or there is no time between them.
        """
        for step in self.steps:
            check_share(step)
        if not self.steps or list(self.steps) != sorted(set(self.steps)):
            told = ", ".join(f"{step:g}" for step in self.steps)
            raise InputError(f"the steps of the ramp do not rise: {told}", remedy="write them like 1%,5%,25%,100%")
        if self.hold <= 0:
            raise InputError("the ramp stays no time at a step", remedy="give a hold such as 1h")
        return self


class Rollout(msgspec.Struct, frozen=True):
    """How a challenger stands beside the champion."""

    mode: Literal["canary", "shadow", "ab", "blue-green"] = "canary"
    share: float = 1.0
    ramp: Ramp | None = None


def ramp_body(deployment: Deployment, ramp: Ramp) -> dict[str, Any]:
    """Return what the note says."""
    return {"salt": deployment.salt, **msgspec.to_builtins(ramp)}


def find_ramp(catalog: Catalog, deployment: Deployment) -> Ramp | None:
    """Return the ramp of the rollout that is going on, or None when it has none."""
    note = newest_notes(catalog, RAMP).get(deployment.service)
    if note is None or not deployment.challenger or note.body["salt"] != deployment.salt:
        return None
    return Ramp(tuple(note.body["steps"]), note.body["hold"])
