"""Overload: what waited too long is refused cheaply, deadlines count from the first byte, nobody works for the gone."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.server import Echo, ServerThread, connect, read_answer
from tests.serving.shop import SLOW, Shop, get, open_shop, payment, post, serving, worker

from tidewheel.errors import OverloadedError
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.deciding.breaker import Breaker, GuardedScoring
from tidewheel.serving.deciding.scoring import Pending
from tidewheel.serving.transport import wire
from tidewheel.serving.transport.admission import FEW, Admission, timeout_of
from tidewheel.serving.transport.http import Request, Response
from tidewheel.serving.transport.server import HttpServer

PATIENCE = 40_000_000


def patience(path: str) -> int:
    return 0 if path.startswith("/free") else PATIENCE


def slow(request: Request) -> Response:
    if request.path != "/v1/quick":
        time.sleep(0.003)
    return Response(body=request.body)


class PatientThread(ServerThread):
    """A server that refuses what waited too long."""

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.server = HttpServer(self.handler, self.limits, tick=self.tick, patience=patience)
        self._stop = asyncio.Event()
        self.port = await self.server.start()
        self._ready.set()
        await self._stop.wait()
        await self.server.drain(grace=2.0)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    with PatientThread(Echo(slow)) as running:
        yield running


def request(path: str, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)


def flood(port: int, path: str, rounds: int, clients: int = 60) -> list[tuple[int, dict[str, str], bytes, bytes]]:
    """Send from many clients at once, again as answers come; return each answer with what was sent for it."""
    found = []
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(clients)]
    for turn in range(rounds):
        for number, client in enumerate(sockets):
            client.sendall(request(path, b"%d-%d" % (turn, number)))
        for number, client in enumerate(sockets):
            found.append((*read_answer(client), b"%d-%d" % (turn, number)))
    for client in sockets:
        client.close()
    return found


def test_what_waited_too_long_is_refused_and_asked_to_come_again(server: ServerThread) -> None:
    answers: list[tuple[int, dict[str, str], bytes, bytes]] = []
    threads = [threading.Thread(target=lambda: answers.extend(flood(server.port, "/v1/x", 6))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if answer[0] == 503]
    accepted = [answer for answer in answers if answer[0] == 200]
    assert len(answers) == 2 * 6 * 60 == len(refused) + len(accepted)
    assert refused
    assert accepted
    assert all(body == sent for _, _, body, sent in accepted)
    assert server.server.admission.shed == len(refused)
    pauses = {int(headers["retry-after-ms"]) for _, headers, _, _ in refused}
    assert len(pauses) > 4
    assert min(pauses) >= 500
    assert all(int(headers["retry-after"]) * 1000 >= int(headers["retry-after-ms"]) for _, headers, _, _ in refused)
    for number in range(10):
        with connect(server.port) as client:
            client.sendall(request("/v1/quick", b"%d" % number))
            assert read_answer(client)[::2] == (200, b"%d" % number)


def test_what_is_never_refused_is_answered_under_a_flood(server: ServerThread) -> None:
    assert {status for status, *_ in flood(server.port, "/free", 4)} == {200}


def test_one_stall_is_no_overload() -> None:
    admission = Admission(patience, lambda end: None)
    now = perf_counter_ns()
    admission.turn(now - 100_000_000)
    admission._end()
    assert not admission.refuses(2 * PATIENCE, "/v1/x", {})
    assert admission.standing == 0


class Seen:
    """What the parser makes of a stream."""

    def __init__(self) -> None:
        self.complete = 0
        self.parser = httptools.HttpRequestParser(self)

    def on_message_complete(self) -> None:
        self.complete += 1


def overloaded() -> Admission:
    admission = Admission(patience, lambda end: None)
    admission._turns = (PATIENCE,) * 3
    admission.since = perf_counter_ns() - 10 * PATIENCE
    admission._reads = FEW + 1
    return admission


def test_few_callers_are_no_queue_however_slow_the_turns_are() -> None:
    admission = overloaded()
    assert admission.refuses(2 * PATIENCE, "/v1/x", {})
    admission._reads = FEW
    assert not admission.refuses(2 * PATIENCE, "/v1/x", {})


LINES = ["Content-Length: 3", "Content-Length: 0", "content-LENGTH:  3 ", "Content-Length: 3, 3", "Content-Length: +3"]
LINES += [
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Connection: close",
    "Upgrade: h2c",
    "X: Content-Length: 3",
]
LINES += ["Host: x", "X-Request-Timeout-Ms: 9", "Content-Length : 3", "A: b\nContent-Length: 5", ""]
ENDS = [b"", b"abc", b"abcd", b"ab", b"3\r\nabc\r\n0\r\n\r\n", b"abcGET / HTTP/1.1\r\n\r\n", b"\r\n"]


@given(
    st.sampled_from(["POST /v1/x HTTP/1.1", "POST /v1/x HTTP/1.0", "POST /v1/x  HTTP/1.1", "GET /v1/x HTTP/1.1"]),
    st.lists(st.sampled_from(LINES), max_size=4),
    st.sampled_from(ENDS),
)
def test_only_what_the_parser_takes_for_one_whole_request_is_refused_unparsed(
    start: str, lines: list[str], end: bytes
) -> None:
    data = "\r\n".join([start, *lines, "", ""]).encode() + end
    if overloaded().refuse_whole(data, wire.date_line(0)) is None:
        return
    seen = Seen()
    for part in (data, b"GET /next HTTP/1.1\r\n\r\n"):
        seen.parser.feed_data(part)
    assert seen.complete == 2
    assert seen.parser.should_keep_alive()


def test_a_plain_request_is_refused_unparsed() -> None:
    admission = overloaded()
    answer = admission.refuse_whole(request("/v1/x", b"abc"), wire.date_line(0))
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After-Ms: " in answer
    assert admission.refuse_whole(request("/free", b"abc"), wire.date_line(0)) is None


@pytest.mark.parametrize("value", [b"0", b"-1", b"soon", b"99999999999"])
def test_a_timeout_that_is_none_is_not_taken(value: bytes) -> None:
    with pytest.raises(ValueError):
        timeout_of({b"x-request-timeout-ms": value})


def test_nobody_works_for_a_client_that_has_gone() -> None:
    begun, ended, dropped = threading.Event(), threading.Event(), threading.Event()

    async def answer(request: Request) -> Response:
        begun.set()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            dropped.set()
            raise
        ended.set()
        return Response()

    with ServerThread(Echo(answer)) as running:
        with connect(running.port) as client:
            client.sendall(request("/v1/x", b"") * 3)
            assert begun.wait(5)
        assert dropped.wait(5)
        assert not ended.is_set()


def test_the_deadline_counts_from_the_first_byte_and_the_caller_may_set_it(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph(SLOW, deadline="10s"))
    with worker(tmp_path) as running:
        assert "fallback" not in post(running.port, "/v1/services/Score", payment(1))[1]
        status, told = post(running.port, "/v1/services/Score", payment(2), {"X-Request-Timeout-Ms": "20"})
        assert (status, told["fallback"]) == (200, "table")
        assert told["reason"].startswith("deadline: ")
        status, told = post(running.port, "/v1/services/Score", payment(3), {"X-Request-Timeout-Ms": "soon"})
        assert status == 400
        assert "x-request-timeout-ms" in told["error"]["where"]
        # Whose bytes come slowly has less time left; one that waits behind others too.
        with connect(running.port) as client:
            client.settimeout(60)
            body = b'{"id": "p4", "card": "c1", "amount": 1.0, "country": "SE"}'
            whole = b"POST /v1/services/Score HTTP/1.1\r\nX-Request-Timeout-Ms: 200\r\n"
            client.sendall(whole)
            time.sleep(0.3)
            client.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            _, _, answer = read_answer(client)
        assert b'"reason":"deadline: the deadline passed before the features' in answer
        assert post(running.port, "/v1/services/Score", payment(5))[0] == 200
        assert b"tidewheel_http_shed_requests" in get(running.port, "/metrics")[1]


class Busy:
    """A model whose thread is busy for so long (ns)."""

    def __init__(self, wait: int) -> None:
        self.wait = wait
        self.owed: list[Pending[float]] = []

    def __call__(self, words: object, until: int) -> Pending[float]:
        self.owed.append(Pending(until))
        return self.owed[-1]

    def predicted_wait(self) -> int:
        return self.wait


async def busy_model(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(shop) as running:
        backend, model = WorkerBackend(running), Busy(10**9)
        served = running.desk.services["Score"]
        assert served.decider.champion is not None
        scoring = GuardedScoring(model, Breaker("Fraud@1"), 10**12)
        served.decider = replace(served.decider, champion=replace(served.decider.champion, scoring=scoring))

        def ask(number: int, timeout: int = 0) -> Any:
            return backend.decide("Score", json.dumps(payment(number)).encode(), None, "", 0, timeout)

        first = asyncio.ensure_future(ask(1))
        await asyncio.sleep(0)
        assert len(model.owed) == 1
        with pytest.raises(OverloadedError, match="1 decisions of Score wait for its model"):
            ask(2, 500_000)
        second = asyncio.ensure_future(ask(3))
        await asyncio.sleep(0)
        monkeypatch.setattr("tidewheel.serving.backend.MOST_AWAITED", 2)
        with pytest.raises(OverloadedError):
            ask(4)
        assert len(model.owed) == 2
        # Another service is not held up, and whoever leaves makes room.
        gate = backend.decide("Gate", json.dumps(payment(5)).encode(), None, "")
        assert b'"decision":"allow"' in gate  # type: ignore[operator]  # bytes: nothing is awaited
        second.cancel()
        await asyncio.sleep(0)
        assert model.owed[1].dropped
        third = asyncio.ensure_future(ask(4))
        await asyncio.sleep(0)
        for owed in model.owed:
            owed.finish(0.25)
        assert b'"score":0.25' in await first
        assert b'"score":0.25' in await third
        assert running.metrics.total("refused") == 2


def test_what_would_wait_past_its_deadline_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        shop.deploy(shop.graph(), service="Gate", model="")
        asyncio.run(busy_model(shop, monkeypatch))


def test_numbers_longer_than_python_reads_are_no_reason_to_fail() -> None:
    digits = b"9" * 5000
    admission = overloaded()
    assert admission.refuses(2 * PATIENCE, "/v1/x", {b"x-request-timeout-ms": digits})
    plain = b"POST /v1/x HTTP/1.1\r\nContent-Length: " + digits + b"\r\n\r\n"
    assert admission.refuse_whole(plain, wire.date_line(0)) is None
