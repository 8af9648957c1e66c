"""The frozen form of how a model is tuned. Part of `tidewheel.definitions.ir`, which every room reads it from."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen

Sampler = Literal["tpe", "random", "grid", "cmaes"]
Pruner = Literal["", "median", "hyperband"]


class Tune(Frozen, frozen=True):
    """How a model's search space is tried; made by ``tw.tune.search``."""

    trials: int = 20
    sampler: Sampler = "tpe"
    pruner: Pruner = ""
    """Ends a trial that does worse than earlier ones did at the same step; "" lets each end."""
    patience: int = 0
    """Stop after so many trials without a better one; 0 is never."""
    parallel: int = 1
    """Trials in a round: what a round proposes depends on the rounds before it alone."""
    limit: int = 0
    """Microseconds after which no round begins; 0 is no limit."""
