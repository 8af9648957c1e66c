"""What the decision journal adds to a request, and what random kill -9 of its worker lose of answered decisions.

Cost: a worker in a process of its own, whole path over HTTP, once with its journal and once with one that does nothing
(it exists here alone), both without the way of decided events from the journal into the log; a third time with that.
Processor time of the process a request in a closed loop of 32 connections, p99 in an open one. Loss: a worker is
killed under load at random moments; every decision that was answered must stand in the journal as it was told.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from benchmarks.harness import report
from benchmarks.serving.workspace import Made, make

from tidewheel.capacity.driver import arrivals, drive
from tidewheel.capacity.requests import requests
from tidewheel.capacity.sizing import point
from tidewheel.runtime.config import load_config
from tidewheel.serving.deciding.answers import Answer, answer_of, decode_answer
from tidewheel.serving.worker import read_addresses
from tidewheel.storage.journal.decisions import decode_decision
from tidewheel.storage.journal.segments import list_segments, read_segment
from tidewheel.workspace.rollouts.capacity import cpu_seconds

KILLS = int(os.environ.get("KILLS", "50"))
RUNS, REQUESTS, RATE, SECONDS = int(os.environ.get("RUNS", "5")), 4000, 400.0, 5.0
CONNECTIONS, MOST_CPU, MOST_P99_MS = 32, 0.25, 1.0
RUN_WORKER = """
import signal, sys
from tidewheel.runtime.child import Life, Order
from tidewheel.serving import service
from tidewheel.serving import worker
if sys.argv[2] != "whole":
    from tidewheel.collect.appending.appender import Appender

    Appender.ship = lambda self: None
if sys.argv[2] == "none":
    from concurrent.futures import Future

    from tidewheel.serving.deciding import desk

    desk.encode_decision = lambda record: b""

    class Nothing:
        done = Future()
        done.set_result(None)

        @classmethod
        def open(cls, folder, writer):
            return cls()

        def append(self, payload):
            return "none-00000001", 8

        def append_all(self, payloads):
            return [self.append(payload) for payload in payloads]

        def commit(self, timeout=10.0):
            pass

        def committed(self):
            return self.done

        def unsynced(self):
            return 0

        def unsynced_bytes(self):
            return 0

        def sync_age(self):
            return 0.0

        def close(self):
            pass

    service.JournalWriter = Nothing
life = Life(Order("worker", "", {}, 2, 0))
signal.signal(signal.SIGTERM, lambda *_: life.stop())
worker.main(life, sys.argv[1])
"""


@contextmanager
def serving(folder: Path, journal: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a worker on CPU 0; give its process and its port."""
    command = ["taskset", "-c", "0", sys.executable, "-P", "-c", RUN_WORKER, str(folder), journal]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        run, end = load_config(folder, variables={}).layout.run, time.monotonic() + 90
        while not any(address.pid == process.pid for address in read_addresses(run)):
            if time.monotonic() > end or process.poll() is not None:
                sys.exit("the worker did not start")
            time.sleep(0.05)
        yield process, next(address.port for address in read_addresses(run) if address.pid == process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def rows_of(made: Made) -> list[dict[str, object]]:
    return [{"card": card, "terminal": terminal, "amount": 25.5} for card, terminal in made.keys[:500]]


def cost(made: Made, journal: str) -> dict[str, float]:
    """Return the worker's microseconds of processor a request, and its latencies in an open loop."""
    rows, run = rows_of(made), f"{journal}-{time.time_ns()}"
    with serving(made.folder, journal) as (process, port):
        drive("127.0.0.1", port, arrivals(RATE, 1.0), requests("Score", rows, "id", f"w{run}"))
        before = cpu_seconds(process.pid)
        # All due at once over 32 connections: a closed loop, in which flushes are shared as they are under load.
        ask = requests("Score", rows, "id", f"c{run}")
        closed = drive("127.0.0.1", port, np.zeros(REQUESTS), ask, connections=CONNECTIONS, patience=60.0)
        asked, used = int((closed.statuses == 200).sum()), cpu_seconds(process.pid) - before
        open_loop = drive("127.0.0.1", port, arrivals(RATE, SECONDS), requests("Score", rows, "id", f"o{run}"))
    found = point(open_loop)
    return {"cpu_us": used / asked * 1e6, "p50_ms": found.p50, "p99_ms": found.p99}


def read_body(client: socket.socket) -> bytes:
    """Read one answer; raises when the connection ends within it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(client)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(head.decode())
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += received(client)
    return body


def received(client: socket.socket) -> bytes:
    part = client.recv(65536)
    if not part:
        raise ConnectionError("the connection ended")
    return part


def ask_until_killed(port: int, request: object, answered: list[bytes]) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port)) as client:
            for number in range(10**9):
                client.sendall(request(number))  # type: ignore[operator]
                answered.append(read_body(client))
    except OSError:
        return


def lost(made: Made) -> tuple[int, int]:
    """Kill workers at random moments; return the answered decisions, and how many of them are not journalled so."""
    chance, answered = random.Random(11), []
    for kill in range(KILLS):
        with serving(made.folder, "whole") as (process, port):
            asks = [requests("Score", rows_of(made), "id", f"k{kill}-{n}-{time.time_ns()}") for n in range(4)]
            threads = [threading.Thread(target=ask_until_killed, args=(port, ask, answered)) for ask in asks]
            for thread in threads:
                thread.start()
            time.sleep(0.05 + chance.random() * 0.5)
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
        if (kill + 1) % 10 == 0:
            print(f"  {kill + 1} of {KILLS} killed, {len(answered)} decisions answered", flush=True)
    kept = journalled(load_config(made.folder, variables={}).layout.journal)
    told = [decode_answer(body) for body in answered]
    return len(told), sum(kept.get(answer.decision_id) != answer for answer in told)


def journalled(folder: Path) -> dict[str, Answer]:
    records = (decode_decision(payload) for path in list_segments(folder) for _, _, payload in read_segment(path))
    return {record.decision_id: answer_of(record) for record in records}


def main() -> bool:
    """Measure cost and loss; return whether the goals are met."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    found: dict[str, list[dict[str, float]]] = {"none": [], "journal": [], "whole": []}
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "ws")
        for turn in range(RUNS):
            for journal in list(found)[:: 1 if turn % 2 else -1]:
                found[journal].append(cost(made, journal))
                print(f"  run {turn + 1}/{RUNS}  {journal:<8} {json.dumps(found[journal][-1])}", flush=True)
        answered, missing = lost(made)
    figures = {
        f"{name}_{key}": statistics.median(r[key] for r in rows) for name, rows in found.items() for key in rows[0]
    }
    pairs = list(zip(found["journal"], found["none"], strict=True))
    more_cpu = statistics.median(real["cpu_us"] / none["cpu_us"] - 1.0 for real, none in pairs)
    more_p99 = statistics.median(real["p99_ms"] - none["p99_ms"] for real, none in pairs)
    figures |= {"added_cpu": more_cpu, "added_p99_ms": more_p99, "answered": float(answered), "lost": float(missing)}
    for name, value in figures.items():
        print(f"  {name:<14} {value:10.3f}")
    ratios = {
        "cpu_within": (1 + MOST_CPU) / (1 + more_cpu),
        "p99_within": (figures["none_p99_ms"] + MOST_P99_MS) / (figures["none_p99_ms"] + more_p99),
        "none_lost": float(missing == 0 and answered > 0),
    }
    return report("serving/journal", figures, ratios, dict.fromkeys(ratios, 1.0))


if __name__ == "__main__":
    sys.exit(not main())
