"""The online read of twelve windowed features of 1, 10 and 100 entities, in process and over HTTP, beside Feast.

Ours are windows, folded by the stream and read as of now from LMDB; with a Redis server there, from Redis too, beside a
bare MGET of the same blobs. Feast's are the same values, stored as they are, in SQLite and in Redis.

``python -m benchmarks.features.online``
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks import peers
from benchmarks.harness import report
from benchmarks.serving.workspace import CARDS, Made, make

from tidewheel.definitions import load_project
from tidewheel.features.reading.entities import EntityReader
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores

COUNTS = (1, 10, 100)
RUNS, READS = 5, 1_000
GROUP = "CardHistory"
GOALS = {"1 entity, under 10 us": 1.0, "100 entities, under 500 us": 1.0}
GOALS |= {f"feast, {store}, {n}": 10.0 for store in ("sqlite",) for n in COUNTS}


def p50(read: Callable[[list[str]], object], n: int) -> float:
    """Return the median microseconds of reading `n` entities drawn anew each time; the best of some runs' medians."""
    random = np.random.default_rng(1)
    medians = []
    for _ in range(RUNS):
        asked = [[f"card-{card}" for card in random.integers(0, CARDS, n)] for _ in range(READS // n + 100)]
        spent = []
        for keys in asked:
            start = time.perf_counter_ns()
            read(keys)
            spent.append((time.perf_counter_ns() - start) / 1000)
        medians.append(float(np.median(spent)))
    return float(np.median(medians))


def ours(made: Made) -> tuple[dict[int, float], dict[str, list[float | None]]]:
    """Return microseconds by how many entities, and the values that the peer is to store."""
    stores = Stores(load_config(made.folder, variables={}))
    try:
        graph = load_project(made.folder).graph
        group = next(group for group in graph.groups if group.name == GROUP)
        reader = EntityReader(stores.state, graph, group)
        now = stores.clock.now()
        words = reader.read([f"card-{card}" for card in range(CARDS)], now).words
        values = {name: words[:, place].tolist() for place, name in enumerate(reader.names)}
        return {n: p50(lambda keys: reader.read(keys, now), n) for n in COUNTS}, values
    finally:
        stores.close()


def main() -> bool:
    """Measure all; return whether the goals are met."""
    with tempfile.TemporaryDirectory() as folder:
        mine, values = ours(make(Path(folder)))
    for n, us in mine.items():
        print(f"  tidewheel, LMDB     {n:>4} entities  p50 {us:9.1f} us")
    given = {"values": {name: [None if v != v else v for v in column] for name, column in values.items()}}
    theirs = peers.run("feast_online.py", given | {"counts": COUNTS, "reads": 100})
    figures = {f"tidewheel, {n}, us": us for n, us in mine.items()}
    ratios = {"1 entity, under 10 us": 10 / mine[1], "100 entities, under 500 us": 500 / mine[100]}
    for store, found in theirs.items():
        for n, us in found.items():
            print(f"  feast, {store:<12} {n:>4} entities  p50 {us:9.1f} us")
            figures[f"feast, {store}, {n}, us"] = us
            ratios[f"feast, {store}, {n}"] = us / mine[int(n)]
    return report("features/online", figures, ratios, GOALS)


if __name__ == "__main__":
    sys.exit(not main())
