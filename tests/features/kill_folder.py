"""Kills a folder at random moments, again and again; prints how often, and whether every total is exact.

Run as a program: it forks each folder from a process in which everything is compiled but nothing opened.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the oracle's module `tests.sketch_oracle`

from feature_shop import GRAPH, HOUR, SHOP_RETURNS, SHOP_RISK, USER_KIND
from feature_world import ListHistory

from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import OnlineReader
from tidewheel.kernel import warm
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

EVENTS, PARTITIONS, MOST_KILLS = 12_000, 2, 20
START = 1_700_000_000_000_000
GROUPS = (SHOP_RETURNS, SHOP_RISK, USER_KIND)
PLANS = [plan_group(GRAPH, group) for group in GROUPS]


def events(random: random.Random) -> list[NewEvent]:
    made = []
    for number in range(EVENTS):
        at = START + number * 1_000_000
        if random.random() < 0.3:
            columns = {"buy": f"b{random.randrange(EVENTS)}", "fee": 1.0, "why": random.choice(["late", "torn"])}
            made.append(NewEvent("Return", f"r{number}", at, columns, at))
        else:
            columns = {"id": f"b{number}", "user": f"u{random.randrange(50)}", "shop": f"s{random.randrange(20)}"}
            columns |= {"amount": float(random.randrange(100)), "kind": random.choice("ab"), "gift": True}
            made.append(NewEvent("Buy", f"b{number}", at, columns, at))
    return made


def fold(folder: Path) -> None:
    """Be a folder of all partitions until all is folded."""
    log, store = EventLog.open(folder / "log"), StateStore.open(folder / "state", PARTITIONS)
    folders = [Folder(log, ListHistory([]), store, k, GRAPH, PLANS, batch=150) for k in range(PARTITIONS)]
    while sum(each.step() for each in folders):
        pass
    os._exit(0)


def run_and_kill(folder: Path, random: random.Random) -> int:
    """Start folders and kill them until one ends by itself; return the kills."""
    kills = 0
    while True:
        child = os.fork()
        if child == 0:
            fold(folder)
        if kills < MOST_KILLS:
            time.sleep(random.uniform(0.005, 0.06))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return kills
        kills += 1


def expected(made: list[NewEvent]) -> tuple[dict[str, list[float]], dict[tuple[str, str], float]]:
    """Returns and worth by shop; spend by user and kind."""
    buys = {event.id: event.columns for event in made if event.type == "Buy"}
    shops: dict[str, list[float]] = {}
    for event in made:
        target = buys.get(event.columns.get("buy"))
        if target is not None:
            shops.setdefault(target["shop"], []).append(target["amount"])
    spend: dict[tuple[str, str], float] = {}
    for buy in buys.values():
        key = (buy["user"], buy["kind"])
        spend[key] = spend.get(key, 0.0) + buy["amount"]
    return shops, spend


def wrong(folder: Path, made: list[NewEvent]) -> int:
    """Count the entities whose totals are not exact."""
    store = StateStore.open(folder / "state", PARTITIONS)
    shops, spend = expected(made)
    now = made[-1].at + HOUR
    found = 0
    reader = OnlineReader(store, [plan_group_alone(GRAPH, SHOP_RETURNS)])
    for shop, amounts in shops.items():
        words = reader.read({"Shop": shop}, now).words[0]
        found += words[0] != len(amounts) or words[1] != sum(amounts) / len(amounts)
    reader = OnlineReader(store, [plan_group_alone(GRAPH, USER_KIND)])
    for (user, kind), total in spend.items():
        found += reader.read({"User": user, "Buy.kind": kind}, now).words[0][0] != total
    store.close()
    return int(found)


def main(folder: Path, seed: int) -> None:
    warm()
    chance = random.Random(seed)
    made = events(chance)
    log = EventLog.open(folder / "log")
    for start in range(0, EVENTS, 500):
        log.append(made[start : start + 500], now=made[start].at)
    log.close()
    kills = run_and_kill(folder, chance)
    print(json.dumps({"kills": kills, "wrong": wrong(folder, made)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
