"""The frozen form of scores that are computed ahead."""

from __future__ import annotations

from tidewheel.definitions.ir.frozen import Frozen


class Stored(Frozen, frozen=True):
    """Which stored score a service reads for an event, and how old it may be."""

    by: tuple[str, ...]
    """The event's column that holds the entity; none where scores are kept by a list's item alone."""
    entity: str
    """What the scores are kept by."""
    max_age: int
    """Inclusive."""
    only: bool = False
    """Without a score that is young enough the fallback chain answers, not the model."""
    any_version: bool = False
    alert: float = 0.1
    """The share of decisions without such a score above which an alert is raised."""
