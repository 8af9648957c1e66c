"""Reads that are sent again: within a budget, before the deadline, the loser of two dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import RedisPlace, RedisServer
from tests.serving.shop import open_shop, payment, serving
from tests.serving.test_deciding import records
from tests.storage.slow_redis import Way, way

from tidewheel.errors import ConfigError, UnreachableError
from tidewheel.resending import MOST, Hedge
from tidewheel.runtime.config import load_config
from tidewheel.storage.redis.state import RedisState
from tidewheel.testing.state import FIRST, words_of

pytestmark = pytest.mark.redis


@pytest.fixture
def to_redis(redis_place: RedisPlace) -> Iterator[Way]:
    with closing(RedisState.open(redis_place.url, redis_place.namespace, 1)) as store, store.writer(0).batch() as batch:
        batch.put_blobs(FIRST, [b"a"], *words_of([[7]]))
    with way(redis_place.url) as found:
        yield found


def opened(found: Way, redis_place: RedisPlace, hedge: Hedge | None = None, wait: float = 30.0) -> RedisState:
    return RedisState.open(f"{found.url}?socket_timeout={wait}", redis_place.namespace, 1, hedge=hedge)


def read(store: RedisState, until: int = 0) -> tuple[bytes | None, str]:
    """Read an entity; return its state, and what was sent again for it."""
    store.asking.begin(until)
    with store.snapshot() as snapshot:
        found = snapshot.get(FIRST, b"a")
    return found, store.asking.end()


STORED = (7).to_bytes(8, "little")


def test_a_slow_answer_is_overtaken_and_never_taken_for_another(to_redis: Way, redis_place: RedisPlace) -> None:
    with closing(opened(to_redis, redis_place, Hedge("10ms"))) as store:
        assert read(store) == (STORED, "")
        to_redis.slow = set(range(to_redis.made))
        assert read(store) == (STORED, "hedge won")
        to_redis.go_on.set()
        to_redis.slow = set()
        # Connections are used again: an answer that was still owed would be seen here.
        for _ in range(5):
            with store.snapshot() as snapshot:
                assert snapshot.get_many([(FIRST, b"none"), (FIRST, b"a")]) == [None, STORED]


def test_without_a_hedge_left_the_first_is_waited_for(to_redis: Way, redis_place: RedisPlace) -> None:
    hedge = Hedge("10ms", share=0.01)
    assert [hedge.take() for _ in range(int(MOST) + 1)].count(True) == MOST
    with closing(opened(to_redis, redis_place, hedge)) as store:
        assert read(store) == (STORED, "")
        before, to_redis.slow = to_redis.commands, set(range(to_redis.made))
        threading.Timer(0.3, to_redis.go_on.set).start()
        assert read(store) == (STORED, "")
        assert to_redis.commands == before + 1


def test_a_broken_connection_is_made_good_within_the_budget(to_redis: Way, redis_place: RedisPlace) -> None:
    with closing(opened(to_redis, redis_place)) as store:
        assert read(store) == (STORED, "")
        to_redis.breaking = 1
        assert read(store) == (STORED, "retry")
        assert read(store) == (STORED, "")
        # Each first try breaks: what ten in hand and a tenth of each answer allow is made good.
        good = sum(made_good(to_redis, store) for _ in range(30))
        assert MOST - 1 <= good <= MOST + 2


def made_good(to_redis: Way, store: RedisState) -> bool:
    """Read over a connection that breaks; return whether there was an answer all the same."""
    to_redis.breaking, store._reads._until = 1, 0.0
    try:
        return read(store) == (STORED, "retry")
    except UnreachableError:
        return False


def test_nothing_is_sent_again_past_the_deadline(to_redis: Way, redis_place: RedisPlace) -> None:
    with closing(opened(to_redis, redis_place, Hedge("1ms"), wait=0.1)) as store:
        assert read(store)[0] == STORED
        to_redis.breaking, before = 1, to_redis.commands
        with pytest.raises(UnreachableError):
            read(store, time.perf_counter_ns())
        assert to_redis.commands == before + 1


def test_what_no_decision_waits_for_has_more_time(to_redis: Way, redis_place: RedisPlace) -> None:
    with closing(RedisState.open(to_redis.url, redis_place.namespace, 1)) as store:
        to_redis.slow.update(range(1000))
        later = threading.Timer(1.0, to_redis.go_on.set)
        with pytest.raises(UnreachableError):
            store.offsets(for_decision=True)
        later.start()
        assert store.offsets() == [{}]
        later.join()


def test_decisions_tell_what_was_sent_again(tmp_path: Path, redis_server: RedisServer) -> None:
    with way(redis_server.url) as found, open_shop(tmp_path, state=found.url, hedge_reads="10ms") as shop:
        graph = shop.graph(deadline="20s")
        shop.deploy(graph)
        shop.fold(graph)
        with serving(shop) as running:
            assert running.decide("Score", payment(1)).model == "Fraud@1"
            found.slow = set(range(found.made))
            assert running.decide("Score", payment(2)).model == "Fraud@1"
            found.slow = set()
            found.go_on.set()
            assert running.metrics.total("resent", "Score", "hedge won") == 1
        told = {record.event_id: record.resent for record in records(shop.stores.layout.journal)}
        assert told == {"p1": "", "p2": "hedge won"}


def test_a_setting_that_is_no_delay_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text('hedge_reads = "soon"\n')
    with pytest.raises(ConfigError, match="hedge_reads: a hedge after 'soon'"):
        load_config(tmp_path, variables={})
