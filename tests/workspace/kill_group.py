"""Members of a group fold what is dealt to them, and are killed at random while events come. Prints a report.

Run as a program: `kill_group.py FOLDER BROKER NAMESPACE SEED EVENTS KILLS [STATE CATALOG]`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from kill_workers import PROJECT
from msgspec.json import encode as json_of

import tidewheel as tw
from tidewheel.features.folding.dealt import PLACE
from tidewheel.features.folding.stream import Folder
from tidewheel.runtime.child import Order
from tidewheel.runtime.stores import Stores, open_stores
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.protocols import State
from tidewheel.storage.state.lmdb_state import StateStore
from tidewheel.workspace.processes.group import topic_of
from tidewheel.workspace.processes.stream import live_plans

MORE = """
class Refund(tw.Event):
    id: tw.Id
    sale: tw.Ref[Sale]
    clerk: tw.Key
    share: float


class ClerkHistory(tw.Features, by=Refund.clerk):
    refunds_7d = tw.count(Refund, "7d")
    returned_7d = tw.sum(Refund.sale.amount, "7d")
    shares_7d = tw.sum(Refund.share, "7d")


class Refunds(tw.Features, by=Refund.sale.shop):
    back_7d = tw.count(Refund, "7d")


class Visit(tw.Event):
    id: tw.Id
    guest: tw.Key
    door: tw.Key


class GuestHistory(tw.Features, by=Visit.guest):
    visits_7d = tw.count(Visit, "7d")
    doors_7d = tw.distinct(Visit.door, "7d")


class DoorHistory(tw.Features, by=Visit.door):
    opened_7d = tw.count(Visit, "7d")
"""
PARTITIONS, MEMBERS, SHOPS, CLERKS, GUESTS = 4, 3, 300, 50, 70
STEPS = 200
"""Appends. After each share of them something is killed or begun, once some of it is folded."""
STANDSTILL = 240.0
"""Seconds without anything folded after which it is given up."""
PAUSED = 13.0
"""Seconds after which another has a paused member's partitions, and its leases."""


def event(n: int, now: int) -> NewEvent:
    """Event `n`: each fourth is a refund, of the sale after it or of one long before; each fourth a visit."""
    if n % 4 == 2:
        columns = {"id": f"v{n}", "guest": f"g{n // 4 % GUESTS}", "door": f"d{n % 7}"}
        return NewEvent("Visit", f"v{n}", now - 1, columns)
    if n % 4:
        return NewEvent("Sale", f"s{n}", now - 1, {"id": f"s{n}", "shop": f"shop{n % SHOPS}", "amount": n / 7})
    columns = {
        "id": f"r{n}",
        "sale": f"s{n + 1 if n % 8 else n // 8 * 4 + 1}",
        "clerk": f"c{n % CLERKS}",
        "share": n / 3,
    }
    return NewEvent("Refund", f"r{n}", now - 1, columns)


class Processes:
    """Members and a dealer, each a process as ``tidewheel up`` starts it."""

    def __init__(self, folder: Path) -> None:
        self._place = {"folder": str(folder), "env": ""}
        self._quiet = os.open(os.devnull, os.O_WRONLY)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        module, _, index = name.partition("-")
        arguments = {**self._place, "index": int(index)} if index else self._place
        target = f"tidewheel.workspace.processes.{module}:run"
        order = json_of(Order(name, target, arguments, self._quiet, os.getpid(), "warning")).decode()
        command = [sys.executable, "-m", "tidewheel.runtime.child", order]
        self.running[name] = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[self._quiet])

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        process = self.running.pop(name)
        process.send_signal(number)
        process.wait()

    def ended(self) -> list[str]:
        """Take out who ended by itself: one that was replaced while it was paused."""
        gone = [name for name, process in self.running.items() if process.poll() is not None]
        for name in gone:
            del self.running[name]
        return gone

    def stop(self) -> None:
        for name in list(self.running):
            self.kill(name, signal.SIGTERM)


def append(stores: Stores, start: int, end: int) -> None:
    now = stores.clock.now()
    stores.log.append([event(n, now) for n in range(start, end)], now=now)


def play(folder: Path, seed: int, count: int, most_kills: int, paused: float) -> tuple[int, int]:
    """Append while members and the dealer are killed and begun again, or paused; return how many kills and starts."""
    chance, processes, kills, starts = random.Random(seed), Processes(folder), 0, 0
    with closing(open_stores(folder)) as stores:
        try:
            for name in ("dealing", "group-0"):
                processes.start(name)
            topic = topic_of(stores)
            while topic.newest(PARTITIONS - 1) is None:
                time.sleep(0.1)
            topic.close()
            absent, done, seen, actions = [f"group-{n}" for n in range(1, MEMBERS)], 0, 0, 0
            while done < count or kills < most_kills or absent:
                share = count * (actions + 1) // (2 * most_kills + MEMBERS)
                if done < (share if absent or kills < most_kills else count):
                    append(stores, done, min(done + count // STEPS, count))
                    done += count // STEPS
                time.sleep(0.02)
                absent += processes.ended()
                folded = sum(min(of.values(), default=0) for of in offsets(stores.state))
                if folded == seen or chance.random() < 0.95:
                    continue
                seen, actions = folded, actions + 1
                if absent:
                    processes.start(absent.pop())
                    starts += 1
                elif kills < most_kills:
                    name = chance.choice(sorted(processes.running))
                    kills += 1
                    if paused and chance.random() < 0.5:
                        processes.running[name].send_signal(signal.SIGSTOP)
                        time.sleep(paused)
                        processes.running[name].send_signal(signal.SIGCONT)
                    else:
                        processes.kill(name)
                        absent.append(name)
            await_head(stores)
        finally:
            processes.stop()
    return kills, starts


def await_head(stores: Stores) -> None:
    """Wait until all is folded, however long that takes, as long as something is."""
    head, before, until = stores.log.head() - 1, [0], time.monotonic() + STANDSTILL
    while (folded := [min(of.values(), default=0) for of in offsets(stores.state)]) != [head] * PARTITIONS:
        if folded != before:
            before, until = folded, time.monotonic() + STANDSTILL
        assert time.monotonic() < until, f"folded {folded} of {head}"
        time.sleep(0.05)


def offsets(state: State) -> list[dict[str, int]]:
    """Offsets of the groups, by partition."""
    return [{name: offset for name, offset in of.items() if not name.startswith("_")} for of in state.offsets()]


def differences(folder: Path) -> int:
    """Count the states that are not what one process makes of the log, to the byte."""
    with tw.open(folder) as workspace:
        stores = workspace.stores
        graph, plans = live_plans(stores.catalog)
        with closing(StateStore.open(folder / "oracle", PARTITIONS)) as oracle:
            for k in range(PARTITIONS):
                with closing(Folder(stores.log, workspace.history, oracle, k, graph, plans)) as each:
                    each.catch_up()
            assert plans
            odd = sum(len(set(scan(stores.state, plan.state_id)) ^ set(scan(oracle, plan.state_id))) for plan in plans)
            return odd + (offsets(stores.state) != offsets(oracle))


def scan(state: State, state_id: str) -> list[tuple[bytes, bytes]]:
    return [(bytes(key), bytes(blob)) for key, blob in state.scan(state_id)]


def wrong(folder: Path, count: int) -> int:
    """Count the shops and guests whose totals are not those of a naive count."""
    sold, came = [0] * SHOPS, [0] * GUESTS
    for n in range(count):
        sold[n % SHOPS] += n % 2
        came[n // 4 % GUESTS] += n % 4 == 2
    with tw.open(folder) as workspace:
        shops = [workspace.read("ShopHistory", shop=f"shop{shop}").sales_7d for shop in range(SHOPS)]
        guests = [workspace.read("GuestHistory", guest=f"g{guest}").visits_7d for guest in range(GUESTS)]
    return sum(row != number for row, number in zip(shops + guests, sold + came, strict=True))


def main(
    folder: Path, broker: str, namespace: str, seed: int, count: int, kills: int, state: str = "", catalog: str = ""
) -> None:
    folder.mkdir()
    (folder / "project.py").write_text(PROJECT + MORE)
    (folder / "tidewheel.toml").write_text(
        f'partitions = {PARTITIONS}\nnamespace = "{namespace}"\nstream = "group"\n'
        f'state = "{state}"\ncatalog = "{catalog}"\n'
        f'log = "{broker}?session.timeout.ms=2000&heartbeat.interval.ms=300"\n'
    )
    with tw.open(folder) as workspace:
        workspace.publish()
        append(workspace.stores, 0, 1000)
    killed, started = play(folder, seed, count, kills, PAUSED if catalog else 0.0)
    with closing(open_stores(folder)) as stores:
        places = [of.get(PLACE, 0) for of in stores.state.offsets()]
    report = {"kills": killed, "starts": started, "wrong": wrong(folder, count), "differences": differences(folder)}
    print(json.dumps({**report, "places": places}))


if __name__ == "__main__":
    path, broker, namespace, *numbers = sys.argv[1:7]
    main(Path(path), broker, namespace, *map(int, numbers), *sys.argv[7:])
