"""The frozen form of a tick's schedule."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen


class When(Frozen, frozen=True):
    """When a tick is due; `tidewheel.runtime.due.Schedule` says what each field means."""

    every: Literal["daily", "weekly", "monthly", "interval", "cron"]
    at: str = "00:00"
    tz: str = "UTC"
    interval: int = 0
    cron: str = ""
    missed: Literal["latest", "skip", "all"] = "latest"
