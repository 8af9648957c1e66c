"""A version served alone for a moment: ``python -m tidewheel.serving.loading.trial FOLDER`` prints what decisions took.

The folder is a workspace that training made for this (see ``tidewheel.training.gates.trial``).
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import msgspec

from tidewheel.kernel.warm import warm
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.service import Serving

WARM_DECISIONS = 200
TIMED_DECISIONS = 2_000
EVENTS = "trial.json"


class Asked(msgspec.Struct):
    """What the child process is to ask: of which service, which events, and which column holds their id."""

    service: str
    id: str
    events: list[dict[str, Any]]


class Took(msgspec.Struct):
    """What it tells."""

    nanoseconds: list[int]
    answered: int
    memory: int
    before: int


def peak() -> int:
    """Return the most bytes that this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    """Decide events of the trial whose folder is told, and print how long each took."""
    warm()
    folder = Path(sys.stdin.read())
    asked = msgspec.json.decode((folder / EVENTS).read_bytes(), type=Asked)
    stores = Stores(load_config(folder, variables={}))
    before = peak()
    serving = Serving(stores).start()
    spent, answered = [], 0
    try:
        for number in range(WARM_DECISIONS + TIMED_DECISIONS):
            event = asked.events[number % len(asked.events)] | {asked.id: f"trial-{number}"}
            body = msgspec.json.encode(event)
            started = perf_counter_ns()
            answer = serving.decide(asked.service, body)
            spent.append(perf_counter_ns() - started)
            answered += bool(answer.model) and not answer.fallback and number >= WARM_DECISIONS
    finally:
        serving.close()
        stores.close()
    took = Took(spent[WARM_DECISIONS:], answered, peak(), before)
    sys.stdout.buffer.write(msgspec.json.encode(took))


if __name__ == "__main__":
    main()
