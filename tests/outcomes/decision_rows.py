"""Decisions for tests: records with what a test says and defaults for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.rows import to_arrow

HOUR = 3_600_000_000
DAY = 24 * HOUR
MONDAY = 1_704_067_200_000_000
"""2024-01-01, a Monday."""


def record(number: int, at: int = MONDAY, **told: Any) -> DecisionRecord:
    """Return the decision on event ``e<number>`` at `at`."""
    values: dict[str, Any] = {
        "decision_id": f"d{number:09d}",
        "event_id": f"e{number}",
        "service": "Score",
        "event_type": "Payment",
        "unit": f"e{number}",
        "instant": at,
        "at": at,
        "arrived": at,
        "states": [],
        "inputs": {"id": f"e{number}", "amount": float(number)},
        "view": "v1",
        "features": b"",
        "texts": {},
        "model": "Fraud@1",
        "bundle": "b1",
        "service_version": "s1",
        "thresholds": {},
        "arm": "champion",
        "propensity": 1.0,
        "rule": "",
        "fallback": "",
        "reason": "",
        "score": 0.5,
        "decision": "allow",
        "explored": False,
        "timings": [1000, 2000, 3000, 4000, 5000],
    }
    values |= told
    if isinstance(values["features"], list | tuple):
        values["features"] = np.asarray(values["features"], dtype=np.float64).tobytes()
    return DecisionRecord(**values)


def table(records: Iterable[DecisionRecord]) -> pa.Table:
    """Return records as the lake gives them."""
    return to_arrow(list(records))


class FixedEvents:
    """Outcome events that a test gives: (row's event id, at, arrived, and other columns)."""

    def __init__(self, ref: str, rows: Iterable[tuple[str, int, int, dict[str, Any]]] = ()) -> None:
        listed = list(rows)
        names = sorted({name for *_, columns in listed for name in columns})
        self._table = pa.table(
            {
                ref: pa.array([row[0] for row in listed], pa.string()),
                "_at": pa.array([row[1] for row in listed], pa.int64()),
                "_arrived": pa.array([row[2] for row in listed], pa.int64()),
                "_offset": pa.array(range(1, len(listed) + 1), pa.int64()),
                **{name: pa.array([row[3].get(name) for row in listed]) for name in names},
            }
        )

    def scan(self, type: str, columns: Any, *, below: int | None = None, after: int | None = None) -> pa.Table:
        """Return `columns` of the outcomes, whatever their type."""
        found = self._table.select([*columns, "_at", "_arrived", "_offset"])
        return found if after is None else found.filter(pc.greater(found["_at"], after))
