"""Answers that are sent piece by piece: whole, in order, at the client's pace, and ended when it leaves."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from tests.serving.server import Echo, ServerThread, connect, read_all

from tidewheel.errors import NotFoundError
from tidewheel.serving.transport.asgi import AsgiApp
from tidewheel.serving.transport.http import Request, Response
from tidewheel.serving.transport.streaming import Streamed


class Source:
    """Gives pieces, and notes how it ended."""

    def __init__(self, pieces: list[bytes], *, wait: float = 0.0, forever: bool = False) -> None:
        self.pieces, self.wait, self.forever = pieces, wait, forever
        self.given = 0
        self.ended = threading.Event()

    async def __call__(self) -> AsyncGenerator[bytes]:
        try:
            while True:
                for piece in self.pieces:
                    await asyncio.sleep(self.wait)
                    self.given += 1
                    yield piece
                if not self.forever:
                    return
        finally:
            self.ended.set()


def answering(source: Callable[[], AsyncGenerator[bytes]], **how: Any) -> Echo:
    async def later() -> Response:
        return Streamed(pieces=source(), **how)

    async def slow() -> Response:
        await asyncio.sleep(0.05)
        return Response(body=b"slow")

    def answer(request: Request) -> Any:
        return {"/stream": later, "/slow": slow}.get(request.path, lambda: Response(body=b"plain"))()

    return Echo(answer)


def test_a_stream_arrives_whole_and_the_connection_goes_on() -> None:
    pieces = [b"a" * 10, b"", b"bc", b"d" * 70_000]
    with ServerThread(answering(Source(pieces, wait=0.001))) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(2):
            client.request("GET", "/stream")
            answer = client.getresponse()
            assert answer.getheader("transfer-encoding") == "chunked"
            assert answer.read() == b"".join(pieces)
        client.request("HEAD", "/stream")
        assert client.getresponse().read() == b""
        client.request("GET", "/")
        assert client.getresponse().read() == b"plain"
        client.close()


def test_pipelined_answers_stay_in_order_around_a_stream() -> None:
    with ServerThread(answering(Source([b"one", b"two"]))) as server, connect(server.port) as client:
        lines = [f"GET {path} HTTP/1.1\r\n\r\n".encode() for path in ("/slow", "/stream", "/", "/stream")]
        client.sendall(b"".join(lines) + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        told = read_all(client)
        stream = b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        assert [told.count(b"HTTP/1.1 200"), told.count(stream)] == [5, 2]
        places = [
            told.index(b"slow"),
            told.index(stream),
            told.index(b"plain"),
            told.rindex(stream),
            told.rindex(b"plain"),
        ]
        assert places == sorted(places)


def test_an_old_client_gets_it_without_chunks() -> None:
    with ServerThread(answering(Source([b"one", b"two"]))) as server, connect(server.port) as client:
        client.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
        assert read_all(client).endswith(b"Connection: close\r\n\r\nonetwo")


def test_the_generator_ends_when_the_client_leaves() -> None:
    source = Source([b"x" * 100], wait=0.002, forever=True)
    with ServerThread(answering(source)) as server:
        with connect(server.port) as client:
            client.sendall(b"GET /stream HTTP/1.1\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert source.ended.wait(10)


def test_a_client_that_does_not_read_holds_the_generator_back() -> None:
    source = Source([b"x" * 65_536], forever=True)
    with ServerThread(answering(source)) as server, connect(server.port) as client:
        client.sendall(b"GET /stream HTTP/1.1\r\n\r\n")
        before = -1
        until = time.monotonic() + 10
        while before != source.given and time.monotonic() < until:
            before = source.given
            time.sleep(0.2)
        held = source.given
        assert held < 1000  # the sockets' buffers hold some megabytes
        for _ in range(300):
            client.recv(65_536)
        until = time.monotonic() + 10
        while source.given == held and time.monotonic() < until:
            time.sleep(0.01)
        assert source.given > held


def test_what_fails_before_the_first_piece_is_an_answer() -> None:
    async def fails() -> AsyncGenerator[bytes]:
        raise NotFoundError("no such thing")
        yield b""

    with ServerThread(answering(fails)) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        client.request("GET", "/stream")
        assert client.getresponse().status == 404
        client.close()


def test_what_fails_later_breaks_the_connection() -> None:
    async def fails() -> AsyncGenerator[bytes]:
        yield b"one"
        raise ValueError("two")

    with ServerThread(answering(fails)) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        client.request("GET", "/stream")
        answer = client.getresponse()
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            answer.read()
        client.close()


def test_an_endless_stream_ends_when_the_server_drains() -> None:
    source = Source([b"x"], wait=0.01, forever=True)
    with ServerThread(answering(source, endless=True)) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        client.request("GET", "/stream")
        answer = client.getresponse()
        assert answer.read(1) == b"x"
        server.stop()
        answer.read()  # to its proper end
        client.close()


def test_it_streams_over_asgi() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/stream", "query_string": b"", "headers": []}
    asyncio.run(AsgiApp(answering(Source([b"one", b"two"])))(scope, receive, send))
    assert [message.get("body") for message in sent] == [None, b"one", b"two", b""]


SCOPE = {"type": "http", "method": "GET", "path": "/stream", "query_string": b"", "headers": []}


def test_over_asgi_the_generator_ends_when_the_client_leaves() -> None:
    source = Source([b"x"], wait=0.001, forever=True)
    messages: list[Any] = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        await asyncio.sleep(0.02)
        return messages.pop(0)

    async def send(message: Any) -> None:
        """Some servers take in silence what nobody will get."""

    async def ask() -> None:
        async with asyncio.timeout(5):
            await AsgiApp(answering(source))(SCOPE, receive, send)

    asyncio.run(ask())
    assert source.ended.is_set()


def test_over_asgi_what_fails_before_the_first_piece_is_an_answer() -> None:
    async def broken() -> AsyncGenerator[bytes]:
        raise NotFoundError("no such thing")
        yield b""

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(AsgiApp(answering(broken))(SCOPE, receive, send))
    assert [message.get("status") for message in sent] == [404, None]


def test_over_asgi_half_a_body_is_no_request() -> None:
    messages: list[Any] = [{"type": "http.request", "body": b"[1,", "more_body": True}, {"type": "http.disconnect"}]
    asked: list[Request] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError("nobody is there")

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response()

    asyncio.run(AsgiApp(Echo(answer))({**SCOPE, "method": "POST"}, receive, send))
    assert not asked


def test_over_asgi_a_header_that_comes_twice_is_one_list() -> None:
    seen: list[Request] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        """Not looked at."""

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response()

    headers = [(b"Accept", b"text/plain"), (b"accept", b"text/event-stream")]
    asyncio.run(AsgiApp(Echo(answer))({**SCOPE, "headers": headers}, receive, send))
    assert seen[0].header(b"accept") == "text/plain, text/event-stream"
