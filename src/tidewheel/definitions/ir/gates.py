"""Gates in their frozen form; see `tidewheel.definitions.models.gates` for what each asks."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen

GateKind = Literal[
    "at_least", "at_most", "beats_champion", "parity", "p99_below", "no_slice_worse", "calibrated", "fair",
    "latency_below", "memory_below", "schema_compatible", "churn_below", "fresh_data", "ask",
]  # fmt: skip


class Gate(Frozen, frozen=True):
    """A verdict asked for before a version may be deployed."""

    kind: GateKind
    metric: str = ""
    value: float = 0.0
    confidence: float = 0.95
    by: tuple[str, ...] = ()
    """Columns of the view whose values are slices or groups."""
    low: float | None = None
    high: float | None = None
    """``fair``: the least ratio, the greatest difference."""
    rows: int = 0
    """Slices and groups of fewer are left out."""
    approvers: tuple[str, ...] = ()
    """Who is asked when the gate does not pass, instead of refusing the version."""
    expires: int = 0
    """How long they have."""
