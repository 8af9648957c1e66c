"""Two stream workers share four partitions; either is killed at random. Prints how often, and whether totals are exact.

Run as a program: it forks each worker from a process in which everything is compiled but nothing opened.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import tidewheel as tw
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import OnlineReader
from tidewheel.kernel import warm
from tidewheel.runtime.stores import open_stores
from tidewheel.storage.log.records import NewEvent
from tidewheel.workspace.processes.stream import Stream

PROJECT = """
import tidewheel as tw


class Sale(tw.Event):
    id: tw.Id
    shop: tw.Key
    amount: float


class ShopHistory(tw.Features, by=Sale.shop):
    sold_7d = tw.sum(Sale.amount, "7d")
    sales_7d = tw.count(Sale, "7d")
"""
SHARES = ([0, 1], [2, 3])
SHOPS, A_BATCH, MOST_KILLS = 300, 20_000, 12


def fill(folder: Path, count: int) -> None:
    """Put so many events in the log; event `n` is of shop `n % SHOPS` and worth `n % 7`."""
    folder.mkdir()
    (folder / "project.py").write_text(PROJECT)
    (folder / "tidewheel.toml").write_text('partitions = 4\nsync = "second"\n')
    with tw.open(folder) as workspace:
        workspace.publish()
        log, now = workspace.stores.log, workspace.stores.clock.now()
        for start in range(0, count, A_BATCH):
            log.append(
                [
                    NewEvent("Sale", str(n), now - 1, {"id": str(n), "shop": f"s{n % SHOPS}", "amount": float(n % 7)})
                    for n in range(start, min(start + A_BATCH, count))
                ],
                now=now,
            )


def fold(folder: Path, partitions: list[int]) -> None:
    """Be a stream worker until everything is folded."""
    stores = open_stores(folder)
    Stream(stores, partitions).catch_up()
    os._exit(0)


def start(folder: Path, partitions: list[int]) -> int:
    child = os.fork()
    if child == 0:
        fold(folder, partitions)
    return child


def run_and_kill(folder: Path, chance: random.Random, count: int) -> int:
    """Run both workers, killing either now and then, until both end by themselves; return the kills."""
    running = {start(folder, share): share for share in SHARES}
    kills, longest = 0, 0.05 + count * 3e-7  # seconds: a fast machine takes little more for all of them
    while running:
        time.sleep(chance.uniform(0.01, longest))
        if kills < MOST_KILLS:
            os.kill(chance.choice(list(running)), signal.SIGKILL)
        for child in list(running):
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                continue
            share = running.pop(child)
            if os.WIFSIGNALED(status):
                kills += 1
                running[start(folder, share)] = share
            else:
                assert os.WEXITSTATUS(status) == 0
    return kills


def wrong(folder: Path, count: int) -> int:
    """Count the shops whose totals are not exact."""
    totals = [[0, 0.0] for _ in range(SHOPS)]
    for n in range(count):
        totals[n % SHOPS][0] += 1
        totals[n % SHOPS][1] += n % 7
    with tw.open(folder) as workspace:
        graph = workspace.project.graph
        reader = OnlineReader(workspace.stores.state, [plan_group_alone(graph, graph.groups[0])])
        now = workspace.stores.clock.now()
        rows = [reader.read({"Sale.shop": f"s{shop}"}, now).words[0].tolist() for shop in range(SHOPS)]
    return sum(row != [sold, sales] for row, (sales, sold) in zip(rows, totals, strict=True))


def main(folder: Path, seed: int, count: int) -> None:
    warm()
    fill(folder, count)
    kills = run_and_kill(folder, random.Random(seed), count)
    print(json.dumps({"kills": kills, "wrong": wrong(folder, count)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
