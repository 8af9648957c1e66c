"""The group: the events of `features/stream`, folded by way of a broker, beside the same log folded on its own.

What is timed in CPU seconds of this process is what a host spends on an event: the dealer reads the log, deals each event
to the partition of its key and sends it; members take what comes and fold it into the state under their leases. Beside
it, in the same run, as many folders read the same log themselves, as stream workers do without a group. States are compared to
the byte before anything is timed. The broker is a process of its own, whose time is not counted.
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


def main() -> bool:
    rows = events()
    base = Path(tempfile.mkdtemp(prefix="group-"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = KafkaServer(broker_binary(), port)
    own: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    try:
        log, lake = EventLog.open(base / "log", sync="second"), Lake(base / "lake")
        fill(log, rows)
        for run in range(RUNS + 1):
            with (
                closing(StateStore.open(base / f"own{run}", PARTITIONS)) as first,
                closing(StateStore.open(base / f"group{run}", PARTITIONS)) as second,
            ):
                own.append(alone(log, lake, first))
                ours.append(grouped(log, lake, second, server.url, f"run{run}"))
                if not run:
                    assert blobs(first) == blobs(second)
            took = [f"{name} {of[-1][0]:.2f} s ({of[-1][1]:.2f} cpu)" for name, of in (("log", own), ("group", ours))]
            print(f"  run {run}/{RUNS}  {'  '.join(took)}", flush=True)
        log.close()
    finally:
        server.kill()
        shutil.rmtree(base)
    cpu_own, cpu = (float(np.median([spent[1] for spent in runs[1:]])) for runs in (own, ours))
    figures = {
        "events": len(rows),
        "partitions": PARTITIONS,
        "group_events_per_cpu_second": len(rows) / cpu,
        "log_events_per_cpu_second": len(rows) / cpu_own,
        "group_events_per_second": len(rows) / float(np.median([spent[0] for spent in ours[1:]])),
    }
    return report("features/group", figures, {"over_reading_the_log": cpu_own / cpu}, {"over_reading_the_log": 0.8})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
