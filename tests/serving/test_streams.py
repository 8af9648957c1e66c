"""Byte streams, cut and damaged at random, against the protocol object itself: the same answers, in order, no rest."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.server import Echo
from tests.serving.test_handler import Shop

from tidewheel.errors import NotFoundError
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.transport.asgi import AsgiApp
from tidewheel.serving.transport.connection import Connection
from tidewheel.serving.transport.http import Limits, Request, Response
from tidewheel.serving.transport.server import HttpServer

LIMITS = Limits(pipelined=3)


class Pipe(asyncio.Transport):
    """A transport in memory: what is written is kept, and what comes waits while reading is paused."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.waiting: list[bytes] = []
        self.reading, self.closed = True, False
        self.connection = Connection(server)
        self.connection.connection_made(self)

    def feed(self, data: bytes) -> None:
        self.waiting.append(data)
        self.pump()

    def pump(self) -> None:
        while self.reading and not self.closed and self.waiting:
            self.connection.data_received(self.waiting.pop(0))

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written.append(bytes(data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        asyncio.get_running_loop().call_soon(self.pump)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


async def later(request: Request) -> Response:
    for _ in range(len(request.path) % 5):
        await asyncio.sleep(0)
    return Response(body=request.path.encode() + b"!" + request.body)


def answer(request: Request) -> Any:
    if request.path.endswith("later"):
        return later(request)
    if request.path.endswith("none"):
        raise NotFoundError(f"no {request.path}")
    return Response(body=request.path.encode() + b"?" + request.body)


async def converse(pieces: list[bytes]) -> tuple[bytes, bool]:
    """Send pieces over one connection; return what came back, and whether it was closed. Nothing may be left over."""
    server = HttpServer(Echo(answer), LIMITS)
    server.date = b"Date: now\r\n"
    pipe = Pipe(server)
    for piece in pieces:
        pipe.feed(piece)
        await asyncio.sleep(0)
    for _ in range(400):
        await asyncio.sleep(0)
        if not pipe.connection.slots and not pipe.waiting:
            break
    assert not pipe.connection.slots
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    closed, out = pipe.closed, b"".join(pipe.written)
    pipe.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not server._tasks
    assert not server.connections
    return out, closed


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    path = draw(st.sampled_from([b"/a", b"/b/later", b"/later", b"/cc/later", b"/none", b"/%C3%A9?q=1"]))
    body = draw(st.binary(max_size=40))
    extra = draw(st.sampled_from([b"", b"Host: x\r\n", b"X-A: b\r\nX-A: c\r\n", b"Connection: keep-alive\r\n"]))
    match draw(st.integers(0, 3)):
        case 0:
            return b"GET %b HTTP/1.1\r\n%b\r\n" % (path, extra)
        case 1:
            cut = draw(st.integers(0, len(body)))
            chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:cut], body[cut:]) if part]
            head = b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (path, extra)
            return head + b"".join(chunks) + b"0\r\n\r\n"
        case 2:
            extra += b"Expect: 100-continue\r\n"
    return b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (path, extra, len(body), body)


def cut_up(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges) if start < end]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=8), CUTS)
def test_a_stream_is_answered_the_same_however_it_is_cut(stream: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(stream)
    # One request at a time, so that nothing stands before another.
    alone = [asyncio.run(converse([request]))[0] for request in stream]
    out, closed = asyncio.run(converse(cut_up(whole, cuts)))
    assert out == b"".join(alone)
    assert not closed


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from(["flip", "drop", "add"]),
        st.sampled_from([b"\x00", b"\r\n", b"\n", b" ", b":", b"\xff", b"0", b"9", b"a", b"\r\n\r\n", b"HTTP/1.0"]),
    ),
    min_size=1,
    max_size=4,
)


def damaged(stream: bytes, changes: list[tuple[int, str, bytes]]) -> bytes:
    for place, how, what in changes:
        at = place % (len(stream) + 1)
        stream = stream[:at] + (b"" if how == "drop" else what) + stream[at + (how != "add") :]
    return stream


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(requests(), min_size=1, max_size=5), CHANGES, CUTS)
def test_a_damaged_stream_ends_in_answers_or_a_refusal(
    stream: list[bytes], changes: list[tuple[int, str, bytes]], cuts: list[int]
) -> None:
    whole = damaged(b"".join(stream), changes)
    out, closed = asyncio.run(converse([whole]))
    again, closed_too = asyncio.run(converse(cut_up(whole, cuts)))
    told = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", out)]
    assert set(told) <= {100, 200, 400, 404, 413, 431}
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", again)] == told
    assert closed == closed_too
    # A refusal is the last thing said. (Where the path is not UTF-8 the stream goes on.)
    assert 400 not in told[:-1] or b"the path is not UTF-8" in out


ASKED = [
    ("GET", "/healthz", b""),
    ("HEAD", "/healthz", b""),
    ("GET", "/readyz", b""),
    ("GET", "/metrics", b""),
    ("GET", "/v1/status", b""),
    ("POST", "/v1/status", b""),
    ("POST", "/v1/services/Score", b"{}"),
    ("POST", "/v1/services/Score", b"later"),
    ("POST", "/v1/services/Scor", b"{}"),
    ("GET", "/v1/services/Score", b""),
    ("POST", "/v1/services/", b"{}"),
    ("POST", "/v1/events/Transaction", b"[]"),
    ("POST", "/v1/features/CardHistory", b"{}"),
    ("GET", "/v1/decisions/D1", b""),
    ("GET", "/v1/decisions/D2", b""),
    ("GET", "/nowhere", b""),
    ("POST", "/v1/services/Score", b"x" * 2_000_000),
]


async def by_asgi(handler: Handler, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Any:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await AsgiApp(handler)(scope, receive, send)
    found = {name.lower(): value for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


async def by_stream(handler: Handler, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Any:
    pipe = Pipe(HttpServer(handler))
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    length = b"Content-Length: %d\r\n" % len(body)
    pipe.feed(b"%b %b HTTP/1.1\r\n%b%b\r\n%b" % (method.encode(), path.encode(), lines, length, body))
    while not pipe.written:
        await asyncio.sleep(0)
    head, _, answered = b"".join(pipe.written).partition(b"\r\n\r\n")
    status, *told = head.split(b"\r\n")
    found = {name.lower(): value for name, _, value in (line.partition(b": ") for line in told)}
    for own in (b"date", b"connection"):
        found.pop(own, None)
    return int(status.split()[1]), found, answered


def test_behind_asgi_the_answers_are_the_same() -> None:
    asyncio.run(compare())


async def compare() -> None:
    for method, path, body in ASKED:
        for headers in ([], [(b"x-request-timeout-ms", b"soon")], [(b"tidewheel-now", b"never")]):
            handler = Handler(Shop())
            ours = await by_stream(handler, method, path, headers, body)
            assert await by_asgi(handler, method, path, headers, body) == ours, (method, path, headers)
