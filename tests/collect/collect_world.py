"""A workspace's stores in a folder, and files of events, for the tests of this room."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from collect_sources import CARD, DISPUTE, NOON, PAYMENT

from tidewheel.collect.importing.imports import ImportSummary, import_file
from tidewheel.collect.keeping.history import History
from tidewheel.definitions.ir import Source
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog

DAY = 86_400_000_000
NOW = NOON + 400 * DAY


class World:
    """Log and lake of one workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = EventLog.open(folder / "log")
        self.lake = Lake.open(folder / "lake")
        self.history = History(self.lake, self.log, [PAYMENT, DISPUTE, CARD])
        self.journal = folder / "journal"

    def ingest(self, path: Path, source: Source = PAYMENT, **more: Any) -> ImportSummary:
        options = {"now": NOW, "folder": self.folder / "imports", "wait": 60.0, **more}
        return import_file(path, source, log=self.log, lake=self.lake, **options)

    def close(self) -> None:
        self.log.close()


def payments(n: int, *, first: int = 0, start: int = NOON) -> pa.Table:
    """n payments, one a minute, some in the same minute."""
    number = np.arange(first, first + n)
    return pa.table(
        {
            "id": pa.array([f"t{i}" for i in number]),
            "card": pa.array([f"c{i % 7}" for i in number]),
            "amount": pa.array(number / 4.0),
            "country": pa.array(["SE" if i % 3 else "NO" for i in number]),
            "at": pa.array(start + (number // 2) * 60_000_000, pa.timestamp("us", "UTC")),
        }
    )


def write_parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path)
    return path


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
