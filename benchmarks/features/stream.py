"""The stream: a durable log folded into ten windowed aggregates over 100,000 zipf keys, on one core.

What is timed is everything the folder does: reading the log, hashing, grouping, reading and writing state blobs in
LMDB, and committing them with the offset in one transaction per micro-batch (a killed folder goes on where it was:
tests/features/test_kill.py). Beside it, in the same run, plain Python with dictionaries keeps the same tiles in
memory: no log, no disk, no offsets, events handed over as tuples; and Bytewax keeps half of them, in memory too. The
state of every key is compared before anything is timed.
"""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from benchmarks import peers
from benchmarks.harness import report

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import OnlineReader
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

EVENTS, KEYS, RUNS = 600_000, 100_000, 3
PEER_EVENTS = 100_000
GOAL = 100_000
"""Events a second a core."""
HOUR = 3_600_000_000
DAY = 24 * HOUR
WINDOWS = ((HOUR, HOUR // 12), (DAY, HOUR))
OPS = ("count", "sum", "mean", "min", "max")
START = 1_700_000_000_000_000

PAYMENT = ir.Source("Payment", (ir.Column("card", "key"), ir.Column("amount", "float")))
AMOUNT = ir.Col(("amount",))
GROUP = ir.Group(
    "Cards",
    ("Payment.card",),
    tuple(
        ir.FeatureColumn(
            f"{op}_{window // HOUR}h",
            ir.Aggregate(op, "Payment", (("card",),), None if op == "count" else AMOUNT, window=window, hop=hop),
        )
        for window, hop in WINDOWS
        for op in OPS
    ),
)
GRAPH = ir.Graph(sources=(PAYMENT,), groups=(GROUP,))


def events() -> list[tuple[str, float, int]]:
    """(card, amount, at) in order of time, over two days."""
    random = np.random.default_rng(11)
    share = 1.0 / np.arange(1, KEYS + 1) ** 1.05
    cards = random.permutation(KEYS)[random.choice(KEYS, EVENTS, p=share / share.sum())]
    amounts = np.round(random.lognormal(3.0, 1.0, EVENTS), 2)
    at = START + np.sort(random.integers(0, 2 * DAY, EVENTS))
    columns = cards.tolist(), amounts.tolist(), at.tolist()
    return [(f"c{card}", amount, time) for card, amount, time in zip(*columns, strict=True)]


def fill(log: EventLog, rows: list[tuple[str, float, int]]) -> None:
    """Append in the micro-batches in which a busy appender would."""
    for start in range(0, len(rows), 2000):
        part = rows[start : start + 2000]
        new = [
            NewEvent("Payment", str(start + i), at, {"card": card, "amount": amount}, at)
            for i, (card, amount, at) in enumerate(part)
        ]
        log.append(new, now=part[-1][2])


def fold_log(log: EventLog, lake: Lake, folder: Path) -> tuple[float, float]:
    """Fold the whole log into a new state; return wall and CPU seconds."""
    store = StateStore.open(folder, 1)
    folding = Folder(log, History(lake, log, GRAPH.sources), store, 0, GRAPH, [plan_group(GRAPH, GROUP)])
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    folding.catch_up()
    took = time.perf_counter() - wall, time.process_time() - cpu
    folding.close()
    store.close()
    return took


Tiles = dict[str, dict[tuple[int, int], list[float]]]


def fold_dicts(rows: list[tuple[str, float, int]]) -> tuple[Tiles, float, float]:
    """The same tiles in plain dictionaries."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    state: Tiles = defaultdict(dict)
    for card, amount, at in rows:
        tiles = state[card]
        for _, hop in WINDOWS:
            key = (hop, at // hop)
            tile = tiles.get(key)
            if tile is None:
                tiles[key] = [1, amount, amount, amount]
                continue
            tile[0] += 1
            tile[1] += amount
            if amount < tile[2]:
                tile[2] = amount
            if amount > tile[3]:
                tile[3] = amount
    return state, time.perf_counter() - wall, time.process_time() - cpu


def read_dicts(tiles: dict[tuple[int, int], list[float]], instant: int) -> list[float | None]:
    """The ten aggregates of one card."""
    found: list[float | None] = []
    for window, hop in WINDOWS:
        seen = [tile for (h, number), tile in sorted(tiles.items()) if h == hop and number >= (instant - window) // hop]
        count, total = sum(int(tile[0]) for tile in seen), 0.0
        for tile in seen:
            total += tile[1]
        if count:
            found += [count, total, total / count, min(tile[2] for tile in seen), max(tile[3] for tile in seen)]
        else:
            found += [0, None, None, None, None]
    return found


def check_equal(folder: Path, state: Tiles, instant: int) -> None:
    """Every card reads the same from the store as from the dictionaries, to the bit."""
    store = StateStore.open(folder, 1)
    reader = OnlineReader(store, [plan_group_alone(GRAPH, GROUP)])
    for card, tiles in state.items():
        words = reader.read({"Payment.card": card}, instant).words[0].tolist()
        expected = read_dicts(tiles, instant)
        assert [None if word != word else word for word in words] == expected, (card, words, expected)
    store.close()


def bytewax(rows: list[tuple[str, float, int]]) -> float:
    """Return how many events a second Bytewax takes, of the first of the stream."""
    some = rows[:PEER_EVENTS]
    cards, amounts, at = zip(*some, strict=True)
    found = peers.run("bytewax_stream.py", {"cards": cards, "amounts": amounts, "at": at})
    if found["count"] != len(some) or not np.isclose(found["sum"], sum(amounts)):
        sys.exit("bytewax's tiles hold other events")
    print(f"  bytewax  {len(some)} events in {found['seconds']:.2f} s", flush=True)
    rate: float = len(some) / found["seconds"]
    return rate


def main() -> bool:
    rows = events()
    base = Path(tempfile.mkdtemp(prefix="stream-"))
    try:
        log = EventLog.open(base / "log", sync="second")
        fill(log, rows)
        lake = Lake(base / "lake")
        fold_log(log, lake, base / "first")
        state, *_ = fold_dicts(rows)
        check_equal(base / "first", state, rows[-1][2] + 1)
        ours, dicts = [], []
        for run in range(RUNS):
            ours.append(fold_log(log, lake, base / f"run{run}"))
            dicts.append(fold_dicts(rows)[1:])
            print(
                f"  run {run + 1}/{RUNS}  ours {ours[-1][0]:.2f} s ({ours[-1][1]:.2f} cpu)  dicts {dicts[-1][0]:.2f} s",
                flush=True,
            )
        log.close()
    finally:
        shutil.rmtree(base)
    wall, cpu = (float(np.median([run[i] for run in ours])) for i in (0, 1))
    plain = float(np.median([run[1] for run in dicts]))
    rival = bytewax(rows)
    figures = {
        "events": EVENTS,
        "keys": len(state),
        "events_per_second": EVENTS / wall,
        "events_per_cpu_second": EVENTS / cpu,
        "dicts_in_memory_events_per_cpu_second": EVENTS / plain,
        "bytewax_events_per_second": rival,
    }
    ratios = {
        "over_100k_events_per_cpu_second": EVENTS / cpu / GOAL,
        "over_dicts_in_memory": plain / cpu,
        "over_bytewax": EVENTS / wall / rival,
    }
    return report("features/stream", figures, ratios, {"over_100k_events_per_cpu_second": 1.0, "over_bytewax": 3.0})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
