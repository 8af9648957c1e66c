"""Deals the log out: each event, in the order of the log, to the partitions of the state that it concerns.

Where the dealer stands is what its newest messages say. One that is killed leaves the partitions at different offsets;
the next begins with the least, and says again what some have. So it is at least once, and once by the offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from tidewheel.definitions import ir
from tidewheel.features.folding.dealt import decode, encode, opening
from tidewheel.features.folding.routes import Route, deal, route_name, routes_of
from tidewheel.features.planning.group import GroupPlan

if TYPE_CHECKING:
    from tidewheel.storage.log.reader import LogReader

BATCH = 50_000


class Outlet(Protocol):
    """Where messages go: as many partitions as the state has, each with an order of its own."""

    partitions: int

    def send(self, values: Sequence[bytes], partitions: Sequence[int]) -> object:
        """Add messages to partitions; return once they are safe there."""
        ...

    def newest(self, partition: int) -> bytes | None:
        """Return the last message of a partition, None for none."""
        ...


class Dealer:
    """Deals one log. One at a time, by lease; a second one is a waste and no harm.

    Parameters
    ----------
    log : LogReader
    log_id : str
        What tells the log from every other.
    outlet : Outlet
    graph, plans
        As in `Folder`: for whom events are dealt.
    """

    def __init__(
        self, log: LogReader, log_id: str, outlet: Outlet, graph: ir.Graph, plans: Iterable[GroupPlan]
    ) -> None:
        self._log = log
        self._id = log_id
        self._outlet = outlet
        self.plan(graph, plans)
        newest = [outlet.newest(partition) for partition in range(outlet.partitions)]
        dealt = [decode(value, log_id) for value in newest if value is not None]
        self.next = min((each.last + 1 for each in dealt if each is not None), default=log.head())
        """The offset that is dealt next; in a new topic what comes from now on."""
        self._open(self.next)

    def plan(self, graph: ir.Graph, plans: Iterable[GroupPlan]) -> None:
        """Deal for these groups from now on."""
        self._sources = {source.name: source for source in graph.sources}
        self._routes: dict[str, list[Route]] = {}
        for route in sorted(routes_of(feed for plan in plans for feed in plan.feeds)):
            self._routes.setdefault(route.source, []).append(route)
        self._names = [route_name(route, self._sources) for routes in self._routes.values() for route in routes]

    def step(self) -> int:
        """Deal some events; return how many offsets were passed, 0 at the log's head.

        Raises
        ------
        UnreachableError
            Not all was taken; a later step deals it again.
        """
        start = self.next
        if start < (first := self._log.first()):
            return self._open(first)
        batch = self._log.read_batch(start, BATCH, list(self._routes))
        if batch.imported is not None:
            return self._open(batch.next)
        if batch.next > start:
            self._send(self._messages(batch.tables, start, batch.next - 1))
            self.next = batch.next
        return batch.next - start

    def _messages(self, tables: dict[str, object], first: int, last: int) -> list[list[bytes]]:
        shares = {
            source: deal(table, self._sources[source], self._routes[source], self._outlet.partitions)
            for source, table in tables.items()
        }
        return [
            encode(self._id, first, last, self._names, {source: of[k] for source, of in shares.items()})
            for k in range(self._outlet.partitions)
        ]

    def _open(self, offset: int) -> int:
        """Leave what is before an offset to whoever reads the log, and go on there."""
        self._send([[opening(self._id, offset)]] * self._outlet.partitions)
        passed, self.next = offset - self.next, offset
        return passed

    def _send(self, messages: Sequence[Sequence[bytes]]) -> None:
        values = [value for of in messages for value in of]
        self._outlet.send(values, [partition for partition, of in enumerate(messages) for _ in of])
