"""An open-loop client: requests leave when they are due, whether or not answers come. No coordinated omission.

Arguments: port, requests a second (0: a closed loop), seconds, the deadline (ms). Prints one JSON object.
A request that finds no free connection waits for one, and is given up when its deadline has passed; latency counts
from when it was due.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import deque
from time import perf_counter

import numpy as np
import uvloop

CONNECTIONS = 800
CLOSED = 64
TICK = 0.001


class Client(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.due = 0.0
        self.left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        self.transport = transport
        self.load.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was under way as failed, and open another."""
        if self.due:
            self.load.lost += 1
        self.load.reopen()

    def ask(self, due: float) -> None:
        """Send a request that was due then."""
        self.due = due
        self.transport.write(self.load.request())

    def data_received(self, data: bytes) -> None:
        """Note the answer."""
        data = self.left + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + int(data[data.find(b"Content-Length: ") + 16 : end].split(b"\r\n")[0]):
            self.left = data
            return
        self.left = b""
        due, self.due = self.due, 0.0
        self.load.answered(data, perf_counter() - due)
        if b"Connection: close" in data:
            self.transport.close()
        else:
            self.load.free(self)


class Load:
    """The requests, their schedule and what became of them."""

    def __init__(self, port: int, rate: float, seconds: float, deadline: float) -> None:
        self.port, self.rate, self.seconds, self.deadline = port, rate, seconds, deadline
        self.tag, self.number = f"{time.time_ns():x}", 0
        self.idle: list[Client] = []
        self.waiting: deque[float] = deque()
        self.good = self.fallen = self.given_up = self.lost = 0
        self.accepted: list[float] = []
        self.refusals: list[float] = []
        self.open = True

    def request(self) -> bytes:
        """Return a request that was never sent before."""
        self.number = n = self.number + 1
        body = b'{"id":"%b-%d","card":"card-%d","terminal":"terminal-%d","amount":25.5}' % (
            self.tag.encode(), n, n * 7919 % 5000, n * 104729 % 500
        )  # fmt: skip
        return b"POST /v1/services/Score HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )

    def free(self, client: Client) -> None:
        """Give a connection its next request, if one is waiting."""
        now = perf_counter()
        while self.waiting:
            due = self.waiting.popleft()
            if now - due < self.deadline:
                client.ask(due)
                return
            self.given_up += 1
        if self.open and not self.rate:
            client.ask(now)
            return
        self.idle.append(client)

    def answered(self, data: bytes, took: float) -> None:
        """Count an answer."""
        if data.startswith(b"HTTP/1.1 200"):
            self.accepted.append(took)
            if b'"fallback"' in data:
                self.fallen += 1
            else:
                self.good += took < self.deadline
        elif data.startswith(b"HTTP/1.1 503"):
            self.refusals.append(took)
        else:
            self.lost += 1

    def reopen(self) -> None:
        """Open a connection in place of one that was closed."""
        if self.open:
            asyncio.get_running_loop().create_task(self.connect())

    async def connect(self) -> None:
        """Open a connection."""
        await asyncio.get_running_loop().create_connection(lambda: Client(self), "127.0.0.1", self.port)

    async def run(self) -> dict[str, float]:
        """Send for the time given; return what came of it."""
        for _ in range(CONNECTIONS if self.rate else CLOSED):
            await self.connect()
        start = perf_counter()
        due, end = start, start + self.seconds
        draw = random.Random(1).expovariate
        offered = 0
        while (now := perf_counter()) < end:
            while self.rate and due < now:
                offered += 1
                if self.idle:
                    self.idle.pop().ask(due)
                else:
                    self.waiting.append(due)
                due += draw(self.rate)
            await asyncio.sleep(TICK)
        self.open = False
        took = perf_counter() - start
        await asyncio.sleep(2 * self.deadline)
        accepted = np.array(self.accepted or [0.0])
        inside = accepted < self.deadline
        return {
            "offered_rps": offered / took,
            "answered_rps": len(self.accepted) / took,
            "goodput_rps": self.good / took,
            "inside": float(inside.mean()),
            "refused_rps": len(self.refusals) / took,
            "given_up_rps": (self.given_up + len(self.waiting)) / took,
            "fallbacks": self.fallen,
            "lost": self.lost,
            "p50_ms": float(np.quantile(accepted, 0.5)) * 1000,
            "p99_ms": float(np.quantile(accepted, 0.99)) * 1000,
            "refusal_p99_ms": float(np.quantile(self.refusals or [0.0], 0.99)) * 1000,
            "answers": len(self.accepted),
            "refusals": len(self.refusals),
        }


def main() -> None:
    """Run the load that the arguments describe."""
    port, rate, seconds, deadline = int(sys.argv[1]), *map(float, sys.argv[2:5])
    print(json.dumps(uvloop.run(Load(port, rate, seconds, deadline / 1000).run())))


if __name__ == "__main__":
    main()
