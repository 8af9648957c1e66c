"""Decisions followed by the client, waiting and awaited: none lost and none twice, wherever the connection breaks."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.oip.front import Front, front
from tests.serving.shop import open_shop, payment, post, worker

from tidewheel.client import AsyncClient, Client, Followed, Gap
from tidewheel.errors import InputError, NotFoundError, OverloadedError, UnreachableError
from tidewheel.serving.observing import following as told_by_server

SCORE = "/v1/services/Score"
Follow = Callable[..., Iterator[Any]]


def waiting(port: int, **how: Any) -> Iterator[Any]:
    with Client(f"http://127.0.0.1:{port}", deadline=how.pop("deadline", 20)) as client:
        yield from client.follow(**how)


def awaited(port: int, **how: Any) -> Iterator[Any]:
    client = AsyncClient(f"http://127.0.0.1:{port}", deadline=how.pop("deadline", 20))
    with asyncio.Runner() as runner:
        told: AsyncIterator[Any] = client.follow(**how)
        try:
            while True:
                yield runner.run(anext(told))  # type: ignore[arg-type]
        finally:
            runner.run(told.aclose())  # type: ignore[attr-defined]


@pytest.fixture(params=[waiting, awaited])
def follow(request: pytest.FixtureRequest) -> Follow:
    found: Follow = request.param
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("follow")) as running:
        yield running


def place_in(served: Front) -> str:
    """A place behind all that was decided until now."""
    return told_by_server.Follower(served.shop.stores.layout.journal).mark


def test_a_decision_is_told_with_all_that_the_server_says(served: Front, follow: Follow) -> None:
    after = place_in(served)
    answers = [post(served.port, SCORE, payment(f"{follow.__name__}{n}", amount=900.0))[1] for n in range(3)]
    with closing(follow(served.port, after=after, service="Score", version="Fraud@1", fallback="none")) as told:
        first, second = next(told), next(told)
    assert isinstance(first, Followed)
    assert [told.decision_id for told in (first, second)] == [answer["decision_id"] for answer in answers[:2]]
    assert (first.decision, first.model, first.arrived.tzinfo) == ("block", "Fraud@1", UTC)
    assert datetime.now(UTC) >= first.arrived
    with closing(follow(served.port, after=second.place)) as told:
        assert next(told).decision_id == answers[2]["decision_id"]
    assert set(Followed.__struct_fields__) - {"place"} == set(told_by_server.Followed.__struct_fields__)
    assert set(Gap.__struct_fields__) - {"place"} == set(told_by_server.Gap._fields)


def test_what_the_server_refuses_is_an_error(served: Front, follow: Follow) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'Score'"):
        next(follow(served.port, service="Scor"))
    with pytest.raises(InputError, match="no place in the decisions"):
        next(follow(served.port, after="yesterday"))


def test_a_killed_worker_is_gone_on_with_where_it_stopped(tmp_path: Path, follow: Follow) -> None:
    told: list[str] = []
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path) as first:
            port = first.port
            (tmp_path / "tidewheel.toml").write_text(f'port = {port}\nsync = "second"\n')
            found = follow(port, after=f"{told_by_server.Follower(shop.stores.layout.journal).mark}")
            for n in range(3):
                post(port, SCORE, payment(n))
            told += [next(found).event_id for _ in range(2)]
            first.kill()
        with worker(tmp_path, 0):
            for n in range(3, 6):
                post(port, SCORE, payment(n))
            told += [one.event_id for one in islice(found, 4)]
            found.close()  # type: ignore[attr-defined]
    assert told == [f"p{n}" for n in range(6)]


# --- against a server that breaks off where it is told to -------------------------------------------


class Breaking:
    """Tells the same decisions and gaps to all who ask, behind their place; each connection has so many bytes."""

    def __init__(self, number: int, cuts: list[int], refusals: int = 0) -> None:
        self.events = [self.event(n) for n in range(number)]
        self.cuts = cuts
        self.refusals = refusals
        self.asked: list[bytes] = []

    @staticmethod
    def event(n: int) -> bytes:
        body: dict[str, Any] = {"decision_id": f"d{n}", "service": "S", "event_id": f"t{n}", "microseconds": n}
        body["arrived"] = "2026-11-22T10:00:00.000100Z"
        if n % 5 == 4:
            return b'event: gap\nid: %d\ndata: {"decisions":null,"why":"too slow"}\n\n' % n
        return b"event: decision\nid: %d\ndata: %b\n\n" % (n, msgspec.json.encode(body))

    def answer(self, server: socket.socket) -> None:
        while True:
            client, _ = server.accept()
            with client:
                if not (request := client.recv(65_536)):
                    return  # nobody asks any more
                self.asked.append(request)
                if self.refusals:
                    self.refusals -= 1
                    client.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After-Ms: 1\r\nContent-Length: 0\r\n\r\n")
                    continue
                after = re.search(rb"Last-Event-ID: (\d+)\r", request)
                begin = int(after[1]) + 1 if after else 0
                place = b"id: %b\n" % after[1] if after else b""
                body = b"retry: 1\n" + place + b"\n" + b"".join(self.events[begin:])
                # A sign of life has a place and no name; whatever is whole counts, the rest comes again.
                whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body
                client.sendall(whole[: self.cuts.pop(0)] if self.cuts else whole)


@contextmanager
def breaking(number: int, cuts: list[int], refusals: int = 0) -> Iterator[tuple[int, Breaking]]:
    teller = Breaking(number, cuts, refusals)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=teller.answer, args=(server,), daemon=True)
        thread.start()
        port = server.getsockname()[1]
        yield port, teller
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join(10)


@pytest.mark.parametrize("follow_by", [waiting, awaited])
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 1500), max_size=8))
def test_none_is_lost_and_none_comes_twice_wherever_it_breaks(follow_by: Follow, cuts: list[int]) -> None:
    with breaking(10, list(cuts)) as (port, _), closing(follow_by(port)) as told:  # type: ignore[type-var]
        found = list(islice(told, 10))
    names = [one.place if isinstance(one, Gap) else one.decision_id.removeprefix("d") for one in found]
    assert names == [one.place for one in found] == [str(n) for n in range(10)]
    assert [n for n, one in enumerate(found) if isinstance(one, Gap)] == [4, 9]


def test_a_busy_server_is_asked_again_and_the_filters_with_it(follow: Follow) -> None:
    how = {"service": "S", "version": "Fraud@3"}
    with breaking(1, [], refusals=1) as (port, teller), closing(follow(port, **how)) as told:  # type: ignore[type-var]
        assert next(told).decision_id == "d0"
    assert len(teller.asked) == 2
    assert all(b"GET /v1/decisions?follow=&service=S&version=Fraud%403 " in asked for asked in teller.asked)


def test_one_that_is_away_for_too_long_is_an_error(follow: Follow) -> None:
    with breaking(1, [], refusals=9) as (port, _), pytest.raises(OverloadedError):
        next(follow(port, deadline=0.5))
    with breaking(1, []) as (port, _):
        found = follow(port, patience="500ms")
        assert next(found).decision_id == "d0"
        server_gone = port
    with pytest.raises(UnreachableError):
        next(found)
    with pytest.raises(UnreachableError, match="does not answer"):
        next(follow(server_gone, deadline=0.1))
