"""The desk: takes an event, has it decided, and lets the answer out only when its record is written.

One desk serves a process: a worker's event loop, or a caller's own process through the workspace. Deciding is
the ingestion of the event: it goes to the log by way of the journal, once, by its id.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from tidewheel.collect.appending.decision_index import event_key
from tidewheel.collect.checking.checks import RowCheck, row_check
from tidewheel.errors import SchemaError
from tidewheel.serving.api.handler import unknown
from tidewheel.serving.deciding.answers import Answer, answer_of, record_of
from tidewheel.serving.deciding.arms import Verdict
from tidewheel.serving.deciding.decider import Decider
from tidewheel.serving.deciding.flight import Flight
from tidewheel.serving.deciding.keeping import leave_out
from tidewheel.serving.deciding.together import is_plain
from tidewheel.storage.journal.decisions import DecisionIds, DecisionRecord, encode_decision
from tidewheel.storage.log.records import FUTURE_ALLOWED, BadRow, NewEvent, too_far_ahead

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from tidewheel.definitions.ir import Source
    from tidewheel.serving.find import Finder
    from tidewheel.serving.observing.metrics import Metrics
    from tidewheel.serving.observing.tracing import Tracer
    from tidewheel.serving.recent import Recent
    from tidewheel.storage.journal.writer import JournalWriter

log = logging.getLogger("tidewheel.serving")

MOST_REMEMBERED = 20_000
"""Answers kept in memory, for callers who ask again at once: the newest, at least half as many."""

Ship = Callable[[], None]
"""Says that the journal has grown: its events are to go to the log."""


Soon = Answer | Flight[Answer]
"""An answer, or the flight that will give it: awaited on a loop, waited for in a thread."""


class Asked(NamedTuple):
    """One request for a decision, while it is answered."""

    decider: Decider
    event: NewEvent
    key: bytes
    now: int
    caller: str
    started: int
    decoding: int
    until: int
    span: Span | None = None


class Served:
    """A service as the desk holds it: its source's check and the decider of the moment.

    Attributes
    ----------
    plain : bool
        What comes in one turn of a loop may be decided together.
    """

    __slots__ = ("check", "decider", "plain", "source")

    def __init__(self, decider: Decider, source: Source) -> None:
        self.decider = decider
        self.source = source
        self.check = row_check(source)
        self.plain = is_plain(decider)


class Desk:
    """Decides, journals, remembers, ships.

    Parameters
    ----------
    journal : JournalWriter
        Where records go before answers leave.
    recent : Recent
        The shared tables of where the newest decisions stand.
    finder : Finder
        Finds the decisions made before.
    metrics : Metrics
        Counts.
    ship : callable
        Is told that the journal has grown.
    """

    def __init__(self, journal: JournalWriter, recent: Recent, finder: Finder, metrics: Metrics, ship: Ship) -> None:
        self.services: dict[str, Served] = {}
        self.journal = journal
        self.recent = recent
        self.finder = finder
        self.metrics = metrics
        self._ship = ship
        self.decided = 0
        self.tracer: Tracer | None = None
        """Where traces are exported to; None where they are not."""
        self._ids = DecisionIds()
        self._answers: dict[bytes, Answer] = {}
        self._older: dict[bytes, Answer] = {}
        self._flights: dict[bytes, Flight[Answer]] = {}
        self._warned: set[str] = set()

    def served(self, service: str) -> Served:
        """Return a service by name.

        Raises
        ------
        NotFoundError
            It is not deployed; the error names the likely one.
        """
        found = self.services.get(service)
        if found is None:
            raise unknown("deployed service", service, list(self.services))
        return found

    def decide_json(
        self, service: str, body: bytes, now: int, caller: str = "", began: int = 0, timeout: int = 0
    ) -> Soon:
        """Decide the event in a JSON body, and return the answer, or what to wait for it on.

        Parameters
        ----------
        service : str
            Which service is asked.
        body : bytes
            One event as a JSON object.
        now : int
            The workspace's instant.
        caller : str
            Who asks; kept in the record.
        began : int
            When the request began to come, ns of the monotonic clock: the deadline counts from there; 0 for just now.
        timeout : int
            Microseconds that the caller gives the answer; 0 for the service's deadline.

        Raises
        ------
        NotFoundError
            No such service.
        SchemaError
            The event does not fit its declaration; nothing was decided.
        StorageError
            The record could not be written, so there is no answer to give.
        """
        started, served = perf_counter_ns(), self.served(service)
        event = one_event(served, body, now)
        until = (began or started) + (timeout or served.decider.service.deadline) * 1000
        return self.decide(served, event, now, caller, started, until)

    def decide(
        self, served: Served, event: NewEvent, now: int, caller: str = "", started: int = 0, until: int = 0
    ) -> Soon:
        """Decide one checked event, and return the answer; a flight to wait on while its score is under way.

        An event whose decision is under way is not decided twice: who asks again waits for the same.

        Raises
        ------
        NotFoundError, SchemaError, StorageError
            As :meth:`decide_json`.
        """
        started = started or perf_counter_ns()
        until = until or started + served.decider.service.deadline * 1000
        taken = self.take(served, event, now, caller, started, perf_counter_ns() - started, until)
        return self.decide_taken(taken) if isinstance(taken, Asked) else taken

    def take(
        self, served: Served, event: NewEvent, now: int, caller: str, started: int, decoding: int, until: int
    ) -> Asked | Soon:
        """Return what is to be decided, or the answer where it was before, or is under way.

        Raises
        ------
        SchemaError
            The event lies too far ahead of the clock.
        """
        service = served.decider.service.name
        if event.at > now + FUTURE_ALLOWED:
            raise SchemaError(
                too_far_ahead("at: its time is ahead of the clock", event.at - now),
                where=f"{event.type} {event.id}",
                remedy="send when it happened, in UTC or with a zone",
            )
        key = event_key(service, event.id)
        again = self._answers.get(key) or self._older.get(key) or self._flights.get(key)
        again = again or self._again(service, event, key)
        if again is not None:
            self.metrics.count("retries", service)
            return again
        span = None if self.tracer is None else self.tracer.current()
        return Asked(served.decider, event, key, now, caller, started, decoding, until, span)

    def decide_taken(self, asked: Asked) -> Soon:
        """Decide what was taken; returns and raises as :meth:`decide`."""
        event, now, key = asked.event, asked.now, asked.key
        verdict = asked.decider.decide(event.id, event.columns, now, min(event.at, now), asked.until)
        if isinstance(verdict, Verdict):
            return self._write_one(asked, verdict)
        flight = Flight(self._write_later(asked, verdict), lambda: self._flights.pop(key, None))
        if not flight.done:
            self._flights[key] = flight
        return flight

    async def _write_later(self, asked: Asked, verdict: Awaitable[Verdict]) -> Answer:
        return self._write_one(asked, await verdict)

    def _write_one(self, asked: Asked, verdict: Verdict) -> Answer:
        record = self._record(asked, verdict)
        place = self.journal.append(encode_decision(record))
        self._ship()
        return self._answer(asked, verdict, record, place)

    def write(self, decided: Sequence[tuple[Asked, Verdict]]) -> list[Answer]:
        """Write decisions down, in one go, and return their answers.

        Raises
        ------
        StorageError
            They could not be written: none of them has an answer.
        """
        records = [self._record(asked, verdict) for asked, verdict in decided]
        places = self.journal.append_all([encode_decision(record) for record in records])
        self._ship()
        return [
            self._answer(asked, verdict, record, place)
            for (asked, verdict), record, place in zip(decided, records, places, strict=True)
        ]

    def _record(self, asked: Asked, verdict: Verdict) -> DecisionRecord:
        decider, event, now = asked.decider, asked.event, asked.now
        spent = [asked.decoding, verdict.features_ns, verdict.rules_ns, verdict.model_ns]
        spent.append(perf_counter_ns() - asked.started - sum(spent))
        if decider.service.keep_rows < 1.0:
            leave_out(verdict, decider.service.keep_rows, event.id)
        unit = decider.unit_of(event.id, event.columns)
        name, identity = decider.service.name, self._ids.new(now)
        record = record_of(identity, name, unit, event, verdict, now=now, caller=asked.caller, timings=spent)
        if verdict.resent:
            record.resent = verdict.resent
        if verdict.item_scores:
            record.item_scores = verdict.item_scores
        if asked.span is not None:
            record.trace = f"{asked.span.get_span_context().trace_id:032x}"
        return record

    def _answer(self, asked: Asked, verdict: Verdict, record: DecisionRecord, place: tuple[str, int]) -> Answer:
        """Return the answer of a decision that was written down; remember it, and count it."""
        if not self.recent.alone:
            self.recent.put(asked.key, *place)
        self.decided += 1
        answer = answer_of(record)
        self._remember(asked.key, answer)
        ended = perf_counter_ns()
        self._count(asked, record, verdict, ended - asked.started)
        if asked.span is not None and self.tracer is not None:
            self.tracer.decided(asked.span, record, asked.started, ended)
        return answer

    def in_flight(self) -> int:
        """Return how many decisions wait for their score."""
        return len(self._flights)

    def committed(self) -> Future[None]:
        """Return what is done when every decision made so far is on the disk."""
        return self.journal.committed()

    def _again(self, service: str, event: NewEvent, key: bytes) -> Answer | None:
        """Return the answer that the event was given before, here or by another worker."""
        record = self.finder.by_event(service, event.id, key)
        if record is None:
            return None
        answer = answer_of(record)
        self._remember(key, answer)
        return answer

    def _remember(self, key: bytes, answer: Answer) -> None:
        # By halves: to drop the oldest entry of a dict each time, it would be searched past all that was dropped.
        self._answers[key] = answer
        if 2 * len(self._answers) >= MOST_REMEMBERED:
            self._older, self._answers = self._answers, {}

    def _count(self, asked: Asked, record: DecisionRecord, verdict: Verdict, ns: int) -> None:
        metrics, service = self.metrics, record.service
        metrics.decided(service, verdict.model, verdict.decision, ns, record.timings)
        if verdict.stored is not None:
            metrics.count("stored", service, verdict.stored.kind)
        if verdict.resent:
            metrics.count("resent", service, verdict.resent)
        if verdict.explored:
            metrics.count("explored", service)
        if verdict.cached or verdict.missed:
            outcome = "hit" if verdict.cached else "miss"
            metrics.count("cache", service, outcome)
            metrics.count("model_cache", verdict.model, outcome)
        if verdict.fallback:
            kind = verdict.reason.partition(":")[0]
            metrics.count("fallbacks", service, verdict.fallback, kind)
            if (arm := asked.decider.arm_of(record.unit)) is not None and arm.model:
                metrics.count("model_failures", arm.model, kind)
            if verdict.reason not in self._warned and len(self._warned) < 1000:
                self._warned.add(verdict.reason)
                told = {"decision_id": record.decision_id, "service": service}
                log.warning("%s fell back to %s: %s", service, verdict.fallback, verdict.reason, extra=told)


def decoded(check: RowCheck, body: bytes, now: int, origin: str = "") -> list[NewEvent | BadRow]:
    """Return a body's rows, checked.

    Raises
    ------
    SchemaError
        It is nested so deeply that it can't be looked at row by row.
    """
    try:
        return check.decode(body, now=now, origin=origin)
    except RecursionError as error:
        raise SchemaError("JSON nested too deeply", remedy="an event is one flat object") from error


def one_event(served: Served, body: bytes, now: int) -> NewEvent:
    """Return the one event of a body.

    Raises
    ------
    SchemaError
        It has another number of events, or its event does not fit its declaration.
    """
    rows, service = decoded(served.check, body, now), served.decider.service.name
    if len(rows) != 1:
        raise SchemaError(
            f"{len(rows)} events in one request", where=f"service {service}", remedy="post one event at a time"
        )
    event = rows[0]
    if isinstance(event, BadRow):
        raise SchemaError(event.reason, where=f"{served.source.name} for service {service}")
    return event
