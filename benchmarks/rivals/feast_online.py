"""Feast's online read of some entities from SQLite, and from Redis where a server is there.

Reads JSON on standard input: columns of values by feature, one row an entity; how many entities to read at once; how
many reads. Prints JSON by store and count: the median of microseconds.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64
from feast.value_type import ValueType

REDIS = ("127.0.0.1", 6379)


def store_of(folder: Path, online: dict[str, Any], frame: pd.DataFrame, names: list[str]) -> FeatureStore:
    config = RepoConfig(
        project="tidewheel_bench",
        provider="local",
        registry=str(folder / f"{online['type']}.db"),
        online_store=online,
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    path = folder / "values.parquet"
    frame.to_parquet(path)
    entity = Entity(name="card", join_keys=["card"], value_type=ValueType.STRING)
    view = FeatureView(
        name="values",
        entities=[entity],
        ttl=timedelta(days=1),
        schema=[Field(name=name, dtype=Float64) for name in names],
        source=FileSource(path=str(path), timestamp_field="event_timestamp"),
    )
    store.apply([entity, view])
    store.write_to_online_store("values", frame)
    return store


def measured(store: FeatureStore, names: list[str], entities: int, given: dict[str, Any]) -> dict[int, float]:
    random = np.random.default_rng(1)
    wanted = [f"values:{name}" for name in names]
    found = {}
    for n in given["counts"]:
        spent = []
        for _ in range(given["reads"]):
            rows = [{"card": f"card-{card}"} for card in random.integers(0, entities, n)]
            start = time.perf_counter_ns()
            store.get_online_features(features=wanted, entity_rows=rows).to_dict()
            spent.append((time.perf_counter_ns() - start) / 1000)
        found[n] = statistics.median(spent)
    return found


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    frame = pd.DataFrame(given["values"], dtype=float)
    names = list(frame.columns)
    frame["card"] = [f"card-{card}" for card in range(len(frame))]
    frame["event_timestamp"] = datetime.now(UTC)
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        sqlite = {"type": "sqlite", "path": str(Path(folder) / "online.db")}
        told["sqlite"] = measured(store_of(Path(folder), sqlite, frame, names), names, len(frame), given)
        with socket.socket() as probe:
            probe.settimeout(1.0)
            there = probe.connect_ex(REDIS) == 0
        if there:
            redis = {"type": "redis", "connection_string": f"{REDIS[0]}:{REDIS[1]},db=13"}
            told["redis"] = measured(store_of(Path(folder), redis, frame, names), names, len(frame), given)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
