"""Lists whose models fail: left alone by a breaker, in a thread of their own, with what the fallback chain answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.list_shop import ask, graph_of, point, stock, version_of
from tests.serving.shop import Shop, open_shop, serving

from tidewheel.definitions.ir import Graph
from tidewheel.errors import BreakerError, DeadlineError, OverloadedError, ServingError
from tidewheel.serving.deciding.breaker import LEAST_CALLS, SECOND, Breaker, GuardedCall
from tidewheel.serving.deciding.flight import waited
from tidewheel.serving.deciding.own_thread import OwnThread
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending
from tidewheel.serving.loading import build_lists
from tidewheel.serving.service import Serving

TABLE = "fallback = [tw.table(by=Shown.film), tw.action('plain')]"


@contextmanager
def shop_of(folder: Path, score: str = "model = Worth", **how: Any) -> Iterator[tuple[Shop, Graph]]:
    with open_shop(folder) as shop:
        graph = graph_of(shop, score, **how)
        stock(shop, graph)
        yield shop, graph


class Sick:
    """Makes a model score as it is told: well, without a number for worth 3, by raising, or by stalling."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.how, self.asked, self.well = "well", 0, threading.Event()
        made = build_lists.item_scoring

        def item_scoring(bundle: Any, names: Any) -> Any:
            score = made(bundle, names)

            def compute(words: np.ndarray) -> np.ndarray:
                self.asked += 1
                if self.how == "raises":
                    raise ServingError("it is ill")
                if self.how == "stalls":
                    self.well.wait(60)
                scores = np.asarray(score(words, NO_DEADLINE))
                return np.where(scores == 3.0, np.nan, scores) if self.how == "odd" else scores

            sick = OwnThread(compute, bundle.manifest.model)
            return sick if float(bundle.arrays["coef"][0]) == 1.0 else score

        monkeypatch.setattr(build_lists, "item_scoring", item_scoring)


def ids(running: Serving, number: object, wanted: str = "a b c d e") -> tuple[str, str, str]:
    answer = running.decide("Pick", ask(number, wanted))
    return "".join(item.id for item in answer.items), answer.fallback, answer.reason.partition(":")[0]


def test_a_list_without_its_model_holds_to_its_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sick = Sick(monkeypatch)
    with shop_of(tmp_path) as (shop, graph):
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        with serving(shop) as running:
            assert ids(running, 1) == ("ecb", "", "")
            sick.how = "raises"
            assert ids(running, 2, "d a b c e") == ("abe", "action", "serving"), "neither banned, nor three of a genre"
            assert ids(running, 3, "d") == ("", "", ""), "nothing is left, and no model is asked"


def test_a_table_by_the_item_orders_the_candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sick = Sick(monkeypatch)
    with shop_of(tmp_path, fallback=TABLE) as (shop, graph):
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        with serving(shop) as running:
            sick.how = "raises"
            answer = running.decide("Pick", ask(1, "e d c b a"))
            assert (answer.fallback, [(item.id, item.score) for item in answer.items]) == (
                "table",
                [("a", 0.9), ("c", 0.7), ("e", 0.1)],
            )


def test_a_model_that_fails_is_left_alone_and_the_version_before_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sick = Sick(monkeypatch)
    with shop_of(tmp_path) as (shop, graph):
        point(shop, graph, version_of(shop, graph, "Worth", -1.0))
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        with serving(shop) as running:
            assert ids(running, "well") == ("ecb", "", "")
            sick.how, before = "raises", sick.asked
            answers = [ids(running, number) for number in range(3 * LEAST_CALLS)]
            assert answers[0] == ("abe", "previous", "serving")
            assert answers[-1] == ("abe", "previous", "breaker")
            assert sick.asked - before < 2 * LEAST_CALLS
            assert running.builder.breakers.open() == {"Worth@2": "it is ill"}
            sick.how = "well"
            running.builder.breakers.of("Worth@2")._until = 0
            assert ids(running, "again") == ("ecb", "", "")
            assert running.builder.breakers.open() == {}


def test_a_model_that_stalls_is_not_waited_for_beyond_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sick = Sick(monkeypatch)
    with shop_of(tmp_path, deadline="100ms", fallback=TABLE) as (shop, graph):
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        with serving(shop) as running:
            sick.how = "stalls"
            try:
                answers = [ids(running, number) for number in range(2 * LEAST_CALLS)]
            finally:
                sick.well.set()
            assert {fallback for _, fallback, _ in answers} == {"table"}
            assert {kind for _, _, kind in answers} == {"deadline", "breaker"}
            assert answers[-1][2] == "breaker"


def test_a_film_without_a_score_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sick = Sick(monkeypatch)
    with shop_of(tmp_path) as (shop, graph):
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        with serving(shop) as running:
            sick.how = "odd"
            assert ids(running, 1) == ("eba", "", "")
            record = running.find(running.decide("Pick", ask(1)).decision_id)
            assert record.stages[-1].note == "1 candidates have no score and are left out"
            assert ids(running, 2, "c") == ("c", "action", "serving"), "none has one"


def test_what_says_nothing_of_the_rules_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop_of(tmp_path) as (shop, graph):
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        with serving(shop) as running:
            arm = running.desk.services["Pick"].decider.champion
            assert arm is not None
            assert arm.lists is not None

            def gone(*_: object) -> Any:
                raise ServingError("the states are gone")

            monkeypatch.setattr(arm.lists.read, "call", gone)
            assert ids(running, 1) == ("", "action", "serving")


def test_a_list_of_its_own_thread_that_is_too_late_is_not_begun() -> None:
    held, begun = threading.Event(), threading.Event()
    sizes: list[int] = []

    def compute(words: np.ndarray) -> np.ndarray:
        begun.set()
        held.wait(60)
        sizes.append(len(words))
        return words[:, 0]

    scoring = OwnThread(compute, "Slow@1", most_waiting=2)
    first = scoring(np.ones((1, 1)), NO_DEADLINE)
    begun.wait(60)
    late, last = scoring(np.ones((2, 1)), time.perf_counter_ns()), scoring(np.ones((3, 1)), NO_DEADLINE)
    with pytest.raises(OverloadedError, match="2 lists wait"):
        scoring(np.ones((4, 1)), NO_DEADLINE)
    held.set()

    async def got(owed: Pending[Any]) -> Any:
        return await owed

    assert waited(got(last)).tolist() == [1.0] * 3
    assert waited(got(first)).tolist() == [1.0]
    with pytest.raises(DeadlineError):
        waited(got(late))
    assert sizes == [1, 3]


def test_a_call_that_was_given_little_time_is_not_held_against_the_model() -> None:
    def stalls(until: int) -> Pending[float]:
        return Pending(until)

    async def ended(call: Any, until: int) -> None:
        await call(until)

    guarded = GuardedCall(stalls, Breaker("Net@1"), SECOND)
    for _ in range(2 * LEAST_CALLS):
        with pytest.raises(DeadlineError):
            waited(ended(guarded, 0))
    assert not guarded.breaker.open
    guarded = GuardedCall(stalls, Breaker("Net@1"), 0)
    for _ in range(LEAST_CALLS):
        with pytest.raises(DeadlineError):
            waited(ended(guarded, 0))
    with pytest.raises(BreakerError):
        guarded(0)
