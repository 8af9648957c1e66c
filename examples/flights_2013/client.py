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
    """One keep-alive connection; requests are pipelined and answered in order."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self._answer = Answer()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def request(self, head: bytes, body: bytes) -> asyncio.Future[Answer]:
        """Send one request; the future ends with its answer."""
        assert self._transport is not None
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        return future

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(exc or ConnectionError("the server hung up"))

    def on_body(self, body: bytes) -> None:
        self._answer.chunks.append(body)

    def on_message_complete(self) -> None:
        answer = self._answer
        answer.status = self._parser.get_status_code()
        answer.body = b"".join(answer.chunks)
        self._answer = Answer()
        self._waiting.popleft().set_result(answer)


class Client:
    """Spreads requests over some connections to one host."""

    def __init__(self, connections: Sequence[Connection], host: str) -> None:
        self._connections = connections
        self._host = host
        self._next = 0

    @classmethod
    async def connect(cls, host: str, port: int, connections: int) -> Client:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        pairs = [await loop.create_connection(Connection, host, port) for _ in range(connections)]
        return cls([connection for _, connection in pairs], f"{host}:{port}")

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
