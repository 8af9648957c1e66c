"""A view's rows for a range of time, kept in the lake: once, by column, and across kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

import tidewheel as tw
from tidewheel.errors import FeatureError, NotReadyError
from tidewheel.workspace.opening import open_workspace
from tidewheel.workspace.workspace import Workspace


class Sale(tw.Event):
    """Something was sold."""

    id: tw.Id
    shop: tw.Key
    kind: tw.Category
    amount: float


class ShopHistory(tw.Features, by=Sale.shop):
    """What a shop did."""

    sold_1d = tw.sum(Sale.amount, "1d")
    last_kind = tw.last(Sale.kind, "1d")


class SaleView(tw.View, on=Sale):
    """One sale."""

    amount = Sale.amount
    shop = ShopHistory


def wider() -> Sequence[type]:
    """The same project with one more feature."""

    class ShopHistory(tw.Features, by=Sale.shop):
        """What a shop did."""

        sold_1d = tw.sum(Sale.amount, "1d")
        last_kind = tw.last(Sale.kind, "1d")
        most_1d = tw.max(Sale.amount, "1d")

    class SaleView(tw.View, on=Sale):
        """One sale."""

        amount = Sale.amount
        shop = ShopHistory

    return [Sale, ShopHistory, SaleView]


def sell(ws: Workspace, first: int, end: int) -> None:
    ws.append(
        [
            Sale(id=f"s{i}", shop=f"north{i % 3}", kind="toy" if i % 2 else "food", amount=i / 4)
            for i in range(first, end)
        ]
    )


def view_rows(ws: Workspace) -> list[dict[str, object]]:
    return ws.view("SaleView").drop_columns(["_id"]).to_pylist()


def stored_rows(ws: Workspace) -> list[dict[str, object]]:
    return ws.backfilled("SaleView").drop_columns(["_id", "_at", "_arrived", "_offset"]).to_pylist()


def test_backfilled_rows_are_the_views_and_are_made_once() -> None:
    with open_workspace(":memory:", [Sale, ShopHistory, SaleView]) as ws:
        with pytest.raises(FeatureError, match="no Sale"):
            ws.backfill(SaleView)
        sell(ws, 0, 40)
        with pytest.raises(NotReadyError, match="features backfill SaleView"):
            ws.backfilled(SaleView)
        first = ws.backfill(SaleView)
        assert (first.rows, first.kept) == (40, ())
        assert stored_rows(ws) == view_rows(ws)
        ws.flush()
        sell(ws, 40, 60)
        second = ws.backfill(SaleView)
        assert second.rows == 20, "only what came since"
        assert stored_rows(ws) == view_rows(ws)
        before = files_of(ws)
        again = ws.backfill(SaleView)
        assert (again.rows, again.computed) == (0, ())
        assert files_of(ws) == before, "not a byte is written by a backfill of what is there"


def files_of(ws: Workspace) -> dict[Path, bytes]:
    """Every file of the backfills, notes and lake."""
    layout = ws.stores.layout
    return {
        path: path.read_bytes()
        for root in (layout.lake, layout.backfill)
        for path in root.rglob("*.*")
        if path.is_file()
    }


def test_two_backfills_of_one_history_have_equal_bytes() -> None:
    found = []
    with open_workspace(":memory:", [Sale, ShopHistory, SaleView]) as ws:
        sell(ws, 0, 40)
        for _ in range(2):
            ws.backfill(SaleView)
            found.append(serialized(ws.backfilled("SaleView")))
            for note in ws.stores.layout.backfill.glob("*/*.json"):
                note.unlink()
            for table in ws.stores.lake.tables():
                if table.startswith("features/"):
                    shutil.rmtree(ws.stores.layout.lake / table)
    assert found[0] == found[1]


def serialized(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


def test_a_new_feature_is_computed_by_itself(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text("")
    with open_workspace(tmp_path, [Sale, ShopHistory, SaleView]) as ws:
        sell(ws, 0, 30)
        ws.backfill(SaleView)
    with open_workspace(tmp_path, wider()) as ws:
        done = ws.backfill("SaleView")
        assert done.computed == ("shop.most_1d",)
        assert done.kept == ("amount", "shop.sold_1d", "shop.last_kind")
        assert stored_rows(ws) == view_rows(ws)
        folders = sorted(ws.stores.layout.backfill.iterdir())
        assert all(
            {path.name for path in folder.iterdir()} == {"job.json", "done.json", "set.json"} for folder in folders
        )


class Return(tw.Event):
    """Something was brought back."""

    id: tw.Id
    shop: tw.Key


def test_a_group_is_backfilled_alone_and_a_new_feature_by_itself(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text("")
    with open_workspace(tmp_path, [Sale, ShopHistory, SaleView]) as ws:
        sell(ws, 0, 30)
        assert ws.backfill(ShopHistory).rows == 30
        rows = ws.backfilled(ShopHistory)
        view = ws.view("SaleView")
        assert rows["shop"].to_pylist() == [f"north{i % 3}" for i in range(30)]
        assert rows["sold_1d"].to_pylist() == view["shop.sold_1d"].to_pylist()
        assert rows["last_kind"].to_pylist() == view["shop.last_kind"].to_pylist()
    with open_workspace(tmp_path, wider()) as ws:
        done = ws.backfill("ShopHistory")
        assert (done.computed, done.kept) == (("most_1d",), ("shop", "sold_1d", "last_kind"))
        assert ws.backfilled("ShopHistory")["most_1d"].to_pylist() == ws.view("SaleView")["shop.most_1d"].to_pylist()
        assert ws.backfilled("ShopHistory", on="Sale").num_rows == 30
        with pytest.raises(FeatureError, match="no ways lead from Refund"):
            ws.backfill("ShopHistory", on="Refund")
        with pytest.raises(FeatureError, match="has a row for each Sale"):
            ws.backfill("SaleView", on="Refund")


def test_where_several_events_name_the_key_one_is_chosen() -> None:
    class ShopHistory(tw.Features, by=Sale.shop):
        """What a shop did."""

        sold_1d = tw.sum(Sale.amount, "1d")
        returns = tw.count(Return, by=Return.shop)

    with open_workspace(":memory:", [Sale, Return, ShopHistory]) as ws:
        sell(ws, 0, 6)
        ws.append([Return(id="r1", shop="north1"), Return(id="r2", shop="north1")])
        with pytest.raises(FeatureError, match="2 ways") as error:
            ws.backfill(ShopHistory)
        assert "--on Return or --on Sale" in str(error.value)
        assert ws.backfill(ShopHistory, on=Return).rows == 2
        rows = ws.backfilled(ShopHistory, on=Return)
        assert rows["returns"].to_pylist() == [0.0, 0.0], "two in one append arrive together"
        assert rows["sold_1d"].to_pylist() == [1.25, 1.25]


def test_a_killed_backfill_goes_on(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text("")
    with open_workspace(tmp_path, [Sale, ShopHistory, SaleView]) as ws:
        for start in range(0, 3000, 1000):
            sell(ws, start, start + 1000)
        ws.flush()
        expected = view_rows(ws)
    command = [sys.executable, str(Path(__file__).with_name("kill_backfill.py")), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    kills = 0
    for delay in (0.0, 0.1, 0.2, 0.4, 0.1, 0.3):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()  # it has begun
            time.sleep(delay)
            kills += child.poll() is None
            child.send_signal(signal.SIGKILL)
    assert kills > 1, "too fast to be killed: this shows nothing"
    subprocess.run(command, env=environment, check=True)
    with open_workspace(tmp_path, [Sale, ShopHistory, SaleView]) as ws:
        assert stored_rows(ws) == expected
