"""The decisions that are asked for in one turn of the loop, made together at its end.

While a loop is busy requests queue in their sockets; the next poll reads them all. Decided one by one each would pay
for its own look into the store, its own calls of compiled code, its own write. An idle request waits for nothing: it
is alone in its turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter_ns
from typing import TYPE_CHECKING

from tidewheel.runtime.logs import log_fields
from tidewheel.serving.deciding.posted import Posted
from tidewheel.serving.transport.http import Owed, Response, failure

if TYPE_CHECKING:
    from tidewheel.serving.backend import WorkerBackend
    from tidewheel.serving.transport.admission import Admission

MOST_TOGETHER = 64
"""After so many it is seen whether the others have waited too long meanwhile."""


class Turn:
    """Gathers and decides.

    Parameters
    ----------
    backend : WorkerBackend
        What decides.
    admission : Admission
        Says what has waited too long.
    call_soon : callable
        The loop's: what it is given runs when the sockets of this poll were read.
    spawn : callable
        Runs a coroutine.
    """

    def __init__(
        self,
        backend: WorkerBackend,
        admission: Admission,
        call_soon: Callable[[Callable[[], None]], object],
        spawn: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        self._backend = backend
        self._admission = admission
        self._call_soon = call_soon
        self._spawn = spawn
        self._asked: list[tuple[Posted, Owed]] = []

    def ask(self, service: str, body: bytes, caller: str, began: int, timeout: int) -> Owed | None:
        """Return the answer that will be given at the end of the turn; None where one is decided by itself.

        That is where the service's are, and where log lines or a trace follow the request: they follow one call.
        Parameters are those of `Backend.decide`.
        """
        served = self._backend.serving.desk.services.get(service)
        if served is None or not served.plain or log_fields.get() or not self._backend.has_room(service):
            return None
        now = perf_counter_ns()
        until = (began or now) + (timeout or served.decider.service.deadline) * 1000
        owed = Owed()
        if not self._asked:
            self._call_soon(self._end)
        self._asked.append((Posted(served, body, caller, now, until), owed))
        return owed

    def _end(self) -> None:
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), MOST_TOGETHER):
            some = asked[start : start + MOST_TOGETHER]
            self._answer(some if not start else [one for one in some if not self._refuses(*one)])

    def _refuses(self, posted: Posted, owed: Owed) -> bool:
        waited, patience = perf_counter_ns() - posted.started, posted.until - posted.started
        late = self._admission.overdue(waited, patience)
        if late:
            owed.give(self._admission.refusal())
        return late

    def _answer(self, asked: list[tuple[Posted, Owed]]) -> None:
        try:
            outcomes = self._backend.decide_posted([posted for posted, _ in asked])
        except Exception as error:
            for _, owed in asked:
                owed.give(failure(error))
            return
        for (_, owed), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, bytes):
                owed.give(Response(200, outcome))
            elif isinstance(outcome, Exception):
                owed.give(failure(outcome))
            else:
                self._spawn(_later(outcome, owed))


async def _later(outcome: Awaitable[bytes], owed: Owed) -> None:
    try:
        answer = Response(200, await outcome)
    except Exception as error:
        answer = failure(error)
    owed.give(answer)
