"""Feast's online read from SQLite, then Booster.predict: what a team glues together. No rules, no journal, no offsets.

Reads JSON on standard input: the model's text, the features' names, some rows with their keys. Prints JSON:
microseconds by percentile, and the scores, so that the answers can be compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64
from feast.value_type import ValueType

GROUPS = ("card", "terminal")


def store_of(folder: Path, names: list[str], rows: np.ndarray, keys: list[tuple[str, str]]) -> FeatureStore:
    """Return a Feast store whose SQLite online store holds the rows' features, in two views."""
    config = RepoConfig(
        project="bench",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    now = datetime.now(UTC)
    for place, group in enumerate(GROUPS):
        own = [name for name in names if group_of(name, names) == group]
        frame = pd.DataFrame(rows, columns=names)[own]
        frame[group] = [pair[place] for pair in keys]
        frame["event_timestamp"] = now
        frame = frame.drop_duplicates(group)
        path = folder / f"{group}.parquet"
        frame.to_parquet(path)
        entity = Entity(name=group, join_keys=[group], value_type=ValueType.STRING)
        view = FeatureView(
            name=group,
            entities=[entity],
            ttl=timedelta(days=1),
            schema=[Field(name=name, dtype=Float64) for name in own],
            source=FileSource(path=str(path), timestamp_field="event_timestamp"),
        )
        store.apply([entity, view])
        store.write_to_online_store(group, frame)
    return store


def group_of(name: str, names: list[str]) -> str:
    """Return which of the two views a feature is in: the first twelve are the card's."""
    return GROUPS[0] if names.index(name) < 12 else GROUPS[1]


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    names: list[str] = given["names"]
    rows = np.array([[np.nan if value is None else value for value in row] for row in given["rows"]])
    keys = [(card, terminal) for card, terminal in given["keys"]]
    booster = lightgbm.Booster(model_str=given["model"])
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(Path(folder), names, rows, keys)
        wanted = [f"{group_of(name, names)}:{name}" for name in names]
        scores, spent = [], []
        for round_number in range(given["runs"]):
            times = []
            for card, terminal in keys:
                start = time.perf_counter_ns()
                found = store.get_online_features(wanted, [{"card": card, "terminal": terminal}]).to_dict()
                row = np.array([[np.nan if found[name][0] is None else found[name][0] for name in names]])
                score = booster.predict(row, num_threads=1)[0]
                times.append((time.perf_counter_ns() - start) / 1000)
                if round_number == 0:
                    scores.append(float(score))
            spent.append(np.percentile(times, [50, 99]).tolist())
    medians = np.median(np.array(spent), axis=0)
    print(json.dumps({"p50": medians[0], "p99": medians[1], "scores": scores}))


if __name__ == "__main__":
    main()
