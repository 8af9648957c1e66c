"""The HTTP server of the data plane: a socket per worker (SO_REUSEPORT), and one tick for all deadlines."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote

from tidewheel.errors import ConfigError
from tidewheel.serving.transport import wire
from tidewheel.serving.transport.admission import Admission, Patience, no_patience
from tidewheel.serving.transport.bodies import Held
from tidewheel.serving.transport.connection import Connection
from tidewheel.serving.transport.deadlines import expire
from tidewheel.serving.transport.http import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from tidewheel.serving.transport.http import Request, Response
    from tidewheel.serving.transport.tls import Certificate

log = logging.getLogger("tidewheel.serving")

BACKLOG = 1024
HANDSHAKE_SECONDS = 10.0
MOST_TARGETS = 1000
SETTLE = 0.05
"""Seconds in which a stopping server still reads what clients had sent before they could know."""


class Handler(Protocol):
    """From a request to its answer; must not block, and be quick when it answers at once."""

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Return the answer, or something to wait for that gives it."""
        ...

    def body_limit(self, path: str) -> int:
        """Return the largest body, in bytes, that `path` takes whole."""
        ...

    def bulk_limit(self, path: str) -> int:
        """Return the largest body that `path` takes as it comes (`Request.stream`); 0 where it takes none so."""
        ...


def listening_socket(host: str, port: int, *, shared: bool = True) -> socket.socket:
    """Return a bound socket; `shared`, other workers may bind it too, and the kernel spreads connections over them.

    Raises
    ------
    ConfigError
        The address is in use by something else, or not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"can't listen on {host}:{port}: {error.strerror or error}",
            where="tidewheel.toml",
            remedy="set another host or port, or stop what uses it",
        ) from error
    bound.setblocking(False)
    return bound


class Target(NamedTuple):
    """What a request's target names: its path, decoded, its query, the largest body it takes, whole and as it comes."""

    path: str
    query: str
    limit: int
    bulk: int


class HttpServer:
    """Serves one handler on the running loop.

    Parameters
    ----------
    handler : Handler
        What answers.
    limits : Limits, optional
        Sizes and time-outs.
    tick : float
        Seconds between looks at the deadlines, and so their grain.
    certificate : Certificate, optional
        Speaks TLS with it; looked at again with each tick.
    patience : callable
        How long callers of a path wait: what can't be answered by then is refused while the worker is overloaded.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits | None = None,
        *,
        tick: float = 0.5,
        certificate: Certificate | None = None,
        patience: Patience = no_patience,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.held = Held(self.limits.held)
        self.admission = Admission(patience, asyncio.get_running_loop().call_soon)
        self.tick = tick
        self.ticks = 0
        self.date = wire.date_line(time.time())
        self.connections: set[Connection] = set()
        self.draining = False
        self.refused = 0
        self._targets: dict[bytes, Target] = {}
        self._certificate = certificate
        self._tls: dict[str, Any] = {}
        if certificate is not None:
            self._tls = {"ssl": certificate.context, "ssl_handshake_timeout": HANDSHAKE_SECONDS}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._queue: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, shared: bool = True) -> int:
        """Listen, and return the port."""
        bound = listening_socket(host, port, shared=shared)
        loop = asyncio.get_running_loop()
        self._queue = bound.dup()
        self._server = await loop.create_server(lambda: Connection(self), sock=bound, backlog=BACKLOG, **self._tls)
        self._timer = loop.call_later(self.tick, self._on_tick)
        return int(self._queue.getsockname()[1])

    def target_of(self, url: bytes) -> Target:
        """Return what a request's target names; few are asked for, over and over.

        Raises
        ------
        UnicodeDecodeError
            It is not UTF-8, percent-encoded.
        """
        found = self._targets.get(url)
        if found is None:
            path, _, query = url.decode("ascii").partition("?")
            if "%" in path:
                path = unquote(path, errors="strict")
            if len(self._targets) >= MOST_TARGETS:
                self._targets.clear()
            found = self._targets[url] = Target(
                path, query, self.handler.body_limit(path), self.handler.bulk_limit(path)
            )
        return found

    def limit_of(self, url: bytes) -> int:
        """Return the largest body that a request's target takes."""
        try:
            return self.target_of(url).limit
        except UnicodeDecodeError:
            return self.limits.body

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run an answer that takes its time; kept until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, grace: float = 10.0) -> None:
        """Take no new connections, finish what is under way, close; cut off what lasts longer than `grace` seconds."""
        self.draining = True
        if self._server is not None:
            self._server.close()
            self._accept_queued()
        await asyncio.sleep(SETTLE)
        for connection in tuple(self.connections):
            connection.drain()
        end = time.monotonic() + grace
        while (self.connections or self._tasks) and time.monotonic() < end:
            await asyncio.sleep(0.01)
        for connection in tuple(self.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _accept_queued(self) -> None:
        """Serve the connections that the kernel had taken for us and that closing the socket would reset."""
        queue, self._queue = self._queue, None
        if queue is None:
            return
        with queue:
            while True:
                try:
                    accepted, _ = queue.accept()
                except OSError:
                    return
                accepted.setblocking(False)
                self.spawn(self._take(accepted))

    async def _take(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: Connection(self), accepted, **self._tls)
        except OSError as error:
            log.debug("a connection ended in its handshake: %s", error)

    def _on_tick(self) -> None:
        # First: deadlines are to hold after whatever goes wrong with one of them.
        self._timer = asyncio.get_running_loop().call_later(self.tick, self._on_tick)
        self.ticks += 1
        self.admission.settle()
        self.date = wire.date_line(time.time())
        for connection in tuple(self.connections):
            try:
                expire(connection, self.ticks)
            except Exception:
                log.exception("a connection's deadline could not be held; it is cut off")
                if connection.transport is not None:
                    connection.transport.abort()
        if self._certificate is not None:
            self._certificate.refresh()
