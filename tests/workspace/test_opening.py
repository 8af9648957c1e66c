"""Opening and closing, events on their own, and time that a caller drives."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.shop import DAY, SHOP, START, CustomerHistory, Order, Return, Screen

import tidewheel as tw
from tidewheel.errors import (
    ClockError,
    ConfigError,
    DefinitionError,
    FeatureError,
    InputError,
    SchemaError,
    StorageError,
)

PROJECT = """
import tidewheel as tw


class Sale(tw.Event):
    id: tw.Id
    shop: tw.Key
    amount: float


class ShopHistory(tw.Features, by=Sale.shop):
    sold_1d = tw.sum(Sale.amount, "1d")
    sales_7d = tw.count(Sale, "7d")


class Gate(tw.Service, on=Sale):
    rules = [tw.rule("busy", ShopHistory.sales_7d >= 2, then="hold")]
    decide = tw.thresholds(go=0.0)
"""


def project(folder: Path, settings: str = "") -> Path:
    folder.mkdir()
    (folder / "project.py").write_text(PROJECT)
    (folder / "tidewheel.toml").write_text(f'max_map = "64MB"\n{settings}\n')
    return folder


def test_events_are_in_order_and_duplicates_are_taken_once() -> None:
    with tw.open(":memory:", SHOP) as workspace:
        placed = [Order(id=f"o{k}", customer="c1", category="toys", amount=10.0 * k) for k in range(4)]
        assert [outcome.status for outcome in workspace.append(placed)] == ["logged"] * 4
        again = workspace.append([placed[2], Return(id="r1", order="o2")])
        assert [outcome.status for outcome in again] == ["duplicate", "logged"]
        row = workspace.read(CustomerHistory, customer="c1")
        assert (row.orders_30d, row.spent_30d, row.returns_60d) == (4, 60.0, 1)
        assert repr(row).startswith("FeatureRow(orders_30d=4")
        status = workspace.log_status()
        assert status.counters["Order"]["logged"] == 4
        assert status.counters["Order"]["duplicates"] == 1


def test_a_closed_workspace_opens_nothing_again(tmp_path: Path) -> None:
    workspace = tw.open(project(tmp_path / "shop"))
    workspace.deploy("Gate")
    assert workspace.decide("Gate", {"id": "s1", "shop": "north", "amount": 1.0}).decision == "go"
    workspace.close()
    for late in (
        lambda: workspace.decide("Gate", {"id": "s2", "shop": "north", "amount": 1.0}),
        lambda: workspace.read("ShopHistory", shop="north"),
        lambda: workspace.runs(),
        lambda: workspace.sync(),
    ):
        with pytest.raises(StorageError, match="this workspace is closed; open it again"):
            late()
    workspace.close()


def test_a_service_answers_its_own_event_alone() -> None:
    with (
        tw.open(":memory:", SHOP) as workspace,
        pytest.raises(SchemaError, match="Screen answers Order, not Return"),
    ):
        workspace.decide(Screen, Return(id="r1", order="o2"))


def test_what_holds_no_declarations_is_refused() -> None:
    with pytest.raises(ConfigError, match="holds no declarations; give the module itself"):
        tw.open(":memory:", "project.py")  # type: ignore[arg-type]  # what a beginner may try


def test_a_mapping_is_no_event() -> None:
    with tw.open(":memory:", SHOP) as workspace, pytest.raises(SchemaError, match="dict is no event of this project"):
        workspace.append({"id": "o1"})


def test_features_as_of_an_instant() -> None:
    with tw.open(":memory:", SHOP) as workspace:
        workspace.append([Order(id="o1", customer="c1", category="toys", amount=5.0)])
        assert workspace.read(CustomerHistory, at=START, customer="c1").orders_30d == 0
        assert workspace.read("CustomerHistory", at="2100-01-01T00:00:00Z", customer="c1").last_category == "toys"
        with pytest.raises(FeatureError, match="customer"):
            workspace.read(CustomerHistory, client="c1")
        with pytest.raises(InputError, match="zone"):
            workspace.read(CustomerHistory, at="2026-01-01T00:00:00", customer="c1")


def test_what_was_appended_is_there_when_opened_again(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop")
    with tw.open(folder) as workspace:
        sale = workspace.project.declaration("Sale")
        workspace.append([sale(id=f"s{k}", shop="north", amount=2.5) for k in range(3)])
    with tw.open(folder) as workspace:
        row = workspace.read("ShopHistory", shop="north")
        assert (row.sold_1d, row.sales_7d) == (7.5, 3)
        workspace.flush()
        assert workspace.history.scan("Sale", ["id"]).num_rows == 3


def test_a_service_of_rules_alone(tmp_path: Path) -> None:
    with tw.open(project(tmp_path / "shop")) as workspace:
        workspace.deploy("Gate")
        decided = []
        for k in range(4):
            decided.append(workspace.decide("Gate", {"id": f"g{k}", "shop": "north", "amount": 1.0}).decision)
            workspace.sync()
        assert decided == ["go", "go", "hold", "hold"]
        assert workspace.check_features(sample=0).differences == 0


def test_what_can_not_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tidewheel init"):
        tw.open(tmp_path)
    with pytest.raises(ConfigError, match="needs declarations"):
        tw.open(":memory:")
    folder = project(tmp_path / "shop")
    (folder / "project.py").write_text(PROJECT.replace("Sale.amount", "Sale.amout"))
    with pytest.raises(DefinitionError, match=r"project\.py:.*amount"):
        tw.open(folder)


def test_time_moves_only_when_the_caller_moves_it(tmp_path: Path) -> None:
    with tw.open(project(tmp_path / "shop", 'clock = "replay"')) as workspace:
        sale = workspace.project.declaration("Sale")
        for day in range(10):
            assert workspace.advance(START + day * DAY) == START + day * DAY
            workspace.append(sale(id=f"s{day}", shop="north", amount=1.0))
        workspace.advance(START + 9 * DAY + 1)
        row = workspace.read("ShopHistory", shop="north")
        assert (row.sold_1d, row.sales_7d) == (2.0, 8), "a window's tail is rounded down to a hop"
        with pytest.raises(ClockError):
            workspace.advance(START)
    with tw.open(tmp_path / "shop") as workspace:
        assert workspace.stores.clock.now() == START + 9 * DAY + 1
        assert workspace.read("ShopHistory", shop="north").sales_7d == 8


def test_nobody_sets_the_real_clock(tmp_path: Path) -> None:
    with tw.open(project(tmp_path / "shop")) as workspace, pytest.raises(ClockError, match="real time"):
        workspace.advance(START)
