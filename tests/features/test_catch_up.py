"""Imports, trimmed logs and new groups: a folder that has to read history ends with the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from feature_shop import GRAPH, GROUPS, SHOP_RETURNS, SHOP_RISK, USER_HISTORY, USER_KIND, aggregate, feature
from feature_workspace import Workspace

from tidewheel.collect.keeping.flush import flush
from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import OnlineReader
from tidewheel.features.replay.asof import read_group
from tidewheel.storage.state.lmdb_state import StateStore

RETURN_KINDS = ir.Group("ReturnKinds", ("Buy.kind",), (feature("n", aggregate("count", "Return", (("buy", "kind"),))),))
"""Goes through a column that no other group needs of a Buy."""
PLANS = [plan_group(GRAPH, group) for group in GROUPS]


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


def test_a_folder_that_ends_within_an_import_goes_on_there(workspace: Workspace) -> None:
    workspace.import_buys(300)
    workspace.live(30)
    with closing(StateStore.open(workspace.folder / "stopped", 2)) as store:
        for k in range(2):
            with closing(Folder(workspace.log, workspace.history, store, k, GRAPH, PLANS, batch=7)) as folder:
                folder.step()
                assert 0 < folder.position() < 300
    assert workspace.states("stopped", PLANS, batch=7) == workspace.states("at once", PLANS, batch=1000)


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
    monkeypatch.setattr("tidewheel.features.folding.stream._LAYOUT_NUMBER", 999_999)
    store = StateStore.open(workspace.folder / "state", 2)
    folder = Folder(workspace.log, workspace.history, store, 0, GRAPH, PLANS)
    assert folder.position() == 0
    folder.catch_up()
    folder.close()
    store.close()
    assert workspace.states("state", PLANS, batch=10) == expected


class Counted(History):
    """Tells of each piece that is read, and refuses to read a source whole."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.pieces_read: list[tuple[str, int]] = []
        self.folder: Folder | None = None

    def scan(self, type: str, columns: Sequence[str], *, below: int | None = None) -> pa.Table:
        raise AssertionError(f"{type} is read whole")

    def pieces(self, type: str, columns: Sequence[str], **range: int) -> Iterator[pa.Table]:
        folded = 0
        for piece in super().pieces(type, columns, **range):
            if self.folder is not None:
                assert self.folder.position() >= folded, "the piece before is still held"
            self.pieces_read.append((type, len(piece)))
            yield piece
            folded = piece["_offset"][-1].as_py()


def test_a_new_state_holds_one_piece_of_each_source_however_long_the_history(workspace: Workspace) -> None:
    workspace.import_buys(2000)
    workspace.live(30)
    workspace.import_buys(1500)
    expected = workspace.states("at once", PLANS, batch=100_000)
    history = Counted(workspace.lake, workspace.log, GRAPH.sources)
    store = StateStore.open(workspace.folder / "in pieces", 1)
    history.folder = folder = Folder(workspace.log, history, store, 0, GRAPH, PLANS, batch=20, few=0)
    folder.catch_up()
    folder.close()
    found = {(plan.state_id, key): blob for plan in PLANS for key, blob in store.scan(plan.state_id)}
    store.close()
    assert found == expected
    buys = [rows for type, rows in history.pieces_read if type == "Buy"]
    assert sum(buys) == 3500
    assert max(rows for _, rows in history.pieces_read) <= 10 * 20
    assert len(buys) == 18, "each piece is read once"
