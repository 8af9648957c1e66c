"""Where a folder's micro-batches come from: the log, read from any offset on; a few events as records, else columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError
from tidewheel.features.folding.backlog import Backlog
from tidewheel.features.folding.forms import Records
from tidewheel.features.folding.handful import Handful
from tidewheel.features.folding.routes import Route, routes_of
from tidewheel.features.planning.group import GroupPlan
from tidewheel.features.replay.history import Needs
from tidewheel.features.rows import Rows, rows_of

if TYPE_CHECKING:
    from tidewheel.collect import History
    from tidewheel.storage.log.reader import LogReader

BATCH = 50_000
BULK = 10
"""History is folded in batches so many times larger than live events: nobody waits for them one by one."""
FEW = 64
"""Up to so many events, records are faster than columns: what comes between two decisions is a handful."""


@dataclass(frozen=True, eq=False)
class Together:
    """Groups that stand at one offset, and what is the same for each of their micro-batches."""

    plans: tuple[GroupPlan, ...]
    needs: Needs
    handful: Handful

    @cached_property
    def routes(self) -> frozenset[Route]:
        """The ways by which events must be dealt for these groups to get theirs."""
        return routes_of(feed for plan in self.plans for feed in plan.feeds)


class Piece(NamedTuple):
    """What comes next: events by source, as records or as columns, and the last offset that they cover."""

    last: int
    rows: dict[str, Rows]
    records: dict[str, Records] | None = None


class Source(Protocol):
    """Gives a partition's micro-batches."""

    def next(self, group: Together, start: int, until: int | None) -> Piece:
        """Return what some groups need of the log from `start` on; one that ends before `start` when nothing is there.

        Parameters
        ----------
        until : int or None
            Not beyond this offset, where the other groups stand; None for the groups that are ahead of all others.
        """
        ...

    def place(self, last: int) -> int | None:
        """Return the place to begin at again once all up to an offset is folded; None when the offset says it all."""
        ...


class LogSource:
    """The log itself: all events of the groups' sources, whichever partition their entities are in.

    Parameters
    ----------
    log : LogReader
    history : History
        Asked for imports, and for what the log has trimmed.
    sources : mapping
        Declarations by name.
    batch, few : int
        As in `Folder`.
    """

    def __init__(
        self, log: LogReader, history: History, sources: Mapping[str, ir.Source], *, batch: int, few: int
    ) -> None:
        self.log = log
        self._history = history
        self._sources = sources
        self._batch = batch
        self._few = few
        self._backlog: Backlog | None = None

    def next(self, group: Together, start: int, until: int | None) -> Piece:
        """Return what comes next; see `Source`."""
        most = BULK * self._batch if until is None else until - start + 1
        return self._read_few(group, start, most) or self._read(group.needs, start, most)

    def place(self, last: int) -> int | None:
        """Return nothing: the log is read by offset."""
        return None

    def _read_few(self, group: Together, start: int, most: int) -> Piece | None:
        """Return the next events as records; None for columns."""
        if self._backlog is not None:
            return None
        try:
            records = self.log.read(start, min(most, self._batch, self._few + 1))
        except NotFoundError:  # trimmed: history has it
            return None
        if len(records) > self._few:
            return None
        rows = group.handful.sort(records)
        return None if rows is None else Piece(records[-1].offset if records else start - 1, {}, rows)

    def _read(self, needs: Needs, start: int, most: int) -> Piece:
        if self._backlog is not None and self._backlog.covers(start, needs):
            return self._take(most)
        first = self.log.first()
        if start < first:
            return self._bulk(needs, start, first, most)
        batch = self.log.read_batch(start, min(most, self._batch), list(needs.columns))
        if batch.imported is not None and batch.imported.type in needs.columns:
            return self._bulk(needs, start, batch.next, most)
        rows = {
            source: rows_of(batch.tables[source], self._sources[source], list(columns), ids=source in needs.identified)
            for source, columns in needs.columns.items()
            if source in batch.tables
        }
        return Piece(batch.next - 1, rows)

    def _bulk(self, needs: Needs, start: int, below: int, most: int) -> Piece:
        self._backlog = Backlog(self._history, self._sources, needs, start, below, rows=BULK * self._batch)
        return self._take(most)

    def _take(self, most: int) -> Piece:
        assert self._backlog is not None
        rows, last = self._backlog.take(min(most, BULK * self._batch))
        if last + 1 == self._backlog.below:
            self._backlog = None
        return Piece(last, rows)
