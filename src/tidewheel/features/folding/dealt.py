"""Micro-batches that were dealt: a partition's own events, from a topic, in place of the whole log.

The log stays the truth. A message says which offsets it covers and by which routes its events were chosen, so a folder
sees what it already has, what is missing, and what was chosen for other groups than its own. What is missing it reads
from the log: history before dealing began, imports, events too large for a message, whatever a broker lost. So messages
may come twice, overlap, or not at all; what the states become is the same.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.features.folding.routes import Route, route_name
from tidewheel.features.folding.sources import LogSource, Piece, Together
from tidewheel.features.replay.history import Needs
from tidewheel.features.rows import Rows, rows_of

PLACE = "_dealt"
"""Name under which a partition notes, in place of an offset, where its topic is to be read from."""
PATIENCE = 5.0
"""Seconds after which events that the log has and nobody deals are read from the log."""
VERSION = 1
MOST_BYTES = 512 << 10
"""Bytes of events that go into one message: half of what brokers take by default."""
HOLDS = 64 << 20
"""Bytes beyond which an inbox asks for no more."""


class Dealt(msgspec.Struct, frozen=True, array_like=True):
    """A message: the events at offsets `first` to `last` that concern one partition, none left out.

    One that covers nothing (`last` is before `first`) says that the next one begins at `first`.
    """

    version: int
    log: str
    """Which log the offsets are of."""
    first: int
    last: int
    routes: list[str] = []
    tables: dict[str, bytes] = {}
    """Events by source, as Arrow streams; a source without events is left out."""


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Dealt)


def opening(log: str, first: int) -> bytes:
    """Return the message after which what comes begins at `first`: what lies before it is to be read from the log."""
    return _encode(Dealt(VERSION, log, first, first - 1))


def encode(log: str, first: int, last: int, routes: list[str], tables: Mapping[str, pa.Table]) -> list[bytes]:
    """Return the messages that cover some offsets, as many as it takes for none to be too large."""
    if sum(table.nbytes for table in tables.values()) <= MOST_BYTES:
        streams = {source: _stream(table) for source, table in tables.items() if len(table)}
        return [_encode(Dealt(VERSION, log, first, last, routes, streams))]
    if first == last:
        return [opening(log, last + 1)]
    middle = (first + last) // 2
    lower = {source: table.filter(pc.field("_offset") <= middle) for source, table in tables.items()}
    upper = {source: table.filter(pc.field("_offset") > middle) for source, table in tables.items()}
    return encode(log, first, middle, routes, lower) + encode(log, middle + 1, last, routes, upper)


def decode(value: bytes, log: str) -> Dealt | None:
    """Read a message; None for one of another log or of another form."""
    try:
        dealt = _decoder.decode(value)
    except msgspec.DecodeError:
        return None
    return dealt if dealt.version == VERSION and dealt.log == log else None


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


class _Held(NamedTuple):
    place: int
    size: int
    dealt: Dealt


class Inbox:
    """What came for one partition and is not folded yet.

    Parameters
    ----------
    log : str
        Which log is folded.
    place : int
        Where in the topic it begins.
    """

    def __init__(self, log: str, place: int = 0) -> None:
        self._log = log
        self._next = place
        self._held: deque[_Held] = deque()
        self._size = 0

    def put(self, place: int, value: bytes) -> None:
        """Take the message at a place of the topic."""
        self._next = place + 1
        dealt = decode(value, self._log)
        if dealt is not None:
            self._held.append(_Held(place, len(value), dealt))
            self._size += len(value)

    @property
    def full(self) -> bool:
        """Whether no more should come for now."""
        return self._size > HOLDS

    def drop(self, before: int) -> None:
        """Let go of what covers nothing from an offset on."""
        while self._held and self._held[0].dealt.last < before:
            self._size -= self._held.popleft().size

    def place(self, last: int) -> int:
        """Return from where on the topic holds all that came of what is after an offset."""
        return next((held.place for held in self._held if held.dealt.last > last), self._next)

    def run(self, start: int, below: int, most: int, routes: Iterable[Collection[str]]) -> tuple[list[Dealt], int]:
        """Return messages that cover what comes from `start` on, without a hole; or up to where the log has to be read.

        Parameters
        ----------
        below : int
            Leave out messages that reach so far.
        most : int
            How many offsets are enough.
        routes : iterable of collections of str
            A message must have been dealt by one of each.

        Returns
        -------
        tuple
            Messages and 0; or none, and the last offset that they miss, 0 where nothing has come.
        """
        run: list[Dealt] = []
        covered = start - 1
        for _, _, dealt in self._held:
            if dealt.last <= covered:
                continue
            hole = dealt.first - 1 if dealt.first > covered + 1 else 0
            if not hole and not all(any(name in dealt.routes for name in names) for names in routes):
                hole = dealt.last
            if hole:
                return run, 0 if run else hole
            if dealt.last >= below or covered - start >= most:
                break
            run.append(dealt)
            covered = dealt.last
        return run, 0


class DealtSource:
    """Micro-batches from an inbox, and from the log where that has none.

    Parameters
    ----------
    inbox : Inbox
    log : LogSource
    sources : mapping
        Declarations by name.
    batch : int
        How many offsets go into a micro-batch.
    """

    def __init__(self, inbox: Inbox, log: LogSource, sources: Mapping[str, ir.Source], *, batch: int) -> None:
        self._inbox = inbox
        self._log = log
        self._sources = sources
        self._batch = batch
        self._waits = (0, 0.0)
        """The offset that does not come, and since when."""

    def next(self, group: Together, start: int, until: int | None) -> Piece:
        """Return what comes next: dealt for the groups that are ahead of the others, which the log brings up to them.

        Nothing beyond what this host's copy of the log has: corrections look there at what came before them.
        """
        if until is not None:
            return self._log.next(group, start, until)
        self._inbox.drop(start)
        head = self._log.log.head()
        routes = [self._accepted(route) for route in group.routes]
        run, hole = self._inbox.run(start, head, self._batch, routes)
        if run:
            return Piece(run[-1].last, self._rows(group.needs, run, start))
        if hole or self._overdue(start, head):
            return self._log.next(group, start, hole or head - 1)
        return Piece(start - 1, {})

    def place(self, last: int) -> int:
        """Return where the topic is to be read from once all up to an offset is folded."""
        return self._inbox.place(last)

    def _accepted(self, route: Route) -> tuple[str, ...]:
        """Return the names by which a message may have been dealt: the route's own, or to every partition."""
        return route_name(route, self._sources), route.source

    def _overdue(self, start: int, head: int) -> bool:
        if start >= head or self._waits[0] != start:
            self._waits = (start, time.monotonic()) if start < head else (0, 0.0)
            return False
        return time.monotonic() - self._waits[1] >= PATIENCE

    def _rows(self, needs: Needs, run: list[Dealt], start: int) -> dict[str, Rows]:
        found: dict[str, list[pa.Table]] = {}
        covered = start - 1
        for dealt in run:
            for source in needs.columns.keys() & dealt.tables.keys():
                table = pa.ipc.open_stream(dealt.tables[source]).read_all()
                fresh = table if dealt.first > covered else table.filter(pc.field("_offset") > covered)
                if len(fresh):
                    found.setdefault(source, []).append(fresh)
            covered = dealt.last
        return {
            source: rows_of(
                pa.concat_tables(tables, promote_options="permissive"),
                self._sources[source],
                list(needs.columns[source]),
                ids=source in needs.identified,
            )
            for source, tables in found.items()
        }
