"""The HTTP server against raw sockets: limits, deadlines, order, pressure, an orderly end."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.server import Echo, ServerThread, connect, read_all, read_answer, statuses

from tidewheel.errors import NotFoundError, OverloadedError
from tidewheel.serving.transport.connection import Connection
from tidewheel.serving.transport.deadlines import expire
from tidewheel.serving.transport.http import Limits, Owed, Request, Response

LIMITS = Limits(header_timeout=0.2, body_timeout=0.2, idle_timeout=0.4, write_timeout=0.4, pipelined=8, requests=1000)


async def slowly(request: Request) -> Response:
    await asyncio.sleep(0.1)
    return Response(body=b"slow")


def answer(request: Request) -> Response | object:
    match request.path:
        case "/slow":
            return slowly(request)
        case "/fail":
            raise RuntimeError("a bug")
        case "/missing":
            raise NotFoundError("no service 'Scor'", remedy="did you mean 'Score'?")
        case "/full":
            raise OverloadedError("the queue is full")
        case "/large":
            return Response(body=b"x" * 4_000_000)
        case _:
            return Response(body=request.path.encode() + b"|" + request.body)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    with ServerThread(Echo(answer), LIMITS) as running:  # type: ignore[arg-type]  # the slow one is a coroutine
        yield running


def ask(port: int, data: bytes) -> bytes:
    with connect(port) as client:
        client.sendall(data)
        return read_all(client)


def test_an_answer_has_length_date_and_type(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"POST /a%20b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        status, headers, body = read_answer(client)
    assert (status, body) == (200, b"/a b|hi")
    assert headers["content-type"] == "application/json"
    assert headers["date"].endswith("GMT")
    assert "connection" not in headers


def test_pipelined_requests_are_answered_in_order(server: ServerThread) -> None:
    requests = [b"GET /%d HTTP/1.1\r\n\r\n" % i for i in range(50)]
    requests[10] = requests[30] = b"GET /slow HTTP/1.1\r\n\r\n"
    with connect(server.port) as client:
        client.sendall(b"".join(requests))
        bodies = [read_answer(client)[2] for _ in requests]
    assert bodies == [b"slow" if i in (10, 30) else b"/%d|" % i for i in range(50)]


def test_a_chunked_body_is_put_together_and_its_trailers_forgotten(server: ServerThread) -> None:
    head = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    out = ask(server.port, head + b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n")
    assert out.endswith(b"/c|abcde")


def test_expect_continue_is_answered_before_the_body_is_sent(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert read_answer(client)[2] == b"/e|body"


def test_expect_continue_of_too_large_a_body_is_refused_at_once(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4000\r\n\r\n")
        assert statuses(read_all(client)) == [413]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /%ff HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 17_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 4000 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n1\r\nx\r\n", 413),
    ],
)
def test_a_bad_request_gets_its_status_and_a_json_error(server: ServerThread, data: bytes, status: int) -> None:
    out = ask(server.port, data)
    assert statuses(out) == [status]
    assert json.loads(out.partition(b"\r\n\r\n")[2])["error"]["what"]
    assert b"Connection: close" in out


def test_an_endless_header_is_refused_while_it_is_being_sent(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(40):
            try:
                client.sendall(b"a" * 1024)
            except OSError:
                break
            time.sleep(0.002)
        assert statuses(read_all(client)) == [431]


def test_headers_that_come_in_pieces_count_once(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"GET /ok HTTP/1.1\r\n")
        for i in range(12):
            client.sendall(b"H%d: " % i + b"a" * 1000 + b"\r\n")
            time.sleep(0.002)
        client.sendall(b"\r\n")
        assert read_answer(client)[0] == 200


def test_the_larger_limit_of_a_route_holds(server: ServerThread) -> None:
    body = b"x" * 60_000
    out = ask(server.port, b"POST /bulk HTTP/1.1\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n" + body)
    assert statuses(out) == [200]


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_request_that_does_not_go_on_gets_408(server: ServerThread, start: bytes) -> None:
    with connect(server.port) as client:
        client.sendall(start)
        assert statuses(read_all(client)) == [408]


def test_a_client_that_drips_headers_is_cut_off(server: ServerThread) -> None:
    begin = time.monotonic()
    with connect(server.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(OSError):
            while time.monotonic() - begin < 5:
                client.sendall(b"a")
                time.sleep(0.02)
    assert time.monotonic() - begin < 4


def test_each_owed_answer_is_told_on_its_own() -> None:
    owing: list[Owed] = []

    def owe(request: Request) -> Owed:
        owing.append(Owed())
        return owing[-1]

    def give() -> None:
        for owed in owing[:]:
            good = Response(body=b"here")
            owed.give(Response(headers=((b"odd", None),)) if owed is owing[1] else good)  # type: ignore[arg-type]

    with ServerThread(Echo(owe)) as running, ExitStack() as stack:
        clients = [stack.enter_context(connect(running.port)) for _ in range(3)]
        for number, client in enumerate(clients):
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while len(owing) <= number:
                time.sleep(0.001)
        running.loop.call_soon_threadsafe(give)
        assert [read_answer(clients[number])[2] for number in (0, 2)] == [b"here", b"here"]
        assert read_all(clients[1]) == b"", "cut off, not left waiting"


def test_deadlines_hold_after_one_of_them_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(connection: Connection, ticks: int) -> None:
        if connection.requests == 2:
            raise RuntimeError("a bug")
        expire(connection, ticks)

    monkeypatch.setattr("tidewheel.serving.transport.server.expire", failing)
    with ServerThread(Echo(lambda request: Response()), LIMITS) as running, connect(running.port) as odd:
        odd.sendall(b"GET / HTTP/1.1\r\n\r\n" * 2)
        assert statuses(read_all(odd)) == [200, 200]
        with connect(running.port) as idle:
            assert read_all(idle) == b""


def test_an_idle_connection_is_closed_in_silence(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_answer(client)
        assert read_all(client) == b""


@pytest.mark.parametrize(("path", "status"), [("/fail", 500), ("/missing", 404), ("/full", 503)])
def test_what_the_handler_raises_becomes_an_answer(server: ServerThread, path: str, status: int) -> None:
    with connect(server.port) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        got, headers, body = read_answer(client)
        assert got == status
        assert ("retry-after" in headers) == (status == 503)
        assert "traceback" not in body.decode().lower()
        client.sendall(b"GET /next HTTP/1.1\r\n\r\n")
        assert read_answer(client)[2] == b"/next|"


def test_head_has_the_length_and_no_body(server: ServerThread) -> None:
    out = ask(server.port, b"HEAD /abc HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 5" in out
    assert out.endswith(b"\r\n\r\n")


def test_http_1_0_closes_unless_asked_to_stay(server: ServerThread) -> None:
    assert b"Connection: close" in ask(server.port, b"GET / HTTP/1.0\r\n\r\n")
    with connect(server.port) as client:
        client.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert read_answer(client)[1]["connection"] == "keep-alive"


def test_an_upgrade_is_ignored_and_the_request_answered(server: ServerThread) -> None:
    out = ask(server.port, b"GET /u HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert out.endswith(b"/u|")


def test_a_client_that_has_stopped_sending_still_gets_its_answer(server: ServerThread) -> None:
    with connect(server.port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        client.shutdown(1)
        assert read_all(client).endswith(b"slow")


def test_a_client_that_does_not_read_is_held_and_then_cut_off(server: ServerThread) -> None:
    with connect(server.port) as client:
        for _ in range(5):
            client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        time.sleep(0.8)
        assert len(read_all(client)) < 5 * 4_000_000


def test_a_connection_is_closed_after_its_share_of_requests() -> None:
    with ServerThread(Echo(answer), Limits(requests=3)) as server, connect(server.port) as client:  # type: ignore[arg-type]  # as above
        client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 5)
        out = read_all(client)
        assert statuses(out) == [200] * 3
        assert out.count(b"Connection: close") == 1


def test_stopping_finishes_what_is_under_way() -> None:
    running = ServerThread(Echo(answer), LIMITS)  # type: ignore[arg-type]  # as above
    with running as server, connect(server.port) as busy, connect(server.port) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_answer(idle)
        busy.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        time.sleep(0.03)
        server.stop()
        status, headers, body = read_answer(busy)
        assert (status, headers["connection"], body) == (200, "close", b"slow")
        assert read_all(idle) == b""


def test_many_clients_at_once(server: ServerThread) -> None:
    failures: list[str] = []

    def client_of(number: int) -> None:
        with connect(server.port) as client:
            for i in range(100):
                client.sendall(b"GET /%d-%d HTTP/1.1\r\n\r\n" % (number, i))
                if read_answer(client)[2] != b"/%d-%d|" % (number, i):
                    failures.append(f"{number}-{i}")

    threads = [threading.Thread(target=client_of, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


PIECES = [
    b"GET / HTTP/1.1\r\n",
    b"POST /x HTTP/1.1\r\n",
    b"\r\n",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"abc",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\nUpgrade: x\r\n",
    b"HTTP/1.1",
    b" ",
    b"\x00",
    b"\xff" * 9,
    b"GET /slow HTTP/1.1\r\n\r\n",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=12))
def test_any_bytes_leave_the_server_standing(server: ServerThread, pieces: list[bytes]) -> None:
    with connect(server.port) as client:
        with suppress(OSError):
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(1)
        out = read_all(client)
    assert all(status in (100, 200, 400, 408, 413, 431) for status in statuses(out))
    with connect(server.port) as client:
        client.sendall(b"GET /alive HTTP/1.1\r\n\r\n")
        assert read_answer(client)[2] == b"/alive|"
