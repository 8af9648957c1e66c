"""Minutes of steady load on ``tidewheel up`` while versions move: nobody is failed, nothing is lost, nothing grows."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.shop import done
from tests.system.live import Server
from tests.system.steady import Sample, SteadyCaller, Watcher, assert_kept, growth

from tidewheel.runtime.config import load_config
from tidewheel.runtime.supervisor import read_status

SECONDS = float(os.environ.get("TIDEWHEEL_SOAK", "600"))
RATE = float(os.environ.get("TIDEWHEEL_SOAK_RATE", "40"))
"""Requests a second, all callers together."""
CALLERS = 6
SETTLED = 300.0
"""Seconds below which a run is over before libraries' pools are full: it says nothing of what grows."""
WARM_UP = 0.3
"""Share of the time in which caches may fill."""
MOST_GROWTH = 8.0
"""MB that memory of a process may grow after the warm-up, whatever it did: allocators keep pages."""
MOST_GROWTH_OF_READERS = 64.0
"""The same of processes that read history, which grows: the keeper and the guards."""
MOST_POOLED = 32
"""Threads, and descriptors, that libraries which read the lake keep for the next scan."""
REMEMBERED = 1.5 / 1024
"""MB that an answer takes which a worker remembers for retries; it remembers 20,000."""
MOVES = (
    ("deploy", "SentBack@2"),
    ("deploy", "SentBack@1", "--canary", "50%"),
    ("rollback", "SentBack"),
    ("deploy", "SentBack@1", "--canary", "30%"),
    ("deploy", "SentBack@1"),
)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 900)
def test_steady_load_while_versions_move(light_shop: Path) -> None:
    stop, folder = threading.Event(), load_config(light_shop).layout.root
    settings = light_shop / "tidewheel.toml"
    settings.write_text(settings.read_text().replace('flush_every = "1s"\n', ""))
    with Server(light_shop, workers=3) as server:
        assert server.process is not None
        callers = [SteadyCaller(f"s{n}", server.port, RATE / CALLERS, stop) for n in range(CALLERS)]
        watcher = Watcher({**server.pids(), "up": server.process.pid}, folder, max(SECONDS / 200, 0.5), stop)
        for thread in (*callers, watcher):
            thread.start()
        moved = move(light_shop, time.monotonic() + SECONDS, [*callers, watcher])
        stop.set()
        for thread in (*callers, watcher):
            thread.join(60)
            assert thread.error is None, thread.error
        children = read_status(folder / "run" / "processes.json")
        assert server.stop() == 0
    figures = figures_of(callers, watcher, moved)
    print(json.dumps(figures, indent=1))
    assert {child.name: child.restarts for child in children} == dict.fromkeys(server_names(watcher), 0)
    assert "Traceback" not in server.told()
    if SECONDS >= SETTLED:
        assert_flat(watcher, sum(len(caller.decided) for caller in callers))
    assert_kept(light_shop, callers)
    assert {"SentBack@1", "SentBack@2"} <= figures["models"].keys()


def server_names(watcher: Watcher) -> list[str]:
    return [name for name in watcher.samples if name != "up"]


def move(folder: Path, until: float, threads: list[Any]) -> int:
    """Move pointers, over and over; return how often. Ends early when a thread has failed."""
    moved = 0
    while time.monotonic() < until and all(thread.error is None for thread in threads):
        done(*MOVES[moved % len(MOVES)], folder=folder)
        moved += 1
        time.sleep(min(SECONDS / 40, max(until - time.monotonic(), 0.0)))
    return moved


def after_warm_up(samples: list[Sample]) -> list[Sample]:
    return samples[int(len(samples) * WARM_UP) :]


def assert_flat(watcher: Watcher, decisions: int) -> None:
    """Nothing grows after the warm-up: memory, descriptors, threads, files beside history."""
    for name, samples in watcher.samples.items():
        warm = after_warm_up(samples)
        reads = name in ("keeper", "guards")
        most = MOST_GROWTH_OF_READERS if reads else MOST_GROWTH
        most += REMEMBERED * min(decisions, 20_000) if name.startswith("serve") else 0.0
        assert growth(warm) <= most, (name, growth(warm))
        for what in ("descriptors", "threads"):
            # What is lost is never given back, unlike what a scan of the lake takes while it lasts.
            early, late = (min(getattr(one, what) for one in part) for part in halves(warm))
            assert late <= early + (MOST_POOLED if reads else 2), (name, what, early, late)
    early_files, late_files = (sum_of(part) for part in halves(watcher.files))
    for place, most_files in late_files.items():
        assert most_files <= early_files[place] + 4, (place, early_files[place], most_files)


def halves(found: list[Any]) -> tuple[list[Any], list[Any]]:
    return found[: len(found) // 2], found[len(found) // 2 :]


def sum_of(files: list[Counter[str]]) -> Counter[str]:
    """Return the most files that each place held."""
    most: Counter[str] = Counter()
    for one in files:
        most |= one
    return most


def figures_of(callers: list[SteadyCaller], watcher: Watcher, moved: int) -> dict[str, Any]:
    """Return what was seen, for people."""
    waited = np.concatenate([caller.waited for caller in callers]) * 1000
    total = sum((caller.models for caller in callers), Counter[str]())
    processes = {}
    for name, samples in watcher.samples.items():
        warm = after_warm_up(samples)
        processes[name] = {
            "memory": [round(warm[0].anonymous, 1), round(warm[-1].anonymous, 1)],
            "growth": round(growth(warm), 2),
            "resident": [round(warm[0].resident), round(warm[-1].resident)],
            "descriptors": [min(one.descriptors for one in warm), max(one.descriptors for one in warm)],
            "threads": [min(one.threads for one in warm), max(one.threads for one in warm)],
        }
    return {
        "seconds": SECONDS,
        "requests": sum(sum(caller.statuses.values()) for caller in callers),
        "outcomes": sum(len(caller.returned) for caller in callers),
        "moves": moved,
        "models": dict(total),
        "waited_ms": {f"p{q}": round(float(np.percentile(waited, q)), 1) for q in (50, 99, 100)},
        "files": [dict(watcher.files[0]), dict(watcher.files[-1])],
        "processes": processes,
    }
