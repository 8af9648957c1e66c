"""A server on a thread of its own, and clients that speak bytes."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import uvloop

from tidewheel.serving.transport.http import Limits, Request, Response
from tidewheel.serving.transport.server import Handler, HttpServer
from tidewheel.serving.transport.tls import Certificate

Answer = Callable[[Request], Response | Awaitable[Response]]


class Echo:
    """Answers from a function; 1 KiB bodies, 64 KiB under /bulk."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        return self.answer(request)

    def body_limit(self, path: str) -> int:
        return 65536 if path.startswith("/bulk") else 1024

    def bulk_limit(self, path: str) -> int:
        return 1 << 24 if path.startswith("/stream") else 0


class ServerThread:
    """Runs an HttpServer until the block ends."""

    def __init__(
        self,
        handler: Handler,
        limits: Limits | None = None,
        tick: float = 0.02,
        certificate: Certificate | None = None,
    ) -> None:
        self.handler, self.limits, self.tick, self.certificate = handler, limits, tick, certificate
        self.port = 0
        self._stopping = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.server = HttpServer(self.handler, self.limits, tick=self.tick, certificate=self.certificate)
        self._stop = asyncio.Event()
        self.port = await self.server.start()
        self._ready.set()
        await self._stop.wait()
        await self.server.drain(grace=2.0)

    def stop(self) -> None:
        if self._thread.is_alive() and not self._stopping:
            self._stopping = True
            self.loop.call_soon_threadsafe(self._stop.set)

    def __enter__(self) -> ServerThread:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextmanager
def connect(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        yield client


def read_all(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def read_answer(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer: status, headers, body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(1)
        if not part:
            raise EOFError(data)
        data += part
    head, _, _ = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = b""
    while due := int(headers.get("content-length", "0")) - len(body):
        body += client.recv(due)
    return int(status_line.split()[1]), headers, body


def statuses(data: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]
