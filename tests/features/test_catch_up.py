"""Imports, trimmed logs and new groups: a folder that has to read history ends with the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_shop import (
    BUY,
    GRAPH,
    GROUPS,
    HOUR,
    MINUTE,
    SHOP_RETURNS,
    SHOP_RISK,
    USER_HISTORY,
    USER_KIND,
    aggregate,
    feature,
)

from tidewheel.collect.flush import flush
from tidewheel.collect.history import History
from tidewheel.collect.imports import import_file
from tidewheel.definitions import ir
from tidewheel.features.asof import read_group
from tidewheel.features.online import OnlineReader
from tidewheel.features.plan_group import plan_group
from tidewheel.features.plan_view import plan_group_alone
from tidewheel.features.stream import Folder
from tidewheel.storage.lake import Lake
from tidewheel.storage.log import EventLog
from tidewheel.storage.log_records import NewEvent
from tidewheel.storage.state import StateStore

START = 1_700_000_000_000_000
RETURN_KINDS = ir.Group("ReturnKinds", ("Buy.kind",), (feature("n", aggregate("count", "Return", (("buy", "kind"),))),))
"""Goes through a column that no other group needs of a Buy."""
PLANS = [plan_group(GRAPH, group) for group in GROUPS]


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


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path)
    yield made
    made.log.close()


def test_states_are_the_same_bytes_however_they_were_reached(workspace: Workspace) -> None:
    workspace.import_buys(300)
    store, folders = workspace.fold("bit by bit", PLANS, batch=7)
    for _ in range(4):
        workspace.live(25)
        for each in folders:
            each.catch_up()
    workspace.import_buys(200)
    workspace.live(40)
    for each in folders:
        each.catch_up()
        each.close()
    expected = {(plan.state_id, key): blob for plan in PLANS for key, blob in store.scan(plan.state_id)}
    store.close()
    assert len(expected) > 10
    assert workspace.states("at once", PLANS, batch=1000) == expected
    assert workspace.states("in three", PLANS, batch=31, partitions=3) == expected
    flush(workspace.log, workspace.lake, floor=workspace.log.head())
    assert workspace.log.first() == workspace.log.head()
    assert workspace.states("from the lake", PLANS, batch=13) == expected


def test_a_new_group_catches_up_while_others_go_on(workspace: Workspace) -> None:
    workspace.import_buys(100)
    workspace.live(60)
    old = [plan_group(GRAPH, USER_HISTORY), plan_group(GRAPH, SHOP_RISK)]
    store, folders = workspace.fold("grown", old, batch=10)
    flush(workspace.log, workspace.lake, floor=workspace.log.head())
    workspace.live(30)
    new = [plan_group(GRAPH, SHOP_RETURNS), plan_group(GRAPH, USER_KIND), plan_group(GRAPH, RETURN_KINDS)]
    plans = [*old, *new]
    for each in folders:
        each.plan(GRAPH, plans)
        assert each.position() == 0
        each.step()
        workspace.live(5)
        each.catch_up()
        each.close()
    store.close()
    found = workspace.states("grown", plans, batch=10)
    assert len({state for state, _ in found}) == len(plans)
    assert workspace.states("fresh", plans, batch=1000) == found


def test_the_live_state_reads_as_history_does(workspace: Workspace) -> None:
    workspace.import_buys(200)
    workspace.live(50)
    store, folders = workspace.fold("state", PLANS, batch=9)
    for group, keys in (
        (SHOP_RETURNS, {"Shop": "s1"}),
        (USER_KIND, {"User": "u1", "Buy.kind": "food"}),
        (USER_HISTORY, {"User": "u2"}),
    ):
        row = OnlineReader(store, [plan_group_alone(GRAPH, group)]).read(keys, workspace.now)
        past = read_group(workspace.history, GRAPH, group, {k: [v] for k, v in keys.items()}, [row.instant])
        for name, word in zip(past.column_names, row.words[0].tolist(), strict=True):
            value = past[name][0].as_py()
            assert (
                row.texts[0].get(name) == value if isinstance(value, str) else value == (None if word != word else word)
            )
    for each in folders:
        each.close()
    store.close()


def test_blobs_of_another_kernel_are_folded_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.import_buys(50)
    expected = workspace.states("state", PLANS, batch=10)
    monkeypatch.setattr("tidewheel.features.stream._LAYOUT_NUMBER", 999_999)
    store = StateStore.open(workspace.folder / "state", 2)
    folder = Folder(workspace.log, workspace.history, store, 0, GRAPH, PLANS)
    assert folder.position() == 0
    folder.catch_up()
    folder.close()
    store.close()
    assert workspace.states("state", PLANS, batch=10) == expected
