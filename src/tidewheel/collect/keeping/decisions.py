"""All decisions: those in the lake, and the journal's tail that is not there yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.appending.decision_index import DecisionIndex, read_place
from tidewheel.collect.appending.shipping import POSITION
from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.storage.journal.decisions import DecisionRecord, date_of, decode_decision
from tidewheel.storage.journal.rows import from_arrow, lake_schema, to_arrow
from tidewheel.storage.journal.segments import list_segments, read_segment
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.protocols import Bound

TABLE = "decisions"
_RECORDS_AT_ONCE = 1_000


class Decisions:
    """Reads decisions wherever they stand. Safe to share between threads.

    Parameters
    ----------
    lake : Lake
    journal : Path
        The decision journal's folder.
    index : DecisionIndex, optional
        Finds one decision at once; without it the journal and the lake are searched.
    """

    def __init__(self, lake: Lake, journal: Path, index: DecisionIndex | None = None) -> None:
        self._lake = lake
        self._journal = journal
        self._index = index

    def scan(
        self,
        columns: Sequence[str] | None = None,
        *,
        service: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> pa.Table:
        """Read decisions, ordered by decision id, which is the order of time.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns of the lake's ``decisions`` table (`storage.journal.rows.lake_schema`); all when not given.
        service : str, optional
            Only this service's.
        since, until : int, optional
            Only decisions on events that arrived in ``[since, until)``, microseconds.

        Returns
        -------
        pyarrow.Table
        """
        names = list(columns) if columns is not None else lake_schema().names
        read = list(dict.fromkeys([*names, "decision_id"]))
        # The tail before the lake: what is flushed in between is met twice, and known by its id.
        tail = self._tail(service, since, until, read)
        stored = self._stored(read, _filter(service, since, until), _days(since, until))
        new = pc.invert(pc.is_in(tail["decision_id"], stored["decision_id"].combine_chunks()))
        return pa.concat_tables([stored, tail.filter(new)]).sort_by("decision_id").select(names)

    def get(self, decision_id: str) -> DecisionRecord:
        """Return one decision.

        Raises
        ------
        NotFoundError
            There is no such decision.
        """
        found = self._indexed(decision_id) or self._searched(pc.field("decision_id") == decision_id)
        if found is None:
            raise NotFoundError(
                f"no decision {decision_id!r}", remedy="ids are in the answers, and in `tidewheel report`"
            )
        return found

    def on_event(self, service: str, event_id: str) -> DecisionRecord | None:
        """Return the first decision of a service on an event, or None."""
        if self._index is not None:
            decision_id = self._index.decision_on(service, event_id)
            if decision_id is not None:
                return self.get(decision_id)
        return self._searched((pc.field("service") == service) & (pc.field("event_id") == event_id))

    def _indexed(self, decision_id: str) -> DecisionRecord | None:
        place = self._index.find(decision_id) if self._index is not None else None
        found = read_place(self._journal, place) if place is not None else None
        return found if found is not None and found.decision_id == decision_id else None

    def _searched(self, where: pc.Expression) -> DecisionRecord | None:
        tail = self._tail(None, None, None).filter(where)
        found = from_arrow(tail if len(tail) else self._stored(lake_schema().names, where))
        return min(found, key=lambda record: record.decision_id, default=None)

    def _stored(self, names: list[str], where: pc.Expression | None, among: Sequence[Bound] = ()) -> pa.Table:
        schema = pa.schema([lake_schema().field(name) for name in names])
        if not self._lake.exists(TABLE):
            return schema.empty_table()
        return self._lake.scan(TABLE, names, where=where, among=among).cast(schema)

    def _tail(
        self, service: str | None, since: int | None, until: int | None, names: Sequence[str] | None = None
    ) -> pa.Table:
        wanted = None if names is None else frozenset(names)
        chosen = (
            record
            for path in list_segments(self._journal)
            for record in self._unflushed(path, wanted)
            if (service is None or record.service == service)
            and (since is None or record.arrived >= since)
            and (until is None or record.arrived < until)
        )
        # Made columns a piece at a time: many records held at once keep Python's collector of garbage busy.
        parts = [to_arrow([], names)]
        while records := list(islice(chosen, _RECORDS_AT_ONCE)):
            parts.append(to_arrow(records, names))
        return pa.concat_tables(parts)

    def _unflushed(self, path: Path, names: frozenset[str] | None) -> Iterator[DecisionRecord]:
        # A segment deleted meanwhile is in the lake; of a damaged one, what comes before the damage is given.
        with contextlib.suppress(NotFoundError, CorruptError):
            for _, _, payload in read_segment(path, self._lake.position(TABLE, POSITION + path.stem)):
                yield decode_decision(payload, names)


def _days(since: int | None, until: int | None) -> list[Bound]:
    first: list[Bound] = [("_date", ">=", date_of(since))] if since is not None else []
    return first + ([("_date", "<=", date_of(until))] if until is not None else [])


def _filter(service: str | None, since: int | None, until: int | None) -> pc.Expression | None:
    parts = []
    if service is not None:
        parts.append(pc.field("service") == service)
    if since is not None:
        parts.append(pc.field("arrived") >= since)
    if until is not None:
        parts.append(pc.field("arrived") < until)
    where = None
    for part in parts:
        where = part if where is None else where & part
    return where
