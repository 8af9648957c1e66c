"""Kept scores: the same as made ones, made once, gone with their version, and told of in the records."""

from __future__ import annotations

from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.shop import BY_HUNDRED, Shop, open_shop, payment, service_of, serving
from tests.serving.test_deciding import eventually, records
from tests.serving.test_scoring import Elsewhere

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import ServingError
from tidewheel.serving.deciding.caching import CachedScoring, Hit, Kept
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending, begin
from tidewheel.serving.explain import explain


def cached_graph(shop: Shop, cache: ir.Cache, weight: str = "return amount / 1000") -> ir.Graph:
    graph = shop.graph(weight)
    service = msgspec.structs.replace(service_of(graph, "Score"), cache=cache)
    return msgspec.structs.replace(graph, services=tuple(service if s.name == "Score" else s for s in graph.services))


EXACT, AGED = ir.Cache(), ir.Cache(3_600_000_000, ("card",))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, -0.0, 1.5, float("nan")])), max_size=60),
    st.integers(2, 8),
)
def test_a_kept_score_is_the_score(asked: list[tuple[int, float]], most: int) -> None:
    def scoring(words: Any, until: int) -> float:
        return float(words[0] * 2 + (0.0 if np.isnan(words[1]) else words[1]))

    cached = CachedScoring(scoring, most)
    for number, second in asked:
        words = np.array([float(number), second])
        assert cached(words, NO_DEADLINE) == scoring(words, NO_DEADLINE)
    assert len(cached.kept) <= most


class Later:
    """A model that owes its scores until it is told to give them; it fails on demand."""

    def __init__(self) -> None:
        self.owed: list[tuple[float, Pending[float]]] = []

    def __call__(self, words: Any, until: int) -> Awaitable[float]:
        self.owed.append((float(words[0]), Pending(until)))
        return self.owed[-1][1]


class Asking:
    """One who asks, and goes on when what it waits for is there."""

    def __init__(self, cached: CachedScoring, value: float) -> None:
        async def ask() -> float:
            told = cached(np.array([value]), NO_DEADLINE)
            return told if isinstance(told, float) else await told

        self.value, self.steps, self.told, self.error = value, ask(), None, None
        self.on: Pending[Any] | None = None
        self.go_on()

    def go_on(self) -> None:
        try:
            self.on = self.steps.send(None)
        except StopIteration as stop:
            self.told, self.on = stop.value, None
        except ServingError as error:
            self.error, self.on = error, None


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["stay", "stay", "leave"])), min_size=1, max_size=12),
    st.data(),
)
def test_many_who_ask_at_once_are_answered_by_one_computation(
    asked: list[tuple[int, str]], data: st.DataObject
) -> None:
    model = Later()
    cached = CachedScoring(model)
    asking = [(Asking(cached, float(number)), fate) for number, fate in asked]
    assert len(model.owed) == len({number for number, _ in asked})  # each is computed once
    for one, fate in asking:
        if fate == "leave":
            one.steps.close()
            one.on = None
    answered = 0
    while waiting := [one for one, _ in asking if one.on is not None]:
        for value, owed in model.owed[answered:]:
            answered += 1
            if data.draw(st.booleans()):
                owed.finish(value * 3)
            else:
                owed.fail(ServingError("not now"))
        ready = [one for one in waiting if one.on is not None and one.on.done]
        assert ready  # nobody waits for what will never come
        for one in ready:
            one.go_on()
    for one, fate in asking:
        assert fate == "leave" or one.error is not None or one.told == one.value * 3
    assert not cached._making


def test_scores_are_kept_by_input_and_the_records_say_so(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = cached_graph(shop, EXACT)
        shop.deploy(graph)
        with serving(shop) as running:
            answers = [running.decide("Score", payment(n, card=f"c{n}", amount=700.0)) for n in range(2)]
            answers.append(running.decide("Score", payment(2, amount=800.0)))
            assert [answer.score for answer in answers] == [0.7, 0.7, 0.8]
            assert [record.cached for record in records(shop.stores.layout.journal)] == [False, True, False]
            assert (running.metrics.total("cache", "Score", "hit"), running.metrics.total("cache")) == (1, 3)
            running.appender.flush()
            explained = explain(
                running.find(answers[1].decision_id), shop.stores, History(shop.stores.lake, shop.stores.log)
            )
            assert explained.cached
            assert explained.replay.equal
            assert explained.replay.score_equal
        # A new version begins with nothing kept.
        with serving(shop) as running:
            shop.deploy(cached_graph(shop, EXACT, BY_HUNDRED))
            eventually(lambda: running.desk.services["Score"].decider.revision == 2)
            answer = running.decide("Score", payment(9, amount=7.0))
            assert (answer.score, answer.model) == (0.07, "Fraud@2")
            shop.deploy(graph, model="Fraud@1")
            eventually(lambda: running.desk.services["Score"].decider.revision == 3)
            assert running.decide("Score", payment(10, amount=7.0)).score == 0.007


def test_an_entitys_score_may_be_of_an_age(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(cached_graph(shop, AGED))
        with serving(shop) as running:
            first = running.decide("Score", payment(1, card="c1", amount=700.0))
            second = running.decide("Score", payment(2, card="c1", amount=100.0))
            other = running.decide("Score", payment(3, card="c2", amount=100.0))
            assert [answer.score for answer in (first, second, other)] == [0.7, 0.7, 0.1]
            one, two, three = records(shop.stores.layout.journal)
            assert [one.cached, two.cached, three.cached] == [False, True, False]
            # The record holds the row that was scored, with its own instant, so it replays.
            assert (two.features, two.instant, two.inputs["amount"]) == (one.features, one.instant, 100.0)
            running.appender.flush()
            told = explain(running.find(second.decision_id), shop.stores, History(shop.stores.lake, shop.stores.log))
            assert told.replay.score_equal


def test_what_is_too_old_is_read_again(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(cached_graph(shop, ir.Cache(1, ("card",))))
        with serving(shop) as running:
            scores = [running.decide("Score", payment(n, amount=100.0 * n)).score for n in (1, 2)]
            assert scores == [0.1, 0.2]


def test_rules_see_the_event_at_hand_though_the_score_is_kept(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = cached_graph(shop, AGED)
        shop.deploy(graph)
        for number in range(25):
            shop.stores.log.append([_event(number)], now=shop.stores.clock.now())
        with serving(shop) as running:
            assert running.decide("Score", payment(100, amount=700.0)).rule == ""
            running.appender.flush()
            shop.fold(graph)
            answer = running.decide("Score", payment(101, amount=1.0))
            assert (answer.rule, answer.decision, answer.score) == ("burst", "block", None)


def _event(number: int) -> Any:
    import time

    from tidewheel.storage.log.records import NewEvent

    at = time.time_ns() // 1000
    return NewEvent("Payment", f"e{number}", at, {"id": f"e{number}", "card": "c1", "amount": 1.0, "country": "SE"}, at)


def test_a_dear_model_is_asked_once_for_what_many_ask_at_once(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop, ThreadPoolExecutor(4) as threads:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            served, model = running.desk.services["Score"], Elsewhere()
            assert served.decider.champion is not None
            champion = replace(served.decider.champion, scoring=CachedScoring(model))
            served.decider = replace(served.decider, champion=champion)
            asked = [threads.submit(running.decide, "Score", payment(n)) for n in range(4)]
            eventually(lambda: len(running.desk._flights) == 4)
            model.answer(0)
            assert {future.result(10).score for future in asked} == {0.1}
            assert len(model.asked) == 1
            cached = sorted(record.cached for record in records(shop.stores.layout.journal))
            assert cached == [False, True, True, True]


def test_a_number_that_is_none_is_not_kept() -> None:
    cached = CachedScoring(lambda words, until: float("nan"))
    assert not any(isinstance(cached(np.zeros(1), 0), Hit) for _ in range(2))
    kept: Kept[int] = Kept(2)
    kept.put("a", 1)
    assert begin(_same(kept)) == 1


async def _same(kept: Kept[int]) -> int | None:
    return kept.get("a")
