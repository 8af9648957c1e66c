"""A thousand moved pointers over four workers under load: answers that fail or belong to another version, and the p99.

Two versions of a hundred trees of 31 leaves each give a score that is known beforehand, so each answer can be held
against the version it names. The workers share CPU 0 with each other, the client and whoever moves the pointer have CPU
1: what a swap costs a worker shows in full, and four workers on one core wait for each other besides.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from benchmarks.harness import report
from benchmarks.serving.workspace import Made, make

from tidewheel.capacity.driver import Run, arrivals, drive
from tidewheel.capacity.requests import requests
from tidewheel.capacity.sizing import point
from tidewheel.kernel.models.lightgbm_text import parse_lightgbm
from tidewheel.registry.models.bundles import Bundle, load_bundle, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec, trees_arrays
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.pointers.pointers import list_deployments
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.versions.versions import get_version, register
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.observing.metrics import read_loaded
from tidewheel.serving.worker import read_addresses

WORKERS, SWAPS = 4, int(os.environ.get("SWAPS", "1000"))
RATE, EVERY, QUIET = 300.0, 0.05, 15.0
GOAL = 1.5
RUN_WORKER = """
import signal, sys
from tidewheel.runtime.child import Life, Order
from tidewheel.serving.worker import main
life = Life(Order("worker", "", {}, 2, 0))
signal.signal(signal.SIGTERM, lambda *_: life.stop())
main(life, sys.argv[1], "", int(sys.argv[2]))
"""


def constant_version(stores: Stores, made: Made, score: float) -> str:
    """Register the trained trees with leaves that add up to `score`, whatever the row."""
    leaf = re.compile(r"^leaf_value=(.*)$", re.M)
    n_trees = len(leaf.findall(made.model))
    same = leaf.sub(lambda found: "leaf_value=" + " ".join([repr(score / n_trees)] * len(found[1].split())), made.model)
    first = get_version(stores.catalog, "Fraud@1")
    manifest = load_bundle(stores.artifacts, first.bundle).manifest
    manifest = msgspec.structs.replace(manifest, predictor=PredictorSpec(kind="trees"))
    bundle = save_bundle(stores.artifacts, Bundle(manifest, trees_arrays(parse_lightgbm(same))))
    run = start_run(stores.catalog, "Fraud")
    return register(stores.catalog, "Fraud", run=run.id, bundle=bundle, view=manifest.view_digest).name


@contextmanager
def workers(folder: Path) -> Iterator[None]:
    """Run the workers on CPU 0 until the block ends."""
    command = ["taskset", "-c", "0", sys.executable, "-P", "-c", RUN_WORKER, str(folder)]
    running = [subprocess.Popen([*command, str(n)], stderr=subprocess.DEVNULL) for n in range(WORKERS)]
    try:
        run, end = load_config(folder, variables={}).layout.run, time.monotonic() + 120
        while {address.pid for address in read_addresses(run)} != {process.pid for process in running}:
            if time.monotonic() > end or any(process.poll() is not None for process in running):
                sys.exit("the workers did not start")
            time.sleep(0.1)
        yield
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(30)


def follow_all(stores: Stores, run: Path) -> float:
    """Wait until every worker has the pointer as it stands; return the seconds."""
    start, revision = time.monotonic(), list_deployments(stores.catalog)[0].revision
    while any(loaded["Score"][0] < revision for loaded in read_loaded(run).values()):
        if time.monotonic() - start > 10:
            sys.exit("a worker does not follow")
        time.sleep(0.02)
    return time.monotonic() - start


def swapping(stores: Stores, frozen: str, names: list[str], due: float, took: list[float]) -> None:
    """Move the pointer to and fro."""
    start = time.perf_counter()
    for n in range(SWAPS):
        time.sleep(max(0.0, due + n * EVERY - (time.perf_counter() - start)))
        before = time.perf_counter()
        deploy(stores.catalog, "Score", names[n % 2], frozen)
        took.append(time.perf_counter() - before)


def good(run: Run) -> list[dict[str, Any]]:
    """Return the good answers."""
    return [json.loads(body) for body, status in zip(run.bodies, run.statuses, strict=True) if status == 200]


def main() -> bool:
    """Measure quiet and under swaps; return whether the goals are met."""
    os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        made = make(Path(folder) / "ws")
        settings = made.folder / "tidewheel.toml"
        settings.write_text(settings.read_text().replace("port = 0", f"port = {port}"))
        stores = Stores(load_config(made.folder, variables={}))
        expected = {constant_version(stores, made, score): score for score in (0.25, 0.75)}
        names, frozen = list(expected), list_deployments(stores.catalog)[0].service_version
        deploy(stores.catalog, "Score", names[1], frozen)
        rows = [{"card": card, "terminal": terminal, "amount": 25.5} for card, terminal in made.keys[:500]]
        with workers(made.folder):
            drive("127.0.0.1", port, arrivals(RATE, 3.0), requests("Score", rows, "id", "warm"))
            quiet = drive("127.0.0.1", port, arrivals(RATE, QUIET, seed=1), requests("Score", rows, "id", "q"))
            took: list[float] = []
            mover = threading.Thread(target=swapping, args=(stores, frozen, names, 0.5, took))
            mover.start()
            ask = requests("Score", rows, "id", "s")
            loud = drive("127.0.0.1", port, arrivals(RATE, SWAPS * EVERY + 1.0, seed=2), ask, keep=True)
            mover.join()
            followed = follow_all(stores, stores.layout.run)
        stores.close()
    before, during = point(quiet), point(loud)
    answers = good(loud)
    scored = [answer for answer in answers if "fallback" not in answer]  # a core too busy for the deadline falls back
    versions = {answer["model"] for answer in scored}
    mismatched = sum(not np.isclose(answer["score"], expected[answer["model"]]) for answer in scored)
    figures = {
        "swaps": float(SWAPS),
        "answers": float(len(answers)),
        "without_answer": float(during.statuses.get(0, 0)),
        "failed": float((loud.statuses != 200).sum()),
        "fell_back": float(len(answers) - len(scored)),
        "mismatched": float(mismatched),
        "versions_seen": float(len(versions)),
        "quiet_p50_ms": before.p50,
        "quiet_p99_ms": before.p99,
        "swapping_p50_ms": during.p50,
        "swapping_p99_ms": during.p99,
        "move_p50_ms": float(np.median(took)) * 1000,
        "last_followed_s": followed,
    }
    for name, value in figures.items():
        print(f"  {name:<20} {value:10.3f}")
    clean = float(figures["failed"] == figures["mismatched"] == 0.0 and len(versions) == 2)
    ratios = {"p99_within": GOAL * before.p99 / during.p99, "none_failed_or_mismatched": clean}
    return report("serving/swap", figures, ratios, {"p99_within": 1.0, "none_failed_or_mismatched": 1.0})


if __name__ == "__main__":
    sys.exit(not main())
