"""What a soak needs: load at a steady rate, and a look at what processes and folders hold every few seconds."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.system.live import SCREEN, Client, order

import tidewheel as tw

CUSTOMERS = 150
RECONNECT = 200
"""Requests on one connection, so that load spreads over the workers again."""


class SteadyCaller(threading.Thread):
    """Asks so many times a second whatever the answers take, and keeps what it was told; never asks twice by itself."""

    def __init__(self, name: str, port: int, rate: float, stop: threading.Event) -> None:
        super().__init__(daemon=True, name=name)
        self.client, self.pause, self.stopped, self.draw = Client(port), 1 / rate, stop, random.Random(name)
        self.decided: dict[str, str] = {}
        """The decision's id by the event's."""
        self.returned: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.models: Counter[str] = Counter()
        self.waited: list[float] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            due = time.monotonic()
            for number in itertools.count():
                if self.stopped.wait(max(due - time.monotonic(), 0.0)):
                    break
                due = max(due + self.pause, time.monotonic() - 1.0)  # after a stall it does not make up for all of it
                self.turn(f"{self.name}-{number}")
                if number % RECONNECT == RECONNECT - 1:
                    self.client.close()
        except BaseException as error:
            self.error = error
        finally:
            self.client.close()

    def turn(self, identity: str) -> None:
        if self.decided and self.draw.random() < 0.2:
            sold = self.draw.choice(list(self.decided))
            if sold not in self.returned:
                self.returned.add(sold)
                told = self.ask("/v1/events/Return", {"id": f"r-{sold}", "order": sold})
                assert told["accepted"] == 1, told
                return
        event = order(identity, f"c{self.draw.randrange(CUSTOMERS)}", self.draw.randrange(1, 1000) / 4)
        told = self.ask(SCREEN, event)
        assert told["event_id"] == identity, told
        self.decided[identity] = told["decision_id"]
        self.models[told.get("model") or f"fallback: {told['reason'].partition(':')[0]}"] += 1

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        began = time.monotonic()
        status, told = self.client.post(path, body)
        self.waited.append(time.monotonic() - began)
        self.statuses[status] += 1
        assert status == 200, (path, body, status, told)
        return told


@dataclass
class Sample:
    """What a process held at one moment."""

    at: float
    anonymous: float
    """Memory of its own, MB: without the files that it has mapped."""
    resident: float
    descriptors: int
    threads: int


class Watcher(threading.Thread):
    """Looks at some processes and at a workspace's folder until told to stop."""

    def __init__(self, pids: Mapping[str, int], folder: Path, every: float, stop: threading.Event) -> None:
        super().__init__(daemon=True, name="watcher")
        self.pids, self.folder, self.every, self.stopped = dict(pids), folder, every, stop
        self.samples: dict[str, list[Sample]] = {name: [] for name in pids}
        self.files: list[Counter[str]] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopped.wait(self.every):
                for name, pid in self.pids.items():
                    self.samples[name].append(sample(pid))
                self.files.append(files_of(self.folder))
        except BaseException as error:
            self.error = error


def sample(pid: int) -> Sample:
    process = Path(f"/proc/{pid}")
    told = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    anonymous, resident = (int(told[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS"))
    return Sample(time.monotonic(), anonymous, resident, len(os.listdir(process / "fd")), int(told["Threads"]))


def files_of(folder: Path) -> Counter[str]:
    """Count files by the workspace's folder they are in, but for those that history adds to."""
    places = Counter[str]()
    for path in folder.rglob("*"):
        place = path.relative_to(folder).parts[0]
        if place not in ("lake", "artifacts"):
            places[place] += path.is_file()
    return places


def growth(samples: list[Sample]) -> float:
    """Return by how much (MB) memory of its own grew from the first to the last sample, by least squares."""
    at = np.array([one.at for one in samples])
    slope = np.polyfit(at - at[0], [one.anonymous for one in samples], 1)[0]
    return float(slope * (at[-1] - at[0]))


def assert_kept(folder: Path, callers: list[SteadyCaller]) -> None:
    """Every answered decision is in the log and among the decisions exactly once, and so is every outcome."""
    decided = {event: decision for caller in callers for event, decision in caller.decided.items()}
    returned = {f"r-{event}" for caller in callers for event in caller.returned}
    with tw.open(folder) as workspace:
        workspace.sync()
        workspace.flush()
        for event, wanted in (("Order", decided.keys()), ("Return", returned)):
            ids = workspace.history.scan(event, ["id"])["id"].to_pylist()
            ours = Counter(identity for identity in ids if identity.startswith(("s", "r-")))
            assert ours == Counter(list(wanted))
        rows = workspace.decisions("Screen").to_pylist()
        assert Counter((row["event_id"], row["decision_id"]) for row in rows if row["event_id"][0] == "s") == Counter(
            list(decided.items())
        )
        assert workspace.check_features(sample=500).differences == 0
