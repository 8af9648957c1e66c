"""Open-loop load: requests leave when they are due, whether or not earlier ones were answered.

A client that waits for an answer before it asks again slows down with the server, and measures a moment of stillness
as one slow request instead of as many (coordinated omission). So when each request is due is drawn beforehand, and its
latency counts from then: waiting for a free connection, for a new one, or for this client itself is part of it.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, cast

import httptools
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CONNECTIONS = 256
"""Most connections at once; requests beyond that wait for one."""
OPENED_BEFORE = 16
PATIENCE = 5.0
"""Seconds after the last request was due in which answers are waited for."""
SLEEP_AHEAD = 0.0001
"""A sleep ends about so much later than it was asked to."""


class Run(NamedTuple):
    """What came of one run of requests.

    Attributes
    ----------
    due : float64 array
        When each request was due, seconds from the start.
    seconds : float64 array
        From when it was due to its whole answer; NaN where none came.
    statuses : int64 array
        Of the answers; 0 where none came.
    broken : int
        Connections that ended with a request under way.
    client : float
        Share of one core that the client used; near 1 it measured itself.
    bodies : list of bytes
        The answers, where they were kept; empty otherwise.
    """

    due: Floats
    seconds: Floats
    statuses: Ints
    broken: int
    client: float
    bodies: list[bytes]


def arrivals(rate: float, seconds: float, how: Literal["poisson", "constant"] = "poisson", seed: int = 0) -> Floats:
    """Return when requests are due, in seconds from the start.

    Parameters
    ----------
    rate : float
        Requests a second.
    seconds : float
    how : {"poisson", "constant"}
        Independent of each other, as callers who know nothing of each other are; or evenly spaced.
    seed : int

    Examples
    --------
    >>> arrivals(4.0, 1.0, "constant").tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    n = max(1, round(rate * seconds))
    if how == "constant":
        return np.arange(n, dtype=np.float64) / rate
    gaps: Floats = np.random.default_rng(seed).exponential(1.0 / rate, n)
    gaps[0] = 0.0
    return np.cumsum(gaps)


def drive(
    host: str,
    port: int,
    due: Floats,
    request: Callable[[int], bytes],
    *,
    connections: int = CONNECTIONS,
    patience: float = PATIENCE,
    keep: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Run:
    """Send requests when they are due, and return what came of them.

    Parameters
    ----------
    host, port : str, int
        Where.
    due : float64 array
        When, in seconds from the start, rising.
    request : callable
        Gives the bytes of the HTTP request of a number.
    connections : int
        Most connections at once.
    patience : float
        Seconds to wait for answers at the end.
    keep : bool
        Keep the answers' bodies.
    tls : ssl.SSLContext, optional
        Speak HTTPS.

    Raises
    ------
    OSError
        Nothing listens there.
    """
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Driver(host, port, due, request, connections, patience, keep, tls).run())


class _Driver:
    def __init__(
        self,
        host: str,
        port: int,
        due: Floats,
        request: Callable[[int], bytes],
        connections: int,
        patience: float,
        keep: bool,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.tls = tls
        self.host, self.port, self.request, self.keep = host, port, request, keep
        self.due, self.times = due, due.tolist()
        self.patience, self.most = patience, connections
        self.seconds, self.statuses = np.full(due.size, np.nan), np.zeros(due.size, np.int64)
        self.bodies = [b""] * due.size if keep else []
        self.sent = self.over = self.open = self.broken = 0
        self.free: list[_Caller] = []
        self.callers: set[_Caller] = set()
        self.waiting: deque[int] = deque()
        self.opening: set[asyncio.Task[None]] = set()
        self.start = math.inf
        self.finished = asyncio.Event()

    async def run(self) -> Run:
        self.loop = asyncio.get_running_loop()
        for _ in range(min(OPENED_BEFORE, self.most)):
            await self.connect()
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        self.start = time.perf_counter() + 0.02
        busy = time.thread_time()
        self.loop.add_reader(mine, self.woken, mine)
        bell = threading.Thread(target=_ring, args=(theirs, self.times, self.start), daemon=True)
        bell.start()
        try:
            async with asyncio.timeout(float(self.due[-1]) + self.patience):
                await self.finished.wait()
        except TimeoutError:
            self.waiting.clear()
        busy, took = time.thread_time() - busy, time.perf_counter() - self.start
        self.loop.remove_reader(mine)
        mine.close()
        await asyncio.to_thread(bell.join)
        await self.hang_up()
        return Run(self.due, self.seconds, self.statuses, self.broken, busy / took, self.bodies)

    async def hang_up(self) -> None:
        """Close every connection: a loop with open ones may not end."""
        for task in self.opening:
            task.cancel()
        while self.callers:
            for caller in self.callers:
                caller.close()
            await asyncio.sleep(0.001)

    async def connect(self) -> None:
        self.open += 1
        try:
            async with asyncio.timeout(self.patience):
                await self.loop.create_connection(lambda: _Caller(self), self.host, self.port, ssl=self.tls)
        except OSError:
            self.open -= 1
            if math.isinf(self.start):  # the run has not begun
                raise
            if self.waiting:  # nobody listens: the request has its answer
                self.settle(self.waiting.popleft(), 0, b"")

    def woken(self, bell: socket.socket) -> None:
        bell.recv(4096)
        self.pump()

    def pump(self) -> None:
        """Send what is due by now."""
        now, times, n = time.perf_counter() - self.start, self.times, len(self.times)
        while self.sent < n and times[self.sent] <= now:
            self.waiting.append(self.sent)
            self.sent += 1
        while self.waiting and self.free:
            self.free.pop().send(self.waiting.popleft())
        for _ in range(min(len(self.waiting) - len(self.opening), self.most - self.open)):
            task = self.loop.create_task(self.connect())
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    def settle(self, number: int, status: int, body: bytes) -> None:
        """Note an answer, or with status 0 that there will be none."""
        if status:
            self.seconds[number] = time.perf_counter() - self.start - self.times[number]
            self.statuses[number] = status
            if self.keep:
                self.bodies[number] = body
        self.over += 1
        if self.over == len(self.times):
            self.finished.set()


class _Caller(asyncio.Protocol):
    """One connection, with at most one request under way."""

    def __init__(self, driver: _Driver) -> None:
        self.driver = driver
        self.number = -1
        self.parser: httptools.HttpResponseParser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.driver.callers.add(self)
        self.driver.free.append(self)
        self.driver.pump()

    def send(self, number: int) -> None:
        self.number = number
        self.transport.write(self.driver.request(number))

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_body(self, body: bytes) -> None:
        if self.driver.keep:
            self.body.append(body)

    def on_message_complete(self) -> None:
        driver, number = self.driver, self.number
        self.number = -1
        driver.settle(number, self.parser.get_status_code(), b"".join(self.body))
        self.body.clear()
        if self.parser.should_keep_alive():
            self.parser = httptools.HttpResponseParser(self)
            driver.free.append(self)
        else:
            self.transport.close()
        driver.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        driver = self.driver
        driver.open -= 1
        driver.callers.discard(self)
        if self in driver.free:
            driver.free.remove(self)
        if self.number >= 0:
            driver.broken += 1
            driver.settle(self.number, 0, b"")
        driver.pump()

    def close(self) -> None:
        self.transport.abort()


def _ring(bell: socket.socket, times: list[float], start: float) -> None:
    """Wake the loop whenever something is due: a sleeping thread is on time to 0.1 ms, the loop's timers to 1 ms."""
    with bell:
        at = 0
        while at < len(times):
            left = times[at] + start - time.perf_counter() - SLEEP_AHEAD
            if left > 0:
                time.sleep(left)
            try:
                bell.send(b"!")
            except OSError:
                return  # the run is over
            now = time.perf_counter() - start + SLEEP_AHEAD
            while at < len(times) and times[at] <= now:
                at += 1
