"""What a worker does for the handler: decisions and events in their time, explanations, its state and numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import nullcontext
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from tidewheel.collect.keeping.history import History
from tidewheel.collect.keeping.redactions import Redactions
from tidewheel.errors import ClockError, OverloadedError, TidewheelError
from tidewheel.serving.api.handler import Accepted
from tidewheel.serving.api.instants import text_of
from tidewheel.serving.deciding.answers import Answer, encode_answer
from tidewheel.serving.deciding.posted import Posted, decide_events, decide_posted
from tidewheel.serving.explain import explain
from tidewheel.serving.lookup import FeatureLookup
from tidewheel.serving.observing.exposition import prometheus
from tidewheel.serving.observing.log_metrics import log_lines
from tidewheel.serving.observing.metrics import Snapshot, read_snapshots
from tidewheel.serving.observing.model_metrics import model_gauges, triton_lines
from tidewheel.serving.observing.rollout_metrics import read_rollouts, rollout_lines
from tidewheel.serving.upkeep import Upkeep
from tidewheel.storage.log.records import BadRow, NewEvent, Outcome

if TYPE_CHECKING:
    from tidewheel.serving.deciding.desk import Served, Soon
    from tidewheel.serving.service import Serving
    from tidewheel.serving.steps import Steps

SMALL_BODY = 64 * 1024
"""Larger bodies of events are checked in a thread, so that decisions need not wait for them."""
SERVICES, BULK = "/v1/services/", ("/v1/events/", "/v1/features/", "/v2/models/")
USUAL_DEADLINE = 50_000
MOST_AWAITED = 1000
"""Decisions of one service that wait at the same time, so that a slow model does not take all the memory."""
MOST_NAMED = 1000
"""Quarantined rows that an answer names one by one."""


Coming = Answer | Exception | Awaitable[Answer]
"""An answer, why there is none, or what to await for it."""


class WorkerBackend:
    """Answers the handler from a :class:`~tidewheel.serving.service.Serving`.

    Parameters
    ----------
    serving : Serving
        The process's.
    steps : Steps, optional
        In a replay workspace.
    """

    def __init__(self, serving: Serving, steps: Steps | None = None) -> None:
        self.serving = serving
        self._steps = steps
        self._now = serving.stores.clock.now
        self._committed = serving.stores.settings.durability == "committed"
        self._features = FeatureLookup(lambda: serving.stores.state, lambda: serving.loader.graph)
        self._awaited: dict[str, int] = {}
        """Decisions under way, by service."""
        self.upkeep = Upkeep(serving.metrics)
        """What is done beside requests."""
        self.not_ready = "loading"

    def services(self) -> list[str]:
        """Return the services deployed here."""
        return sorted(self.serving.desk.services)

    def events(self) -> list[str]:
        """Return the event types taken here."""
        return sorted(self.serving.loader.sources)

    def features(self) -> list[str]:
        """Return the feature sets read here."""
        return self._features.names()

    def patience(self, path: str) -> int:
        """Return how long (ns) callers of a path wait; 0 where they are never refused.

        Of what is no decision it is half the shortest deadline, so that under overload decisions are refused last.
        """
        services = self.serving.desk.services
        if path.startswith(SERVICES):
            served = services.get(path[len(SERVICES) :])
            return 0 if served is None else served.decider.service.deadline * 1000
        if path and not path.startswith(BULK):
            return 0
        return min((served.decider.service.deadline for served in services.values()), default=USUAL_DEADLINE) * 500

    def read(self, features: str, body: bytes) -> bytes:
        """Return the features of some entities, from the live state."""
        return self._features.read(features, body, self._now())

    def decide(
        self, service: str, body: bytes, now: int | None, caller: str, began: int = 0, timeout: int = 0
    ) -> bytes | Awaitable[bytes]:
        """Decide one event: at once, but for a dear score, a replayed clock or an answer that waits for the disk."""
        if self._steps is not None:
            # The steps of all callers are taken in one order, which none of them may leave a hole in.
            return asyncio.shield(self._decide_in_step(service, body, now, caller))
        if now is not None:
            raise not_replayed()
        if self._awaited and (awaited := self._awaited.get(service)):
            self._check_room(service, awaited, began, timeout)
        answer = self._decide_now(service, body, caller, began, timeout)
        return self._encoded(service, answer)

    def _encoded(self, service: str, answer: Soon) -> bytes | Awaitable[bytes]:
        at_once = isinstance(answer, Answer) and not self._committed
        return encode_answer(answer) if at_once else self._answered(service, answer)

    def _decide_now(self, service: str, body: bytes, caller: str, began: int = 0, timeout: int = 0) -> Soon:
        try:
            return self.serving.desk.decide_json(service, body, self._now(), caller, began, timeout)
        except TidewheelError as error:
            self._count_refused(service, error)
            raise

    def decide_posted(self, posted: Sequence[Posted]) -> list[bytes | Exception | Awaitable[bytes]]:
        """Decide some bodies together, on the machine's clock; return the JSON of each answer, or why there is none."""
        answers: list[bytes | Exception | Awaitable[bytes]] = []
        for one, answer in zip(posted, decide_posted(self.serving.desk, posted, self._now()), strict=True):
            service = one.served.decider.service.name
            if isinstance(answer, Exception):
                if isinstance(answer, TidewheelError):
                    self._count_refused(service, answer)
                answers.append(answer)
            else:
                answers.append(self._encoded(service, answer))
        return answers

    @property
    def gathers(self) -> bool:
        """Whether what comes at about the same time may be decided together: nothing waits for a clock."""
        return self._steps is None

    def has_room(self, service: str) -> bool:
        """Whether another decision of a service may wait for its answer."""
        return not self._awaited or self._awaited.get(service, 0) < MOST_AWAITED

    def _check_room(self, service: str, awaited: int, began: int, timeout: int) -> None:
        """Refuse, before a look at the body, what would wait for its model until after its deadline.

        Raises
        ------
        OverloadedError
            It would, or too many wait already.
        """
        decider, now = self.serving.desk.served(service).decider, perf_counter_ns()
        until = (began or now) + (timeout or decider.service.deadline) * 1000
        if awaited < MOST_AWAITED and now + decider.predicted_wait() <= until:
            return
        error = OverloadedError(f"{awaited} decisions of {service} wait for its model", remedy="ask again in a second")
        self._count_refused(service, error)
        raise error

    def _count_refused(self, service: str, error: TidewheelError) -> None:
        known = service if service in self.serving.desk.services else ""
        self.serving.metrics.count("refused", known, type(error).__name__)

    async def _decide_in_step(self, service: str, body: bytes, now: int | None, caller: str) -> bytes:
        await self.settle(now)
        answer = self._decide_now(service, body, caller)
        # Nothing else happens meanwhile: a net's score depends, in its last bits, on the rows beside a row.
        return await self._answered(service, answer if isinstance(answer, Answer) else answer.wait())

    async def _answered(self, service: str, answer: Soon) -> bytes:
        """Wait for an answer that is under way, and for the disk where callers are promised that."""
        awaited = self._awaited
        awaited[service] = awaited.get(service, 0) + 1
        try:
            if not isinstance(answer, Answer):
                answer = await answer
            await self.on_disk()
            return encode_answer(answer)
        except TidewheelError as error:
            self._count_refused(service, error)
            raise
        finally:
            awaited[service] -= 1
            if not awaited[service]:
                del awaited[service]

    def now(self) -> int:
        """Return the workspace's instant."""
        return self._now()

    async def settle(self, now: int | None) -> None:
        """Bring a replayed clock to the caller's instant, with all before it folded; refuse an instant elsewhere."""
        if self._steps is not None:
            # The steps of all callers are taken in one order, which none of them may leave a hole in.
            await asyncio.shield(self._step(self._steps, now))
        elif now is not None:
            raise not_replayed()

    async def _step(self, steps: Steps, now: int | None) -> None:
        await steps.reach(now)
        await steps.settle()

    @property
    def stepped(self) -> bool:
        """Whether decisions of one instant belong together: nothing else may happen between them."""
        return self._steps is not None

    async def on_disk(self) -> None:
        """Wait until the decisions made so far are on the disk, where the workspace promises that."""
        if self._committed:
            # Others wait for the same future, so one that leaves must not cancel it.
            await asyncio.shield(asyncio.wrap_future(self.serving.desk.committed()))

    def decide_events(self, service: str, events: Sequence[NewEvent], caller: str, until: int = 0) -> list[Coming]:
        """Decide checked events of one service, on a settled clock, together as far as that goes.

        That answers are on the disk is the caller's business. Parameters are those of `Desk.decide`.

        Raises
        ------
        NotFoundError
            The service is not deployed.
        """
        desk, now = self.serving.desk, self._now()
        served = desk.served(service)
        if self._steps is None and served.plain:
            return list(decide_events(desk, served, events, now, caller, until))
        return [self._decide_event(served, event, now, caller, until) for event in events]

    def _decide_event(self, served: Served, event: NewEvent, now: int, caller: str, until: int) -> Coming:
        try:
            answer = self.serving.desk.decide(served, event, now, caller, until=until)
        except TidewheelError as error:
            return error
        return answer if self._steps is None or isinstance(answer, Answer) else answer.wait()

    async def append(self, event: str, body: bytes, now: int | None) -> Accepted:
        """Check events, put them in the log, and say what became of them; begun, it is finished, whoever leaves."""
        work = self._append(event, body, now)
        return await (work if self._steps is None else asyncio.shield(work))

    async def _append(self, event: str, body: bytes, now: int | None) -> Accepted:
        self.serving.source(event)
        if self._steps is not None:
            await self._steps.reach(now)
        told = Accepted()
        await self.append_piece(event, body, now, told)
        return told

    async def append_piece(self, event: str, body: bytes, now: int | None, told: Accepted, first: int = 0) -> int:
        """Log the rows of a body, add what became of them to `told`, and return how many they were.

        `first` is the number of the first row, where others came before.
        """
        self.serving.source(event)
        if self._steps is None and now is not None:
            raise not_replayed()
        with self._steps.appending() if self._steps is not None else nullcontext():
            if len(body) > SMALL_BODY:
                rows = await asyncio.to_thread(self.serving.check, event, body)
            else:
                rows = self.serving.check(event, body)
            outcomes = self._steps.append(rows) if self._steps is not None else None
            if outcomes is None:
                outcomes = await asyncio.shield(asyncio.wrap_future(self.serving.submit(rows)))
        self._tell(told, event, rows, outcomes, first)
        return len(rows)

    def _tell(
        self, told: Accepted, event: str, rows: list[NewEvent | BadRow], outcomes: list[Outcome], first: int
    ) -> None:
        before = told.accepted, told.duplicates
        for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True), first):
            if outcome.status == "logged":
                told.accepted += 1
            elif outcome.status == "duplicate":
                told.duplicates += 1
            elif len(told.quarantined) < MOST_NAMED:
                identity = row.id if isinstance(row, NewEvent) else ""
                told.quarantined.append({"row": number, "reason": outcome.reason, "id": identity})
        logged, known = told.accepted - before[0], told.duplicates - before[1]
        bad = len(rows) - logged - known
        for fate, by in (("accepted", logged), ("duplicate", known), ("quarantined", bad)):
            if by:
                self.serving.metrics.count("events", event, fate, by=by)

    async def explain(self, decision_id: str) -> object:
        """Tell one decision and replay it, in a thread: history is read for it."""
        return await asyncio.to_thread(self._explain, decision_id)

    def _explain(self, decision_id: str) -> object:
        stores = self.serving.stores
        # Made for each: what it reads of the lake is kept as long as it lives, and a worker's memory is for serving.
        history = History(stores.lake, stores.log, redactions=Redactions.read(stores.layout.erasures))
        return explain(self.serving.find(decision_id), stores, history)

    def ready(self) -> str:
        """Return why this worker is not ready; "" when it is."""
        return self.not_ready

    def numbers(self) -> Snapshot:
        """Return this worker's numbers of the moment."""
        serving = self.serving
        gauges = {
            "journal_unsynced_records": float(serving.journal.unsynced()),
            "journal_unsynced_bytes": float(serving.journal.unsynced_bytes()),
            "journal_sync_age_seconds": serving.journal.sync_age(),
            "decisions_in_flight": float(serving.desk.in_flight()),
            "events_waiting": float(serving.appender.waiting()),
            "stream_lag_events": float(serving.lag),
            "breakers_open": float(len(serving.builder.breakers.open())),
        }
        serving.metrics.gauges.update(gauges)
        serving.metrics.labelled.update(model_gauges(list(serving.desk.services.values())))
        return serving.metrics.snapshot(self._now())

    def metrics(self) -> bytes:
        """Return all workers' numbers, and the log's, for Prometheus."""
        stores = self.serving.stores
        snapshots = self.snapshots()
        rollouts = rollout_lines(read_rollouts(stores.layout.run), self._now())
        return prometheus(snapshots) + triton_lines(snapshots) + log_lines(stores.log.stats().types) + rollouts

    def snapshots(self) -> list[Snapshot]:
        """Return all workers' numbers."""
        return read_snapshots(self.serving.stores.layout.run, self.numbers())

    def status(self) -> object:
        """Return what is served, how fast, and what is wrong."""
        serving = self.serving
        snapshots = self.snapshots()
        return {
            "now": text_of(self._now()),
            "clock": serving.stores.settings.clock,
            "durability": serving.stores.settings.durability,
            "log": {"head": serving.stores.log.head(), "lag": serving.lag},
            "workers": [{"worker": snapshot.worker, **snapshot.gauges} for snapshot in snapshots],
            "services": {name: self._status_of(name, snapshots) for name in self.services()},
            "left_alone": serving.builder.breakers.open(),
            "error": serving.loader.error,
            "failing": self.upkeep.failing,
        }

    def _status_of(self, name: str, snapshots: list[Snapshot]) -> dict[str, Any]:
        decider = self.serving.desk.services[name].decider
        counted = {
            counter: sum(n for s in snapshots for labels, n in s.counters.get(counter, []) if labels[0] == name)
            for counter in ("decisions", "fallbacks", "retries", "explored")
        }
        latency = type(self.serving.metrics.histogram(name))()
        for snapshot in snapshots:
            if name in snapshot.latency:
                latency.add(snapshot.latency[name])
        return {
            "revision": decider.revision,
            "champion": "" if decider.champion is None else decider.champion.model,
            "challenger": "" if decider.challenger is None else decider.challenger.model,
            "killed": decider.killed,
            "damage": decider.damage,
            **counted,
            "latency_us": {f"p{round(q * 100)}": latency.quantile(q) for q in (0.5, 0.95, 0.99)},
        }


def not_replayed() -> ClockError:
    """Return the refusal of a caller's instant where the clock is the machine's."""
    return ClockError(
        "this workspace keeps the real time, and an instant was given",
        where="header tidewheel-now",
        remedy='leave the header out, or set clock = "replay" in tidewheel.toml for a workspace of its own',
    )
