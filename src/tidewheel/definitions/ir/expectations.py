"""Expectations in their frozen form; see `tidewheel.definitions.events.expectations` for what each asks."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen

ExpectationKind = Literal[
    "between", "in_set", "matches", "null_rate", "unique", "increasing", "fresh", "volume", "check"
]  # fmt: skip


class Expectation(Frozen, frozen=True):
    """What rows of a source should be like (``tw.expect``)."""

    name: str
    kind: ExpectationKind
    columns: tuple[str, ...] = ()
    """Own columns; ``at`` is the row's instant. For ``increasing`` a second one tells rows apart."""
    policy: Literal["warn", "quarantine", "stop"] = "warn"
    tolerate: float = 0.0
    """Share of a batch's rows that may fail."""
    low: int | float | None = None
    high: int | float | None = None
    values: tuple[str | int | float, ...] = ()
    pattern: str = ""
    limit: float = 0.0
    """For ``null_rate``: the largest share."""
    within: int = 0
    """For ``fresh``."""
    rows: int = 0
    """For ``null_rate``: rows before there is a verdict; for ``volume``: weeks looked back."""
    source: str = ""
    """For ``check``: source that defines a function of this expectation's name, as for `Derived`."""
