"""Time things side by side, and print what the house rules ask of a benchmark.

The last line is one JSON object: ``{"name", "figures", "ratios", "goals", "met"}``. A ratio says how
many times faster than a peer we are; it meets its goal when it is at least that.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def seconds(run: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def medians(contestants: Mapping[str, Callable[[], Any]], runs: int = 3) -> dict[str, float]:
    """Median seconds of each contestant; they take turns, so that a busy moment hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(runs):
        for name, run in contestants.items():
            times[name].append(seconds(run))
            print(f"  run {turn + 1}/{runs}  {name:<34} {times[name][-1]:8.3f} s", flush=True)
    return {name: statistics.median(values) for name, values in times.items()}


def report(name: str, figures: Mapping[str, float], ratios: Mapping[str, float], goals: Mapping[str, float]) -> bool:
    """Print the figures for people, then the JSON line; return whether every goal is met."""
    met = {key: ratios[key] >= goal for key, goal in goals.items()}
    for key, goal in goals.items():
        print(f"{key:<40} {ratios[key]:8.2f} x   goal {goal:g} x   {'met' if met[key] else 'NOT MET'}")
    rounded = {key: float(f"{value:.4g}") for key, value in figures.items()}
    line = {
        "name": name,
        "figures": rounded,
        "ratios": {key: float(f"{value:.4g}") for key, value in ratios.items()},
        "goals": dict(goals),
        "met": met,
    }
    print(json.dumps(line))
    return all(met.values())
