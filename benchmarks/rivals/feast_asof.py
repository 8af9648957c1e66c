"""Feast's point-in-time join of stored features, by its default offline store (dask) and by its DuckDB one.

Reads JSON on standard input: a folder with ``rows.parquet`` and ``table.parquet``, the features' names, how many runs.
Prints JSON by store: the median of seconds, how many rows came out, and the sum of the first feature.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64
from feast.value_type import ValueType


def store_of(kind: str, folder: Path, table: Path, names: list[str]) -> FeatureStore:
    config = RepoConfig(
        project="bench",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        offline_store={"type": kind},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    entity = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    view = FeatureView(
        name="stored",
        entities=[entity],
        ttl=timedelta(days=365),
        schema=[Field(name=name, dtype=Float64) for name in names],
        source=FileSource(path=str(table), timestamp_field="event_timestamp"),
    )
    store.apply([entity, view])
    return store


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    folder, names = Path(given["folder"]), given["features"]
    wanted = [f"stored:{name}" for name in names]
    told = {}
    for name, kind in (("duckdb", "duckdb"), ("default", "dask")):
        with tempfile.TemporaryDirectory() as home:
            store = store_of(kind, Path(home), folder / "table.parquet", names)
            seconds = []
            for _ in range(given["runs"]):
                start = time.perf_counter()
                rows = pd.read_parquet(folder / "rows.parquet")
                found = store.get_historical_features(entity_df=rows, features=wanted).to_df()
                seconds.append(time.perf_counter() - start)
        told[name] = {
            "seconds": statistics.median(seconds),
            "rows": len(found),
            "total": float(found[names[0]].sum()),
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
