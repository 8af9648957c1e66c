"""A small HTTP/1.1 client that keeps a few connections busy: enough to replay a year in minutes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass
class Answer:
    """What came back: status and body."""

    status: int = 0
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests are pipelined and answered in order.

    A server may close a connection between requests, to spread its callers. What was not answered is
    sent again on a new one: an event is taken once and a decision made once, by its id.
    """

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._waiting: deque[tuple[bytes, asyncio.Future[Answer]]] = deque()
        self._answer = Answer()
        self._transport: asyncio.Transport | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Connect; send what waits."""
        await asyncio.get_running_loop().create_connection(lambda: self, *self._place)
        self._reopening = None

    def request(self, head: bytes, body: bytes) -> asyncio.Future[Answer]:
        """Send one request; the future ends with its answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        data = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        self._waiting.append((data, future))
        if self._transport is not None:
            self._transport.write(data)
        return future

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()
        self._transport.writelines([data for data, _ in self._waiting])

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._closed:
            self._reopening = asyncio.get_running_loop().create_task(self.open())

    def on_body(self, body: bytes) -> None:
        self._answer.chunks.append(body)

    def on_message_complete(self) -> None:
        answer = self._answer
        answer.status = self._parser.get_status_code()
        answer.body = b"".join(answer.chunks)
        self._answer = Answer()
        _, future = self._waiting.popleft()
        future.set_result(answer)
        if not self._parser.should_keep_alive() and self._transport is not None:
            transport, self._transport = self._transport, None
            transport.close()


class Client:
    """Spreads requests over some connections to one host."""

    def __init__(self, connections: Sequence[Connection], host: str) -> None:
        self._connections = connections
        self._host = host
        self._next = 0

    @classmethod
    async def connect(cls, host: str, port: int, connections: int) -> Client:
        """Open the connections."""
        opened = [Connection(host, port) for _ in range(connections)]
        for connection in opened:
            await connection.open()
        return cls(opened, f"{host}:{port}")

    def post(self, path: str, body: bytes, now: int) -> asyncio.Future[Answer]:
        """POST a body at the caller's instant `now` (µs), on the next connection in turn."""
        self._next = (self._next + 1) % len(self._connections)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\ntidewheel-now: {now}\r\n"
        )
        return self._connections[self._next].request(head.encode(), body)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            connection.close()
