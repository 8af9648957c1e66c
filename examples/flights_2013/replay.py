"""Play events through the running service in step: what happened before an instant first, then that
instant's flights, all at once. The result does not depend on how fast the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from examples.flights_2013.client import Answer, Client

CONNECTIONS = 1
BATCH = 2_000


@dataclass
class Replayed:
    """What the caller saw: every answer, and how long each took."""

    decisions: dict[str, str] = field(default_factory=dict)
    """Decision id of each flight id that was answered."""
    refused: list[str] = field(default_factory=list)
    fallbacks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    """One instant: the events just before it, by type, and the flights to decide at it."""

    instant: int
    before: dict[str, list[dict[str, Any]]]
    flights: list[dict[str, Any]]


def steps(tables: dict[str, pa.Table], decided: str) -> Iterator[Step]:
    """Cut the tables at each distinct instant of the decided event type."""
    rows = {name: table.to_pylist() for name, table in tables.items()}
    at = {name: table["at"].to_numpy() for name, table in tables.items()}
    instants = np.unique(at[decided])
    cuts = {name: np.searchsorted(times, instants, side="left") for name, times in at.items()}
    ends = np.searchsorted(at[decided], instants, side="right")
    others = [name for name in tables if name != decided]
    done = dict.fromkeys(others, 0)
    for position, instant in enumerate(instants.tolist()):
        before: dict[str, list[dict[str, Any]]] = {}
        for name in others:
            until = int(cuts[name][position])
            if until > done[name]:
                before[name] = rows[name][done[name] : until]
                done[name] = until
        yield Step(instant, before, rows[decided][int(cuts[decided][position]) : int(ends[position])])


@dataclass(frozen=True)
class Requests:
    """What is posted at one step: the path and body of each, events before questions."""

    step: Step
    events: list[tuple[str, bytes]]
    questions: list[tuple[str, bytes]]

    @classmethod
    def of(cls, step: Step, service: str) -> Requests:
        """Encode a step."""
        events = [
            (f"/v1/events/{name}", msgspec.json.encode(rows[start : start + BATCH]))
            for name, rows in step.before.items()
            for start in range(0, len(rows), BATCH)
        ]
        return cls(step, events, [(f"/v1/services/{service}", msgspec.json.encode(row)) for row in step.flights])


async def replay(
    tables: dict[str, pa.Table], host: str, port: int, service: str, decided: str, progress: Callable[[int, int], None]
) -> Replayed:
    """Post every event and decide every flight through HTTP."""
    client = await Client.connect(host, port, CONNECTIONS)
    seen = Replayed()
    began = time.monotonic()
    total = tables[decided].num_rows
    try:
        prepared = (Requests.of(step, service) for step in steps(tables, decided))
        following, last = next(prepared, None), None
        while (requests := following) is not None:
            # Pipelined on one connection: the service answers in order, and decides when the events are folded.
            posted = [client.post(path, body, requests.step.instant) for path, body in requests.events]
            asked = [client.post(path, body, requests.step.instant) for path, body in requests.questions]
            # While the service is at work: the answers before these, and the requests after them.
            if last is not None:
                _note_answers(seen, *last)
                progress(len(seen.decisions), total)
            following = next(prepared, None)
            _note_events(seen, await asyncio.gather(*posted))
            last = requests.step, await asyncio.gather(*asked)
        if last is not None:
            _note_answers(seen, *last)
            progress(len(seen.decisions), total)
    finally:
        client.close()
    seen.seconds = time.monotonic() - began
    return seen


def _note_events(seen: Replayed, answers: list[Answer]) -> None:
    for answer in answers:
        if answer.status != 200 or msgspec.json.decode(answer.body).get("quarantined"):
            seen.refused.append(answer.body.decode())


def _note_answers(seen: Replayed, step: Step, answers: list[Answer]) -> None:
    for flight, answer in zip(step.flights, answers, strict=True):
        if answer.status != 200:
            seen.refused.append(answer.body.decode())
            continue
        body = msgspec.json.decode(answer.body)
        seen.decisions[flight["id"]] = body["decision_id"]
        seen.fallbacks += bool(body.get("fallback"))
