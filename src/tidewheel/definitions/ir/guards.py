"""Guards in their frozen form; see `tidewheel.definitions.services.guards` for what each asks."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen

GuardKind = Literal["latency", "fallbacks", "divergence", "outcome", "fresh"]


class Guard(Frozen, frozen=True):
    """What a version that is rolled out must keep to."""

    kind: GuardKind
    limit: float = 0.0
    """``latency``, ``fresh``: microseconds; ``fallbacks``, ``divergence``: a share."""
    share: float = 0.0
    """``latency``: of the decisions, how many may take longer."""
    low: float | None = None
    high: float | None = None
    """``outcome``: what its mean must lie between."""
    rows: int = 100
    """With fewer decisions nothing is said."""
