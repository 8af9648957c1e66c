"""A log, a lake and what comes into them: imports and live events; and folders that read it all."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from feature_shop import BUY, GRAPH, HOUR, MINUTE

from tidewheel.collect.importing.imports import import_file
from tidewheel.collect.keeping.history import History
from tidewheel.features.folding.stream import Folder
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

START = 1_700_000_000_000_000


class Workspace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = EventLog.open(folder / "log", sync="second")
        self.lake = Lake.open(folder / "lake")
        self.history = History(self.lake, self.log, GRAPH.sources)
        self.random = random.Random(5)
        self.now = START

    def import_buys(self, n: int) -> None:
        at = self.now + np.sort(np.array([self.random.randrange(HOUR) for _ in range(n)]))
        pick = self.random.choice
        table = pa.table(
            {
                "id": [f"i{self.now}-{i}" for i in range(n)],
                "user": [pick(["u1", "u2", "u3"]) for _ in range(n)],
                "shop": [pick(["s1", "s2", None]) for _ in range(n)],
                "amount": [pick([1.0, 2.5, None]) for _ in range(n)],
                "kind": [pick(["food", "toys"]) for _ in range(n)],
                "gift": [True] * n,
                "at": pa.array(at, pa.timestamp("us", "UTC")),
            }
        )
        path = self.folder / f"{self.now}.parquet"
        pq.write_table(table, path)
        self.ids = table["id"].to_pylist()
        self.now = int(at[-1]) + 1
        import_file(path, BUY, log=self.log, lake=self.lake, folder=self.folder / "imports", now=self.now)

    def live(self, n: int) -> None:
        for i in range(n):
            self.now += self.random.randrange(MINUTE)
            identity, pick = f"l{self.now}-{i}", self.random.choice
            if self.random.random() < 0.4:
                target = pick([*self.ids, f"l{self.now}-{i + 1}"])
                event = NewEvent(
                    "Return", identity, self.now, {"buy": target, "fee": 0.1, "why": pick("xyz")}, self.now
                )
            else:
                columns = {"id": identity, "user": pick(["u1", "u2", None]), "shop": pick(["s1", "s3"]), "amount": 0.3}
                event = NewEvent("Buy", identity, self.now, columns | {"kind": "food", "gift": None}, self.now)
                self.ids.append(identity)
            self.log.append([event], now=self.now)

    def states(self, name: str, plans, *, batch: int, partitions: int = 2) -> dict[tuple[str, bytes], bytes]:
        store, folders = self.fold(name, plans, batch=batch, partitions=partitions)
        for each in folders:
            each.close()
        found = {(plan.state_id, key): blob for plan in plans for key, blob in store.scan(plan.state_id)}
        store.close()
        return found

    def fold(self, name: str, plans, *, batch: int, partitions: int = 2) -> tuple[StateStore, list[Folder]]:
        store = StateStore.open(self.folder / name, partitions)
        folders = [Folder(self.log, self.history, store, k, GRAPH, plans, batch=batch) for k in range(partitions)]
        for each in folders:
            each.catch_up()
            assert each.position() == self.log.head() - 1
        return store, folders
