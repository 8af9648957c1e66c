"""A workspace of real stores with some weeks of payments in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import training_shop as shop

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import compile_declarations
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.training import TrainingContext

CODE = "the code under test"
HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000
NOW = START + 60 * DAY
DECLARED = [item for item in vars(shop).values() if isinstance(item, type) and item.__module__ == shop.__name__]
MODELS = {name: getattr(shop, name) for name in ("Fraud", "Tuned", "Loss", "Linear", "Neighbours", "Broken", "Watched")}


def payments(n: int = 1500, seed: int = 0) -> list[NewEvent]:
    """Return payments of 40 cards over 50 days, a fifth of them disputed a day later, in order of time."""
    rng = np.random.default_rng(seed)
    events = [
        NewEvent("Card", f"c{i}", START, {"id": f"c{i}", "issued_in": "NO" if i % 3 else "SE"}, START)
        for i in range(40)
    ]
    for i, hour in enumerate(np.sort(rng.random(n)) * 50 * 24):
        at = START + int(hour * HOUR) + HOUR
        abroad = rng.random() < 0.3
        amount = float(np.round(rng.lognormal(3, 1), 2))
        fraud = rng.random() < 0.03 + 0.5 * abroad * (amount > 15)
        columns: dict[str, Any] = {
            "id": f"p{i}",
            "card": f"c{rng.integers(40)}",
            "amount": amount,
            "country": str(rng.choice(["DE", "FI"])) if abroad else "NO",
            "leak": 1.0 if fraud else None,
        }
        events.append(NewEvent("Payment", f"p{i}", at, columns, at))
        if fraud:
            events.append(NewEvent("Chargeback", f"x{i}", at + DAY, {"payment": f"p{i}", "loss": amount}, at + DAY))
    return sorted(events, key=lambda event: event.arrived)


@contextmanager
def world(
    folder: Path,
    events: list[NewEvent],
    declared: Sequence[type] = DECLARED,
    models: Mapping[str, type[Any]] = MODELS,
) -> Iterator[TrainingContext]:
    """Open stores in `folder`, log `events`, and give what training asks for."""
    graph = compile_declarations(*declared)
    log, lake = EventLog.open(folder / "log"), Lake.open(folder / "lake")
    with Catalog.open(folder / "catalog.sqlite") as catalog:
        log.append(events, now=NOW)
        yield TrainingContext(
            history=History(lake, log, graph.sources),
            catalog=catalog,
            artifacts=ArtifactStore.open(folder / "artifacts"),
            now=lambda: NOW,
            graph=graph,
            models=models,
        )
    log.close()


def at(context: TrainingContext, now: int) -> TrainingContext:
    """Return the context with its clock at `now`."""
    return replace(context, now=lambda: now)


def declaring(context: TrainingContext, *models: type[Any]) -> TrainingContext:
    """Return the context with other models over the same data."""
    graph = compile_declarations(*dict.fromkeys([*DECLARED, *models]))
    return replace(context, graph=graph, models={model.__name__: model for model in models})
