"""History that a folder has not folded yet, read in one go and handed out in micro-batches.

Imports live in the lake, and so does what the log has trimmed. Reading the lake for each
micro-batch would read it over and over; here each source is scanned once for a range of offsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.history import Needs
from tidewheel.features.rows import Rows, rows_of

if TYPE_CHECKING:
    from tidewheel.collect import History


class Backlog:
    """Events at offsets `start` up to, not including, `below`."""

    def __init__(
        self, history: History, sources: Mapping[str, ir.Source], needs: Needs, start: int, below: int
    ) -> None:
        self._needs = {source: set(columns) for source, columns in needs.columns.items()}
        self._ids = set(needs.ids)
        self._start = start
        self.below = below
        self._rows = {
            source: rows_of(
                _from(history.scan(source, list(columns), below=below), start),
                sources[source],
                list(columns),
                ids=source in needs.ids,
            )
            for source, columns in needs.columns.items()
        }

    def covers(self, start: int, needs: Needs) -> bool:
        """Tell whether this backlog has what is needed from `start` on."""
        return (
            self._start <= start < self.below
            and needs.ids <= self._ids
            and all(set(columns) <= self._needs.get(source, set()) for source, columns in needs.columns.items())
        )

    def take(self, start: int, limit: int) -> tuple[dict[str, Rows], int]:
        """Return the events from `start` on by source, and the last offset they cover."""
        below = min(self.below, start + limit)
        found = {}
        for source, rows in self._rows.items():
            first, end = np.searchsorted(rows.offset, (start, below))
            if end > first:
                found[source] = rows.slice(int(first), int(end))
        return found, below - 1


def _from(table: pa.Table, start: int) -> pa.Table:
    return table.slice(int(np.searchsorted(table["_offset"].to_numpy(), start)))
