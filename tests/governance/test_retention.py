"""Rows go when they are older than their type is kept; what is left is compacted, and parity knows what is gone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import tidewheel as tw

DAY = 86_400_000_000
NOW = 20_000 * DAY + DAY // 2


class Sale(tw.Event, keep="10d"):
    id: tw.Id
    shop: tw.Key
    amount: float


class Visit(tw.Event):
    id: tw.Id
    shop: tw.Key


class ShopHistory(tw.Features, by=Sale.shop):
    sold_3d = tw.sum(Sale.amount, "3d")


class Gate(tw.Service, on=Sale):
    rules = [tw.rule("busy", ShopHistory.sold_3d > 1000, then="hold")]
    decide = tw.thresholds(go=0.0)
    deadline = "5s"


def test_old_rows_go_and_the_rest_is_compacted(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text('clock = "replay"\nmax_map = "64MB"\npartitions = 1\n')
    rows = {name: [f"{name}{day}" for day in range(31)] for name in ("id", "shop")}
    at = pa.array([NOW - (30 - day) * DAY for day in range(31)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({**rows, "at": at, "amount": [1.0] * 31}), tmp_path / "sales.parquet")
    pq.write_table(pa.table({**rows, "at": at}), tmp_path / "visits.parquet")
    with tw.open(tmp_path, [Sale, Visit, ShopHistory, Gate]) as workspace:
        workspace.advance(NOW)
        workspace.deploy("Gate")
        for file, event in (("sales", Sale), ("visits", Visit)):
            workspace.ingest(str(tmp_path / f"{file}.parquet"), event)
        decided = [workspace.decide(Gate, Sale(id=f"d{k}", shop="shop30", amount=1.0, at=NOW)) for k in range(3)]
        workspace.flush()
        done = {one.table: one for one in workspace.tend_lake(keep_hours=0)}
        assert done["events/Sale"].dropped == 20
        assert (done["events/Visit"].dropped, done["decisions"].dropped) == (0, 0)
        assert workspace.history.scan("Sale", [])["_at"][0].as_py() == NOW - 10 * DAY
        assert len(workspace.history.scan("Visit", [])) == 31
        assert workspace.check_features(sample=0).checked == len(decided)
        workspace.advance(NOW + 8 * DAY)
        assert workspace.tend_lake(keep_hours=0)
        report = workspace.check_features(sample=0)
        assert (report.checked, report.redacted, report.differences) == (0, 3, 0)
        workspace.advance(NOW + 12 * DAY)
        assert {one.table: one.dropped for one in workspace.tend_lake()}["decisions"] == 3
        assert workspace.stores.lake.count("decisions") == 0
