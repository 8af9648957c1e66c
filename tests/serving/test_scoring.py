"""The scoring seam: scores that come later, too late or never, and several who wait for one decision."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.serving.shop import Shop, open_shop, payment, serving
from tests.serving.test_deciding import eventually, records

from tidewheel.errors import ServingError
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending, begin, settled
from tidewheel.serving.service import Serving


class Elsewhere:
    """A model in a thread of its own: it answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, Pending[float]]] = []

    def __call__(self, words: Any, until: int) -> Pending[float]:
        owed: Pending[float] = Pending(until)
        self.asked.append((float(words[-1]), owed))
        return owed

    def answer(self, number: int, score: float | Exception | None = None) -> None:
        """Answer the request `number`, from a thread that is not the caller's."""
        eventually(lambda: len(self.asked) > number)
        weight, owed = self.asked[number]
        give: Callable[[], None] = lambda: owed.finish(weight if score is None else score)  # type: ignore[arg-type]  # noqa: E731
        thread = threading.Thread(target=(lambda: owed.fail(score)) if isinstance(score, Exception) else give)
        thread.start()
        thread.join()


@contextmanager
def elsewhere(shop: Shop, deadline: str = "10s") -> Iterator[tuple[Serving, Elsewhere]]:
    """Serve two versions of which the champion's scores come later; the version before answers at once."""
    shop.deploy(shop.graph())
    shop.deploy(shop.graph(deadline=deadline))
    with serving(shop) as running:
        served, model = running.desk.services["Score"], Elsewhere()
        assert served.decider.champion is not None
        served.decider = replace(served.decider, champion=replace(served.decider.champion, scoring=model))
        yield running, model


def body(number: int, amount: float = 700.0) -> bytes:
    return f'{{"id":"p{number}","card":"c1","amount":{amount},"country":"SE"}}'.encode()


def test_a_score_that_comes_later_gives_the_answer_that_one_at_once_gives(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop, elsewhere(shop) as (running, model), ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(running.decide, "Score", payment(n, amount=700.0 + n)) for n in range(2)]
        model.answer(1)  # both are under way at once, and end in any order
        model.answer(0)
        answers = [future.result(10) for future in asked]
        assert sorted((answer.decision, answer.score, answer.model) for answer in answers) == [
            ("review", 0.7, "Fraud@2"),
            ("review", 0.701, "Fraud@2"),
        ]
        assert {record.event_id for record in records(shop.stores.layout.journal)} == {"p0", "p1"}


@pytest.mark.parametrize("late", [True, False])
def test_what_comes_after_the_deadline_is_dropped_and_the_chain_answers(tmp_path: Path, late: bool) -> None:
    with open_shop(tmp_path) as shop, elsewhere(shop, "100ms") as (running, model):
        answer = running.decide("Score", payment(1))
        assert (answer.decision, answer.score, answer.fallback) == ("allow", 0.1, "table")
        assert answer.reason.startswith("deadline: ")
        if late:
            model.answer(0, 0.99)
        assert model.asked[0][1].dropped
        assert running.decide("Score", payment(1)) == answer
        assert len(records(shop.stores.layout.journal)) == 1


def test_a_model_that_fails_later_is_answered_for_by_the_version_before(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop, elsewhere(shop) as (running, model), ThreadPoolExecutor(1) as threads:
        asked = threads.submit(running.decide, "Score", payment(1, amount=700.0))
        model.answer(0, ServingError("no net today"))
        answer = asked.result(10)
        assert (answer.score, answer.model, answer.fallback) == (0.7, "Fraud@1", "previous")
        assert answer.reason == "serving: no net today"


def test_one_event_in_flight_twice_is_decided_once(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop, elsewhere(shop) as (running, model), ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(running.decide, "Score", payment(1)) for _ in range(4)]
        eventually(lambda: running.metrics.total("retries") == 3)
        model.answer(0)
        assert len({future.result(10).decision_id for future in asked}) == 1
        assert len(model.asked) == len(records(shop.stores.layout.journal)) == 1


def test_who_gives_up_leaves_the_decision_to_those_who_wait_on(tmp_path: Path) -> None:
    async def ask(running: Serving, model: Elsewhere) -> None:
        backend = WorkerBackend(running)

        async def decide(number: int) -> bytes:
            answer = backend.decide("Score", body(number), None, "")
            assert not isinstance(answer, bytes)
            return await answer

        first, second = (asyncio.create_task(decide(1)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        model.answer(0)
        assert b'"score":0.7' in await second
        assert first.cancelled()
        alone = asyncio.create_task(decide(2))
        await asyncio.sleep(0)
        alone.cancel()
        await asyncio.sleep(0)
        assert model.asked[1][1].dropped  # nobody waits, so nothing is decided
        again = asyncio.create_task(decide(2))
        await asyncio.sleep(0)
        model.answer(2)
        assert b'"score":0.7' in await again

    with open_shop(tmp_path) as shop, elsewhere(shop) as (running, model):
        asyncio.run(ask(running, model))
        assert [record.event_id for record in records(shop.stores.layout.journal)] == ["p1", "p2"]


def test_on_a_loop_the_deadline_ends_the_wait(tmp_path: Path) -> None:
    async def ask(running: Serving) -> bytes:
        answer = WorkerBackend(running).decide("Score", body(1), None, "")
        assert not isinstance(answer, bytes)
        return await answer

    with open_shop(tmp_path) as shop, elsewhere(shop, "100ms") as (running, _model):
        assert b'"fallback":"table"' in asyncio.run(ask(running))


def test_parts_asked_together_run_together_and_what_is_forgotten_is_dropped() -> None:
    def both(parts: list[Pending[float]]) -> Any:
        async def mean() -> float:
            return sum([await part for part in parts]) / len(parts)

        return begin(mean())

    cheap: Pending[float] = Pending()
    cheap.finish(0.5)
    assert both([cheap, cheap]) == 0.5
    dear: Pending[float] = Pending(NO_DEADLINE)
    started = both([cheap, dear])
    assert started.waits_for is dear
    del started
    assert dear.dropped
    assert begin(settled(0.25)) == 0.25
