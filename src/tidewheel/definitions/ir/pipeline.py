"""When a model is trained, and what its training does besides, in frozen form; part of `tidewheel.definitions.ir`."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen


class Limits(Frozen, frozen=True):
    """What one fit may take; made by ``tw.pipeline.limits``. 0 is no limit."""

    time: int = 0
    """Microseconds."""
    memory: int = 0
    """Bytes beyond those of the rows and the libraries."""


class Step(Frozen, frozen=True):
    """A step that a project adds; the function itself is with the live declaration."""

    name: str
    after: str
    inputs: tuple[str, ...] = ()
    retries: int = 0
    wait: int = 1_000_000
    """Microseconds before the second attempt; each further wait is twice as long."""


class Deploy(Frozen, frozen=True):
    """Where a version goes by itself once its gates are passed and it is approved; made by ``tw.pipeline.deploy``."""

    canary: float = 0.0
    """The share of traffic it begins with; 0 is all of it."""
    environment: str = ""
    """Stand there, and move no traffic."""


class Pipeline(Frozen, frozen=True):
    """Added steps, in the order in which they run, and what bounds and follows the others."""

    steps: tuple[Step, ...] = ()
    limits: Limits | None = None
    deploy: Deploy | None = None


class Retrain(Frozen, frozen=True):
    """When to train a challenger and what decides between it and the champion."""

    every: Literal["", "daily", "weekly", "monthly"] = ""
    on_drift: float = 0.0
    """Retrain when a drift alert's PSI is at least this; 0 is never."""
    canary: float = 0.1
    watch: int = 7 * 86_400_000_000
    """How long the canary runs before it is judged."""
    metric: str = ""
    margin: float = 0.0
    """Promote when the challenger's metric on its own traffic is at least champion - margin."""
    cron: str = ""
    tz: str = "UTC"
    missed: Literal["latest", "skip", "all"] = "latest"
    on_labels: int = 0
    on_age: int = 0
    """Retrain when so many labels came since the last training, or what it saw is so old (µs); 0 is never."""
