"""Twice and three times what a worker can do, open loop: goodput, deadlines kept, and what a refusal costs.

The whole path on one core (20 features from LMDB, rules, 100 trees, journal, metrics, a deadline of 50 ms), an
open-loop client on the other. Peak is what the same client gets in a closed loop just before.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import report
from benchmarks.serving.http import CLIENT_CPU, RUN_WORKER, port_of, server
from benchmarks.serving.rival_servers import seconds_of
from benchmarks.serving.workspace import make

RUNS, SECONDS, DEADLINE_MS = 3, 4, 50
GOALS = {"goodput_2x": 0.9, "goodput_3x": 0.9, "inside_2x": 0.99, "inside_3x": 0.99, "answer_over_refusal": 5.0}


def load(port: int, pid: int, rate: float, seconds: float = SECONDS) -> dict[str, float]:
    """Send at a rate (0: as answers come) and return what came of it, with the server's processor time."""
    before = seconds_of(pid)
    script = str(Path(__file__).with_name("open_loop.py"))
    command = ["taskset", "-c", CLIENT_CPU, sys.executable, script, *map(str, (port, rate, seconds, DEADLINE_MS))]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return {**found, "cpu_s": seconds_of(pid) - before}


def measure(folder: Path) -> dict[str, float]:
    """Measure one worker: its peak, then 2 and 3 times as much."""
    with server([sys.executable, "-P", "-c", RUN_WORKER, str(folder)]) as process:
        port = port_of(folder, process)
        load(port, process.pid, 0, 1)
        peak = load(port, process.pid, 0)
        answer = peak["cpu_s"] / peak["answers"]
        figures = {"peak_rps": peak["answered_rps"], "answer_us": answer * 1e6}
        for times in (2, 3):
            found = load(port, process.pid, times * peak["answered_rps"])
            refusal = (found["cpu_s"] - answer * found["answers"]) / max(found["refusals"], 1)
            figures |= {f"{name}_{times}x": value for name, value in found.items()}
            figures[f"refusal_us_{times}x"] = refusal * 1e6
            print(f"  {times}x  " + "  ".join(f"{name} {value:.4g}" for name, value in found.items()), flush=True)
    return figures


def main() -> bool:
    """Measure some times; return whether the goals are met."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "ws"
        make(folder, deadline=f"{DEADLINE_MS}ms")
        runs = [measure(folder) for _ in range(RUNS)]
    figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}")
    ratios = {f"goodput_{n}x": figures[f"goodput_rps_{n}x"] / figures["peak_rps"] for n in (2, 3)}
    ratios |= {f"inside_{n}x": figures[f"inside_{n}x"] for n in (2, 3)}
    ratios["answer_over_refusal"] = figures["answer_us"] / figures["refusal_us_3x"]
    return report("serving/overload", figures, ratios, GOALS)


if __name__ == "__main__":
    sys.exit(not main())
