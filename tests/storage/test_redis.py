"""What only a store on a server can meet: other workspaces, other writers, eviction, no answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from tests.conftest import RedisPlace, RedisServer

from tidewheel.errors import ConfigError, ConflictError, FullError, LeaseError, StorageError, UnreachableError
from tidewheel.storage.redis.client import connect
from tidewheel.storage.redis.state import RedisState
from tidewheel.testing.state import FIRST, SECOND, words_of

pytestmark = pytest.mark.redis


@pytest.fixture
def store(redis_place: RedisPlace) -> Iterator[RedisState]:
    with closing(RedisState.open(redis_place.url, redis_place.namespace, 1, "mine")) as store:
        yield store


def test_another_workspace_is_refused(store: RedisState, redis_place: RedisPlace) -> None:
    with pytest.raises(ConflictError, match="another workspace"):
        RedisState.open(redis_place.url, redis_place.namespace, 1, "theirs")
    with closing(RedisState.open(redis_place.url, redis_place.namespace, 1, "mine")):
        pass


def test_of_two_writers_that_overlap_one_is_refused(store: RedisState) -> None:
    one, two = store.writer(0, token=3), store.writer(0, token=3)
    with pytest.raises(ConflictError, match="meantime"), one.batch() as late:  # noqa: PT012 (what is tested is the block)
        late.set_offset(FIRST, 1)
        with two.batch() as batch:
            batch.set_offset(FIRST, 2)
    assert store.offsets() == [{FIRST: 2}]


def test_a_writer_that_was_replaced_meanwhile_is_refused(store: RedisState) -> None:
    old, new = store.writer(0, token=3), store.writer(0, token=4)
    with new.batch():
        pass
    for stale in (old.reset, lambda: old.drop(FIRST), lambda: old.prune_references("Sale", 1)):
        with pytest.raises(LeaseError):
            stale()


def test_a_drop_that_broke_off_is_ended_by_the_next_writer(store: RedisState, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = store.writer(0)
    with writer.batch() as batch:
        for state in (FIRST, SECOND):
            batch.put_blobs(state, [b"a", b"b"], *words_of([[1], [2]]))
            batch.set_offset(state, 5)
    with monkeypatch.context() as broken:
        broken.setattr("tidewheel.storage.redis.partition.scan_keys", lambda *_: iter([None]))
        with pytest.raises(TypeError):
            writer.drop(FIRST)
    assert store.offsets() == [{SECOND: 5}]
    assert len(list(store.scan(FIRST))) == 2
    store.writer(0)
    assert list(store.scan(FIRST)) == []
    assert len(list(store.scan(SECOND))) == 2


def test_a_large_batch_goes_in_pieces_and_at_once(store: RedisState) -> None:
    keys = [b"k%d" % n for n in range(12_000)]
    writer = store.writer(0)
    with writer.batch() as batch:
        batch.put_blobs(FIRST, keys, *words_of([[n] for n in range(len(keys))]))
        batch.put_strings({n: str(n) for n in range(6000)})
    with writer.batch() as batch:
        assert batch.blobs(FIRST, keys)[0].tolist() == list(range(len(keys)))
    assert store.text(5999) == "5999"
    assert writer.drop(FIRST) == len(keys)


def test_a_server_that_evicts_is_refused(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(StorageError, match="noeviction"):
        RedisState.open(redis_server.url, "tw", 1)


def test_a_full_server_says_so_and_changes_nothing(redis_server: RedisServer) -> None:
    with closing(RedisState.open(redis_server.url, "tw", 1)) as store, redis.Redis.from_url(redis_server.url) as client:
        writer = store.writer(0)
        with writer.batch() as batch:
            batch.set_offset(FIRST, 1)
        client.config_set("maxmemory", "1mb")
        with pytest.raises(FullError), writer.batch() as batch:  # noqa: PT012 (what is tested is the block)
            batch.put_blobs(FIRST, [b"a"], *words_of([[1] * 1000]))
            batch.set_offset(FIRST, 2)
        client.config_set("maxmemory", "0")
        assert store.offsets() == [{FIRST: 1}]
        assert list(store.scan(FIRST)) == []


def test_a_server_that_is_not_there_is_told_soon() -> None:
    start = time.monotonic()
    with pytest.raises(UnreachableError, match="does not answer"):
        RedisState.open("redis://me:secret@127.0.0.1:1/0", "tw", 1)
    assert time.monotonic() - start < 3


def test_a_read_waits_no_longer_for_a_connection_than_for_an_answer() -> None:
    """A host that drops packets is met while connecting, and a decision waits for that too."""
    reading, writing = (connect("redis://127.0.0.1:1/0", *how).connection_pool for how in ((), (60.0,)))
    assert reading.connection_kwargs["socket_connect_timeout"] == reading.connection_kwargs["socket_timeout"] == 0.1
    assert writing.connection_kwargs["socket_connect_timeout"] == 1.0
    asked = connect("redis://127.0.0.1:1/0?socket_connect_timeout=0.4").connection_pool
    assert asked.connection_kwargs["socket_connect_timeout"] == 0.4


def test_a_wrong_password_is_told(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("requirepass", "right")
    with pytest.raises(StorageError, match="refuses") as told:
        RedisState.open(redis_server.url.replace("//", "//:wrong@"), "tw", 1)
    assert not isinstance(told.value, UnreachableError)
    assert "wrong" not in told.value.where


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError):
        connect("http://127.0.0.1")
