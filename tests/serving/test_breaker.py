"""Circuit breakers: half of the calls failing opens, a probe closes; the caller's own mistakes count for nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.shop import Shop, open_shop, payment, serving
from tests.serving.test_deciding import records

from tidewheel.errors import BreakerError, DeadlineError, FeatureError, StorageError, UnreachableError
from tidewheel.serving.deciding.breaker import LEAST_CALLS, SECOND, Breaker, GuardedReader, GuardedScoring
from tidewheel.serving.deciding.flight import waited
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending, settled

LATE = 20_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 100 * SECOND

    def __call__(self) -> int:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker("store", clock)
    for _ in range(LEAST_CALLS):
        breaker.failed("gone")
    return breaker


def test_a_probe_a_second_doubling_to_half_a_minute() -> None:
    clock = Clock()
    breaker = opened(clock)
    for pause in (1, 2, 4, 8, 16, 30, 30):
        clock.now += pause * SECOND - 1
        assert breaker.state == "open"
        with pytest.raises(BreakerError, match="store is not asked for a while: gone"):
            breaker.admit()
        clock.now += 1
        breaker.admit()
        assert breaker.state == "half-open"
        with pytest.raises(BreakerError):
            breaker.admit()
        breaker.failed("gone")
    clock.now += 30 * SECOND
    breaker.admit()
    breaker.went_well()
    assert breaker.state == "closed"
    assert opened(clock).state == "open"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, SECOND)), max_size=120))
def test_it_opens_only_when_half_of_twenty_calls_of_ten_seconds_failed(calls: list[tuple[bool, int]]) -> None:
    clock = Clock()
    breaker = Breaker("store", clock)
    seen: list[tuple[int, bool]] = []
    for good, pause in calls:
        clock.now += pause
        if good:
            breaker.calls += 1
        else:
            breaker.failed("gone")
        seen.append((clock.now, good))
        if breaker.open:
            failures = sum(not fine for at, fine in seen if clock.now - at <= 10 * SECOND)
            assert not good
            assert 2 * failures >= LEAST_CALLS
            return
    bad = [at for at, good in seen if not good]
    if len(bad) >= LEAST_CALLS and len(bad) == len(seen) and bad[-1] - bad[0] <= 10 * SECOND:
        raise AssertionError("it did not open")


class Store:
    """Reads a row, or raises what it is told to."""

    state_ids = ("s1",)

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0

    def read(self, event: Any, now: int, at: int | None = None, without: frozenset[str] = frozenset()) -> Any:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return event


@pytest.mark.parametrize(("error", "opens"), [(UnreachableError("no answer"), True), (FeatureError("odd"), False)])
def test_a_store_that_is_gone_is_not_asked_and_an_odd_event_is_not_its_fault(error: Exception, opens: bool) -> None:
    clock, store = Clock(), Store()
    reader = GuardedReader(store, Breaker("store", clock), LATE)
    assert reader.state_ids == ("s1",)
    assert reader.read({"a": 1}, 0) == {"a": 1}
    store.error = error
    for _ in range(3 * LEAST_CALLS):
        with pytest.raises((type(error), BreakerError)):
            reader.read({}, 0)
    assert (store.asked < 2 * LEAST_CALLS) == opens == reader.breaker.open
    store.error = None
    clock.now += SECOND
    assert reader.read({"a": 2}, 0) == {"a": 2}
    assert reader.breaker.state == "closed"


def test_a_model_that_does_not_answer_in_time_is_left_alone() -> None:
    clock = Clock()
    owed: list[Pending[float]] = []

    def model(words: Any, until: int) -> Pending[float]:
        owed.append(Pending(until))
        return owed[-1]

    scoring = GuardedScoring(model, Breaker("Net@1", clock), 0)
    for _ in range(LEAST_CALLS):
        with pytest.raises(DeadlineError):
            waited(settled(scoring(np.zeros(1), 0)))
    with pytest.raises(BreakerError):
        scoring(np.zeros(1), NO_DEADLINE)
    assert len(owed) == LEAST_CALLS
    # A probe that nobody waits for any more is no outcome: the next call is one.
    clock.now += SECOND
    given_up: Any = scoring(np.zeros(1), NO_DEADLINE)
    waiting = given_up.__await__()
    next(waiting)
    waiting.close()
    scoring._longest = NO_DEADLINE
    probe = scoring(np.zeros(1), NO_DEADLINE)
    owed[-1].finish(0.5)
    assert waited(settled(probe)) == 0.5
    assert scoring.breaker.state == "closed"


def test_what_had_a_good_part_of_the_deadline_has_stalled_and_what_had_little_has_not() -> None:
    def model(words: Any, until: int) -> float:
        time.sleep(until / 1e9)
        raise DeadlineError("no score in time")

    for share, opens in ((2, True), (1000, False)):
        scoring = GuardedScoring(model, Breaker("Net@1", Clock()), 20_000_000)
        for _ in range(LEAST_CALLS):
            with pytest.raises(DeadlineError):
                scoring(np.zeros(1), 20_000_000 // share)
        assert scoring.breaker.open == opens


def broken(shop: Shop) -> None:
    raise StorageError("the states are gone")


def test_an_open_breaker_is_a_fallback_at_once_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            assert not running.decide("Score", payment("well")).fallback
            monkeypatch.setattr(type(shop.stores.state), "snapshot", broken)
            answers = [running.decide("Score", payment(number)) for number in range(3 * LEAST_CALLS)]
            assert {answer.fallback for answer in answers} == {"table"}
            assert answers[0].reason == "storage: the states are gone"
            assert (
                answers[-1].reason
                == "breaker: reading features for Score is not asked for a while: the states are gone"
            )
            assert running.builder.breakers.open() == {"reading features for Score": "the states are gone"}
            monkeypatch.undo()
            running.builder.breakers.of("reading features for Score")._until = 0
            assert not running.decide("Score", payment("again")).fallback
            assert running.builder.breakers.open() == {}
        assert len(records(shop.stores.layout.journal)) == 3 * LEAST_CALLS + 2
