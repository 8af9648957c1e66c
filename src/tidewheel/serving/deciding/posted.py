"""Bodies that were posted to services at about the same time, decided in one go as far as that goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns
from typing import NamedTuple

from tidewheel.serving.deciding.arms import Verdict
from tidewheel.serving.deciding.desk import Asked, Desk, Served, Soon, one_event
from tidewheel.serving.deciding.together import Ask, decide_together
from tidewheel.storage.log.records import NewEvent

Decided = Soon | Exception
"""An answer, what to wait for it on, or why there is none: nobody else is to go without for that."""


class Posted(NamedTuple):
    """A body that was posted to a service.

    Attributes
    ----------
    served : Served
        The service.
    body : bytes
        One event as a JSON object.
    caller : str
        Who asks.
    started : int
        When it was asked, ns of the monotonic clock.
    until : int
        Its deadline, likewise.
    """

    served: Served
    body: bytes
    caller: str
    started: int
    until: int


def decide_posted(desk: Desk, posted: Sequence[Posted], now: int) -> list[Decided]:
    """Decide some bodies, each as `Desk.decide_json` does; return their answers in order."""
    return _decide_each(desk, [partial(_take, desk, one, now) for one in posted], now)


def decide_events(
    desk: Desk, served: Served, events: Sequence[NewEvent], now: int, caller: str, until: int = 0
) -> list[Decided]:
    """Decide some checked events of one service, each as `Desk.decide` does; return their answers in order."""
    started = perf_counter_ns()
    until = until or started + served.decider.service.deadline * 1000
    takes = [partial(desk.take, served, event, now, caller, started, 0, until) for event in events]
    return _decide_each(desk, takes, now)


def _decide_each(desk: Desk, takes: Sequence[Callable[[], Asked | Soon]], now: int) -> list[Decided]:
    if len(takes) == 1:
        return [_decide_alone(desk, takes[0])]
    answers: dict[int, Decided] = {}
    first: dict[bytes, tuple[int, Asked]] = {}
    again: list[tuple[int, Asked]] = []
    for number, take in enumerate(takes):
        try:
            taken = take()
        except Exception as error:
            answers[number] = error
            continue
        if not isinstance(taken, Asked):
            answers[number] = taken
        elif first.setdefault(taken.key, (number, taken))[0] != number:
            again.append((number, taken))
    for decider in {id(asked.decider): asked.decider for _, asked in first.values()}.values():
        _decide(desk, [(number, asked) for number, asked in first.values() if asked.decider is decider], now, answers)
    for number, asked in again:
        answers[number] = answers[first[asked.key][0]]
        desk.metrics.count("retries", asked.decider.service.name)
    return [answers[number] for number in range(len(takes))]


def _decide_alone(desk: Desk, take: Callable[[], Asked | Soon]) -> Decided:
    try:
        taken = take()
        return desk.decide_taken(taken) if isinstance(taken, Asked) else taken
    except Exception as error:
        return error


def _take(desk: Desk, one: Posted, now: int) -> Asked | Soon:
    begun = perf_counter_ns()
    event = one_event(one.served, one.body, now)
    decoding = perf_counter_ns() - begun
    return desk.take(one.served, event, now, one.caller, one.started, decoding, one.until)


def _decide(desk: Desk, taken: list[tuple[int, Asked]], now: int, answers: dict[int, Decided]) -> None:
    """Decide what came to one decider: together what can be, and what is left alone."""
    asks = [Ask(asked.event.id, asked.event.columns, asked.event.at, asked.until) for _, asked in taken]
    verdicts = decide_together(taken[0][1].decider, asks, now)
    decided = [(number, asked, verdict) for (number, asked), verdict in zip(taken, verdicts, strict=True) if verdict]
    if decided:
        answers.update(zip([number for number, _, _ in decided], _written(desk, decided), strict=True))
    for number, asked in taken:
        if number not in answers:
            try:
                answers[number] = desk.decide_taken(asked)
            except Exception as error:
                answers[number] = error


def _written(desk: Desk, decided: list[tuple[int, Asked, Verdict]]) -> Sequence[Decided]:
    try:
        return desk.write([(asked, verdict) for _, asked, verdict in decided])
    except Exception as error:
        return [error] * len(decided)
