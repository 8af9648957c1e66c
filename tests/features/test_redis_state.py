"""State on Redis: the same bytes as in LMDB, whatever happens to the server meanwhile."""

from __future__ import annotations

import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import redis
from feature_decisions import GROUP_PLANS, PLAN, RULE_PLAN, append
from feature_oracle import Happening
from feature_shop import GRAPH
from feature_world import START, ListHistory, decisions_on, worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import REDIS, RedisPlace, RedisServer

from tidewheel.errors import UnreachableError
from tidewheel.features.folding.stream import Folder
from tidewheel.features.reading.online import OnlineReader
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.protocols import State
from tidewheel.storage.redis import client as redis_client
from tidewheel.storage.redis import reads as redis_reads
from tidewheel.storage.redis import state as redis_state
from tidewheel.storage.redis.partition import RedisBatch
from tidewheel.storage.redis.state import RedisState
from tidewheel.storage.state.lmdb_state import StateStore

pytestmark = pytest.mark.redis


def contents(store: State) -> list[tuple[str, bytes, bytes]]:
    return [
        (plan.state_id, key, bytes(blob)) for plan in GROUP_PLANS for key, blob in sorted(store.scan(plan.state_id))
    ]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), decisions_on(), st.integers(1, 3), st.integers(1, 20))
def test_redis_holds_what_lmdb_holds(redis_place: RedisPlace, events, event, partitions: int, batch: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context(closing(EventLog.open(folder / "log", sync="second")))
        append(log, events)
        rows, held = [], []
        for store in (
            StateStore.open(folder / "state", partitions),
            RedisState.open(REDIS, f"{redis_place.namespace}_{uuid.uuid4().hex[:8]}", partitions),
        ):
            stack.enter_context(closing(store))
            for k in range(partitions):
                with closing(Folder(log, ListHistory(events), store, k, GRAPH, GROUP_PLANS, batch=batch)) as each:
                    each.catch_up()
            held.append(contents(store))
            rows.append(OnlineReader(store, [PLAN, RULE_PLAN]).read(event, events[-1].arrived + 1))
        assert held[0] == held[1]
        assert [words.tobytes() for words in rows[0].words] == [words.tobytes() for words in rows[1].words]
        assert rows[0][1:] == rows[1][1:]


@contextmanager
def folding(tmp_path: Path, url: str, count: int = 400) -> Iterator[tuple[RedisState, Folder, list]]:
    """Give a state, its folder with many events to fold, and what the state must hold in the end."""
    events = [
        Happening("Buy", f"b{n}", START + n, START + n, n + 1, {"id": f"b{n}", "user": f"u{n % 7}", "amount": 1.0})
        for n in range(count)
    ]
    with ExitStack() as stack:
        log = stack.enter_context(closing(EventLog.open(tmp_path / "log", sync="second")))
        append(log, events)
        right = stack.enter_context(closing(StateStore.open(tmp_path / "state", 1)))
        with closing(Folder(log, ListHistory(events), right, 0, GRAPH, GROUP_PLANS)) as each:
            each.catch_up()
        store = stack.enter_context(closing(RedisState.open(url, "tw", 1)))
        each = Folder(log, ListHistory(events), store, 0, GRAPH, GROUP_PLANS, batch=50)
        yield store, each, contents(right)


def settle(folder: Folder) -> None:
    """Fold until all is folded, once the server answers again."""
    for _ in range(100):
        try:
            folder.catch_up()
            return
        except UnreachableError:
            time.sleep(0.02)


def test_a_server_that_comes_back_as_of_earlier_is_folded_on_from_there(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    with folding(tmp_path, redis_server.url) as (store, folder, right):
        folder.step()
        with redis.Redis.from_url(redis_server.url) as client:
            client.save()
        folder.step()
        folder.step()
        redis_server.kill()
        with pytest.raises(UnreachableError):
            folder.step()
        redis_server.start()
        settle(folder)
        assert contents(store) == right


def test_a_server_that_forgot_everything_is_filled_again(tmp_path: Path, redis_server: RedisServer) -> None:
    with folding(tmp_path, redis_server.url) as (store, folder, right):
        folder.step()
        folder.step()
        with redis.Redis.from_url(redis_server.url) as client:
            client.flushall()
        settle(folder)
        assert contents(store) == right


@pytest.mark.parametrize("before", [True, False], ids=["before it is sent", "after it is sent"])
def test_a_commit_whose_answer_is_lost_counts_once(
    tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    monkeypatch.setattr(redis_state, "WRITE_SECONDS", 0.2)
    with folding(tmp_path, redis_server.url) as (store, folder, right):
        folder.step()
        send = RedisBatch.send

        def send_and_pause(batch: RedisBatch, pipe: object) -> None:
            send(batch, pipe)
            redis_server.signal(signal.SIGSTOP)

        with monkeypatch.context() as patched:
            if before:
                redis_server.signal(signal.SIGSTOP)
            else:
                patched.setattr(RedisBatch, "send", send_and_pause)
            with pytest.raises(UnreachableError):
                folder.step()
        redis_server.signal(signal.SIGCONT)
        settle(folder)
        assert contents(store) == right


def test_reads_of_a_server_that_hangs_fail_soon_and_then_at_once(tmp_path: Path, redis_server: RedisServer) -> None:
    with folding(tmp_path, redis_server.url) as (store, folder, _):
        settle(folder)
        reader = OnlineReader(store, [PLAN])
        event = {"user": "u1", "shop": "s1"}
        reader.read(event, START + 10**9)
        redis_server.signal(signal.SIGSTOP)
        waits = []
        for _ in range(3):
            start = time.monotonic()
            with pytest.raises(UnreachableError):
                reader.read(event, START + 10**9)
            waits.append(time.monotonic() - start)
        assert waits[0] < 20 * redis_client.READ_SECONDS
        assert max(waits[1:]) < redis_client.READ_SECONDS
        redis_server.signal(signal.SIGCONT)
        time.sleep(redis_reads.REST)
        reader.read(event, START + 10**9)


def test_two_folders_that_think_they_are_alone_keep_totals_exact(tmp_path: Path, redis_server: RedisServer) -> None:
    with (
        folding(tmp_path, redis_server.url) as (store, folder, right),
        folding(tmp_path / "x", redis_server.url) as (
            _,
            other,
            _,
        ),
    ):
        while folder.step() + other.step():
            pass
        assert contents(store) == right
