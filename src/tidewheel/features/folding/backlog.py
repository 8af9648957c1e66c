"""History that a folder has not folded yet, read a piece at a time and handed out in micro-batches.

Imports live in the lake, and so does what the log has trimmed. Reading the lake for each
micro-batch would read it over and over, reading it whole would take as much memory as it is long: here
one piece of each source is held, and the next is read once that is folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.replay.history import Needs
from tidewheel.features.rows import Rows, rows_of

if TYPE_CHECKING:
    from tidewheel.collect import History


class Backlog:
    """Events at offsets `start` up to, not including, `below`, handed out in their order.

    Parameters
    ----------
    rows : int
        At most so many events of each source are in memory.
    """

    def __init__(
        self,
        history: History,
        sources: Mapping[str, ir.Source],
        needs: Needs,
        start: int,
        below: int,
        *,
        rows: int,
    ) -> None:
        self._needs = {source: set(columns) for source, columns in needs.columns.items()}
        self._ids = set(needs.identified)
        self._next = start
        self.below = below

        def tap(source: str, columns: list[str]) -> _Tap:
            ids = source in needs.identified
            pieces = history.pieces(source, columns, start=start, below=below, rows=rows)
            return _Tap(pieces, lambda piece: rows_of(piece, sources[source], columns, ids=ids))

        self._taps = {source: tap(source, list(columns)) for source, columns in needs.columns.items()}

    def covers(self, start: int, needs: Needs) -> bool:
        """Tell whether what is needed from `start` on is what this backlog gives next."""
        return (
            self._next == start < self.below
            and needs.identified <= self._ids
            and all(set(columns) <= self._needs.get(source, set()) for source, columns in needs.columns.items())
        )

    def take(self, limit: int) -> tuple[dict[str, Rows], int]:
        """Return the next events by source, and the last offset they cover: `limit` offsets, or fewer."""
        known = [tap.fill() for tap in self._taps.values()]
        below = min([self._next + limit, self.below, *(end for end in known if end is not None)])
        found = {source: tap.take(below) for source, tap in self._taps.items()}
        self._next = below
        return {source: rows for source, rows in found.items() if rows is not None}, below - 1


class _Tap:
    """One source's events, of which one piece is held."""

    def __init__(self, pieces: Iterator[pa.Table], made: Callable[[pa.Table], Rows]) -> None:
        self._pieces = pieces
        self._made = made
        self._held: Rows | None = None

    def fill(self) -> int | None:
        """Hold what comes next; return the offset from which on it isn't known what comes, None at the end."""
        if self._held is None:
            piece = next(self._pieces, None)
            self._held = None if piece is None else self._made(piece)
        return None if self._held is None else int(self._held.offset[-1]) + 1

    def take(self, below: int) -> Rows | None:
        """Give out what is held before an offset; None when there is nothing."""
        if self._held is None:
            return None
        held, end = self._held, int(np.searchsorted(self._held.offset, below))
        self._held = held.slice(end, len(held)) if end < len(held) else None
        return held.slice(0, end) if end else None
