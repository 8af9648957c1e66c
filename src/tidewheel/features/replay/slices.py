"""All events of some sources in order of time, cut into slices that fit in memory.

A slice holds what every source has before one instant of arrival (or one offset). What arrived at one
instant is never parted: a read at that instant sees none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.rows import Rows, rows_of

By = Literal["arrived", "offset"]


class Pieces(Protocol):
    """Where events are read piece by piece: `tidewheel.collect.History`, or one with more beside it."""

    def pieces(
        self, type: str, columns: Sequence[str], *, start: int = ..., below: int | None = ..., rows: int = ...
    ) -> Iterator[pa.Table]:
        """Read the events at offsets `start` up to `below` in order, at most so many `rows` at a time."""
        ...


class Slice(NamedTuple):
    """Events by source, and per source the offset at which the next slice begins."""

    rows: dict[str, Rows]
    next: dict[str, int]


class Wanted(NamedTuple):
    """What is read of one source, from which offset on."""

    source: ir.Source
    columns: tuple[str, ...]
    start: int = 1


def cut_slices(
    history: Pieces,
    wanted: Mapping[str, Wanted],
    *,
    below: int,
    rows: int,
    by: By = "arrived",
    since: int | None = None,
    until: int | None = None,
) -> Iterator[Slice]:
    """Yield slices of about `rows` events, all sources together.

    Never twice as many, unless they arrived at one instant.

    Parameters
    ----------
    wanted : mapping
        By source.
    below : int
        Leave out events at this offset and after.
    by : {"arrived", "offset"}
        What a slice ends by.
    since, until : int, optional
        Leave out what arrived before, and at this instant or after.
    """
    each = max(1, rows // max(1, len(wanted)))
    taps = {
        name: _Tap(history.pieces(name, want.columns, start=want.start, below=below, rows=each), want, by, since, until)
        for name, want in wanted.items()
    }
    most = each
    while True:
        for tap in taps.values():
            tap.fill(most)
        flowing = [tap.last for tap in taps.values() if not tap.dry]
        cut = min(flowing) if flowing else None
        found = {name: tap.take(cut) for name, tap in taps.items()}
        if any(len(part) for part in found.values()):
            yield Slice(found, {name: tap.next for name, tap in taps.items()})
            most = each
        elif cut is None:
            return
        else:  # all that is held arrived at one instant
            most += each


class _Tap:
    """One source's events, a few at a time."""

    def __init__(self, pieces: Iterator[pa.Table], want: Wanted, by: By, since: int | None, until: int | None) -> None:
        self._pieces = pieces
        self._want = want
        self._by = f"_{by}"
        self._since, self._until = since, until
        self._held: list[pa.Table] = []
        self.next = want.start
        self.dry = False

    def fill(self, rows: int) -> None:
        """Hold so many rows, or all that are left."""
        while not self.dry and sum(table.num_rows for table in self._held) < rows:
            piece = next(self._pieces, None)
            if piece is None:
                self.dry = True
                return
            within = self._within(piece)
            if len(within) < len(piece) and self._until is not None and piece["_arrived"][-1].as_py() >= self._until:
                self.dry = True
            if len(within):
                self._held.append(within)

    @property
    def last(self) -> int:
        """The position of the last row held."""
        return int(self._held[-1][self._by][-1].as_py())

    def take(self, cut: int | None) -> Rows:
        """Give out the rows before `cut`; None gives all that are left."""
        held = pa.concat_tables(self._held) if self._held else None
        if held is None:
            return _rows(None, self._want)
        end = len(held) if cut is None else int(np.searchsorted(held[self._by].to_numpy(), cut))
        found, rest = held.slice(0, end), held.slice(end)
        self._held = [rest] if len(rest) else []
        if len(found):
            self.next = int(found["_offset"][-1].as_py()) + 1
        return _rows(found, self._want)

    def _within(self, piece: pa.Table) -> pa.Table:
        arrived = piece["_arrived"].to_numpy()
        first = 0 if self._since is None else int(np.searchsorted(arrived, self._since))
        end = len(arrived) if self._until is None else int(np.searchsorted(arrived, self._until))
        return piece.slice(first, max(0, end - first))


def _rows(table: pa.Table | None, want: Wanted) -> Rows:
    if table is None:
        table = pa.table({name: pa.array([], pa.int64()) for name in ("_at", "_arrived", "_offset")})
        table = table.append_column("_id", pa.array([], pa.string()))
    return rows_of(table, want.source, want.columns, ids=True)
