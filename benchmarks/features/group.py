"""The group: the events of `features/stream` folded by way of a broker, beside the same log folded by itself.

What is timed is the CPU of this process, and what a host spends on an event: the dealer reads the log, deals each event
to the partition of its key and sends it; a member takes what comes and folds it. Beside it, in the same run, each
partition's folder reads the log itself, as stream workers do without a group. States are compared to the byte before
anything is timed. The broker is a process of its own, whose time is not counted.
"""

from __future__ import annotations

import gc
import shutil
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from benchmarks.features.stream import GRAPH, GROUP, events, fill
from benchmarks.harness import report
from tests.kafka_server import KafkaServer, broker_binary

from tidewheel.collect.keeping.history import History
from tidewheel.features.folding.dealer import Dealer
from tidewheel.features.folding.dealt import PLACE, Inbox
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.storage.kafka.group import Member, SharedTopic
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore

PARTITIONS, RUNS, AT_ONCE = 4, 3, 500
PLAN = plan_group(GRAPH, GROUP)
EMPTY = 0.1


def folder(log: EventLog, lake: Lake, state: StateStore, partition: int, inbox: Inbox | None = None) -> Folder:
    return Folder(log, History(lake, log, GRAPH.sources), state, partition, GRAPH, [PLAN], inbox=inbox)


def alone(log: EventLog, lake: Lake, state: StateStore) -> tuple[float, float]:
    """Fold each partition from the log; return wall and CPU seconds."""
    with ExitStack() as stack:
        folders = [stack.enter_context(closing(folder(log, lake, state, k))) for k in range(PARTITIONS)]
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        for each in folders:
            each.catch_up()
        return time.perf_counter() - wall, time.process_time() - cpu


def grouped(log: EventLog, lake: Lake, state: StateStore, url: str, name: str) -> tuple[float, float]:
    """Deal the log out and fold what comes, in one thread; return wall and CPU seconds."""
    with ExitStack() as stack:
        topic = stack.enter_context(closing(SharedTopic(url, name, PARTITIONS)))
        topic.make(anew=True)
        dealer = Dealer(log, name, topic, GRAPH, [PLAN])
        dealer.next = 1
        inboxes = [Inbox(name) for _ in range(PARTITIONS)]
        folders = [stack.enter_context(closing(folder(log, lake, state, k, inboxes[k]))) for k in range(PARTITIONS)]
        member = stack.enter_context(closing(Member(topic, name, "00", lambda: None)))
        while len(member.assigned) < PARTITIONS:
            member.take(AT_ONCE, EMPTY)
        for k in range(PARTITIONS):
            member.follow(k, 0)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        head = log.head() - 1
        while min(each.position() for each in folders) < head:
            dealer.step()
            for partition, place, value in member.take(AT_ONCE, EMPTY):
                inboxes[partition].put(place, value)
            for each in folders:
                each.step()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        assert all(of[PLACE] > 0 for of in state.offsets()), "it was dealt, and not read from the log"
        return spent


def blobs(state: StateStore) -> list[tuple[bytes, bytes]]:
    return [(bytes(key), bytes(blob)) for key, blob in state.scan(PLAN.state_id)]


def compared(log: EventLog, lake: Lake, base: Path, url: str) -> list[tuple[float, ...]]:
    """Fold both ways in turn; return wall and CPU seconds of the log, and of the group. The first turn warms up."""
    spent = []
    for run in range(RUNS + 1):
        with (
            closing(StateStore.open(base / f"log{run}", PARTITIONS)) as first,
            closing(StateStore.open(base / f"group{run}", PARTITIONS)) as second,
        ):
            times = (*alone(log, lake, first), *grouped(log, lake, second, url, f"run{run}"))
            assert run or blobs(first) == blobs(second)
        if run:
            spent.append(times)
            print("  run {}/{}  log {:.2f} s ({:.2f} cpu)  group {:.2f} s ({:.2f} cpu)".format(run, RUNS, *times))
    return spent


def main() -> bool:
    rows = events()
    base = Path(tempfile.mkdtemp(prefix="group-"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = KafkaServer(broker_binary(), port)
    try:
        with closing(EventLog.open(base / "log", sync="second")) as log:
            fill(log, rows)
            spent = compared(log, Lake(base / "lake"), base, server.url)
    finally:
        server.kill()
        shutil.rmtree(base)
    _, cpu_log, wall, cpu = np.median(spent, axis=0).tolist()
    figures = {
        "events": len(rows),
        "partitions": PARTITIONS,
        "group_events_per_cpu_second": len(rows) / cpu,
        "log_events_per_cpu_second": len(rows) / cpu_log,
        "group_events_per_second": len(rows) / wall,
    }
    return report("features/group", figures, {"over_reading_the_log": cpu_log / cpu}, {"over_reading_the_log": 0.5})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
