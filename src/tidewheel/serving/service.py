"""Serving in one process, wired: desk, loader, journal, appender over a workspace's stores.

A worker's event loop uses it, and so does a caller's own process through the workspace: the same code decides.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from time import perf_counter_ns
from typing import TYPE_CHECKING

from tidewheel.collect.appending.appender import Appender
from tidewheel.collect.appending.decision_index import DecisionIndex
from tidewheel.collect.checking.checks import row_check
from tidewheel.collect.checking.screening import screen_rows
from tidewheel.errors import OverloadedError, SchemaError
from tidewheel.runtime.doorbell import Carillon
from tidewheel.runtime.kill_switch import KillSwitch
from tidewheel.runtime.stores import Stores
from tidewheel.serving.api.arrow import arrow_rows, is_arrow
from tidewheel.serving.api.handler import unknown
from tidewheel.serving.deciding.answers import Answer
from tidewheel.serving.deciding.desk import Desk, decoded
from tidewheel.serving.find import Finder
from tidewheel.serving.loading.build import Builder
from tidewheel.serving.loading.loader import Loader
from tidewheel.serving.observing.metrics import Metrics
from tidewheel.serving.recent import Recent
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.writer import JournalWriter
from tidewheel.storage.log.records import BadRow, NewEvent, Outcome

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Source

DECISIONS = "decisions"
"""The lake's table of decisions."""
STREAM_BELLS = "stream"


class Serving:
    """Decides and takes events in this process.

    Parameters
    ----------
    stores : Stores
        The workspace's.
    role : str
        What kind of process this is: begins the name of its journal's writer.
    worker : int
        Which worker, for the metrics.
    hold : bool
        Whether the events that were decided on go to the log only when :class:`~tidewheel.serving.steps.Steps` says:
        in a replay workspace, where the decisions of one instant must not see each other.

    Examples
    --------
    ``Serving(stores).start().decide("Score", {"id": "t1", "card": "c42", "amount": 120.0}).decision``
    """

    def __init__(self, stores: Stores, *, role: str = "local", worker: int = 0, hold: bool = False) -> None:
        layout, settings = stores.layout, stores.settings
        self.stores = stores
        self.metrics = Metrics(worker)
        # Its journal's segments are named after the writer, and positions in a shared log after them.
        several = role != "local" and (settings.workers > 1 or settings.grpc_port > 0)
        self.recent = Recent(layout.recent, f"{role}-{stores.host}" if stores.host else role, several=several)
        self._bells = Carillon(layout.bells, STREAM_BELLS)
        self.journal = JournalWriter.open(layout.journal, self.recent.writer)
        self.index = DecisionIndex.open(layout.decisions)
        self.appender = Appender(
            stores.log,
            stores.clock.now,
            journal=None if hold else layout.journal,
            writer=self.recent.writer,
            index=None if hold else self.index,
            committed=None if hold else self.ring,
            limit=settings.max_lag,
        )
        self.finder = Finder(layout.journal, self.recent, self.index, self._in_lake)
        self.desk = Desk(self.journal, self.recent, self.finder, self.metrics, _nothing if hold else self.appender.ship)
        self.switch = KillSwitch(layout.kill_switch)
        self.builder = Builder(
            stores.catalog, stores.artifacts, lambda: stores.state, stores.log, self.switch, lambda: stores.scores
        )
        self.loader = Loader(stores.catalog, self.builder, self.desk, self.metrics, self.recent.refresh)
        self.lag = 0
        """Events that the stream has not folded yet; kept by whoever watches it."""
        self._one_at_a_time = threading.Lock()
        self._closed = False

    def start(self) -> Serving:
        """Load what is deployed, and begin to follow the pointers and to ship."""
        # What writers that are gone left unread; those that live are asked through their tables.
        self.index.catch_up(self.stores.layout.journal)
        self.loader.start()
        self.appender.start()
        return self

    def close(self) -> None:
        """Ship what is journalled, stop following, close the journal."""
        if self._closed:
            return
        self._closed = True
        self.loader.close()
        self.appender.close()
        self.journal.close()
        if self.desk.tracer is not None:
            self.desk.tracer.close()
        self.index.close()
        self.recent.close()
        self.switch.close()
        self._bells.close()

    # --- deciding ------------------------------------------------------------------------------

    def decide(self, service: str, event: Mapping[str, object] | bytes, caller: str = "") -> Answer:
        """Decide one event in the caller's thread.

        Parameters
        ----------
        service : str
            Which service is asked.
        event : mapping or bytes
            Columns by name (``at`` too when it did not happen just now), or a JSON object.
        caller : str
            Who asks; kept in the record.

        Raises
        ------
        NotFoundError
            The service is not deployed.
        SchemaError
            The event does not fit its declaration.
        StorageError
            The decision could not be written down.
        """
        started = perf_counter_ns()
        with self._one_at_a_time:
            now = self.stores.clock.now()
            if isinstance(event, bytes):
                answer = self.desk.decide_json(service, event, now, caller)
            else:
                served = self.desk.served(service)
                checked = served.check.check(event, now=now)
                if isinstance(checked, BadRow):
                    raise SchemaError(checked.reason, where=f"{served.source.name} for service {service}")
                answer = self.desk.decide(served, checked, now, caller, started)
        if not isinstance(answer, Answer):
            answer = answer.wait(self._one_at_a_time)
        if self.stores.settings.durability == "committed":
            self.journal.commit()
        return answer

    def find(self, decision_id: str) -> DecisionRecord:
        """Return a decision's record by its id.

        Raises
        ------
        NotFoundError
            There is none.
        """
        return self.finder.by_id(decision_id)

    # --- events --------------------------------------------------------------------------------

    def source(self, event: str) -> Source:
        """Return the declaration of an event type.

        Raises
        ------
        NotFoundError
            Neither the live definitions nor a deployed service know it.
        """
        found = self.loader.sources.get(event)
        if found is None:
            raise unknown("event type", event, list(self.loader.sources))
        return found

    def check(self, event: str, body: bytes) -> list[NewEvent | BadRow]:
        """Check one event or many, JSON or Arrow; each row comes out as an event or with the reason why not."""
        check, read = row_check(self.source(event)), arrow_rows if is_arrow(body) else decoded
        return read(check, body, self.stores.clock.now(), f"POST /v1/events/{event}")

    def submit(self, rows: Sequence[NewEvent | BadRow]) -> Future[list[Outcome]]:
        """Hand checked rows to the log; the future gives what became of each.

        Raises
        ------
        OverloadedError
            Too many wait for the log, or the stream lags too far behind it.
        """
        most = self.stores.settings.max_lag
        if self.lag > most:
            raise OverloadedError(
                f"{self.lag} events wait to be folded into features, at most {most} may",
                remedy="send more slowly, or again in a second; `tidewheel log status` shows the lag",
            )
        sources = self.loader.sources
        if any(source.expects for source in sources.values()):
            rows = screen_rows(rows, sources, self.stores.clock.now())
        return self.appender.submit(rows)

    def ring(self, _head: int) -> None:
        """Wake the stream workers."""
        self._bells.ring()

    def state_ids(self) -> set[str]:
        """Return the states that the loaded versions read."""
        deciders = [served.decider for served in list(self.desk.services.values())]
        arms = [arm for decider in deciders for arm in (decider.champion, decider.challenger) if arm is not None]
        readers = [*(arm.reader for arm in arms), *(arm.lists for arm in arms if arm.lists is not None)]
        return {state_id for reader in readers for state_id in getattr(reader, "state_ids", ())}

    def _in_lake(self, decision_id: str) -> DecisionRecord | None:
        import pyarrow.compute as pc

        from tidewheel.storage.journal.decisions import date_of, time_of
        from tidewheel.storage.journal.rows import from_arrow

        if not is_decision_id(decision_id) or not self.stores.lake.exists(DECISIONS):
            return None
        day = date_of(time_of(decision_id))
        # The day is the id's, to the millisecond; the arrival that partitions go by is the same instant.
        where = (pc.field("_date") == day) & (pc.field("decision_id") == decision_id)
        records = from_arrow(self.stores.lake.scan(DECISIONS, where=where, among=[("_date", "=", day)]))
        return records[0] if records else None


def is_decision_id(text: str) -> bool:
    """Return whether a text looks like a decision's id: 26 characters of Crockford's base 32."""
    return len(text) == 26 and not set(text) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def _nothing() -> None:
    """Leave the journal to be shipped later."""
