"""Events whose declaration changes: what is online, what is refused, and that old events are read in the new schema."""

from __future__ import annotations

from pathlib import Path

import pytest

import tidewheel as tw
from tidewheel.errors import DefinitionError

HEAD = """
import tidewheel as tw


class Shop(tw.Entity):
    id: tw.Id


class Town(tw.Entity):
    id: tw.Id


"""
SALE = """
class Sale(tw.Event):
    id: tw.Id
    shop: tw.Ref[Shop]
    kind: tw.Category
    amount: int
    note: tw.Text | None
"""
REST = """

class ShopHistory(tw.Features, by=Shop):
    sold = tw.sum(Sale.amount)
    last_kind = tw.last(Sale.kind)


class SaleView(tw.View, on=Sale):
    shop = ShopHistory
"""
GATE = """

class Gate(tw.Service, on=Sale):
    rules = [tw.rule("large", Sale.amount > 100, then="hold")]
    decide = tw.thresholds(go=0.0)
"""


def write(folder: Path, *changes: tuple[str, str], rest: str = REST) -> Path:
    folder.mkdir(exist_ok=True)
    sale = SALE
    for before, after in changes:
        assert before in sale
        sale = sale.replace(before, after)
    (folder / "project.py").write_text(HEAD + sale + rest)
    (folder / "tidewheel.toml").write_text('max_map = "64MB"\n')
    return folder


def sell(ws, id: str, **columns: object) -> None:
    sale = ws.project.module.Sale
    ws.append([sale(id=id, shop="s1", **{"kind": "toy", "amount": 3, "note": None, **columns})])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with tw.open(write(tmp_path / "shop")) as ws:
        sell(ws, "a")
        ws.flush()
        sell(ws, "b")
    return tmp_path / "shop"


ONLINE = [
    (("amount: int", "amount: float"), {"amount": 1.5}, 7.5),
    (("kind: tw.Category", "kind: tw.Text"), {}, 9.0),
    (("amount: int", "amount: int | None"), {"amount": None}, 6.0),
    (("amount: int", "amount: int\n    till: tw.Key | None"), {"till": "t1"}, 9.0),
    (("    note: tw.Text | None\n", ""), {"note": ...}, 9.0),
    (("amount: int", 'amount: int\n    channel: tw.Category = "shop"'), {}, 9.0),
    (("kind: tw.Category", 'kind: tw.Category = "toy"'), {"kind": None}, 9.0),
]


@pytest.mark.parametrize(("change", "columns", "sold"), ONLINE, ids=[change[1] for change, _, _ in ONLINE])
def test_what_is_online(folder: Path, change: tuple[str, str], columns: dict[str, object], sold: float) -> None:
    with tw.open(write(folder, change)) as ws:
        assert [found.verdict for found in ws.plan().schema] == ["online"]
        given = {"kind": "toy", "amount": 3, "note": None, **columns}
        given = {name: value for name, value in given.items() if value is not ...}
        ws.append([ws.project.module.Sale(id="c", shop="s1", **given)])
        assert ws.read("ShopHistory", shop="s1").sold == sold, "the live state goes on"
        ws.flush()
        ws.append([ws.project.module.Sale(id="d", shop="s1", **given)])
        rows = ws.view("SaleView")
        assert rows["shop.sold"].to_pylist()[:3] == [0.0, 3.0, 6.0] or rows["shop.sold"].to_pylist()[1:3] == [3.0, 6.0]
        assert ws.read("ShopHistory", at="2100-01-01T00:00:00Z", shop="s1").sold == 2 * sold - 6.0, "replay agrees"


REFUSED = [
    (("amount: int", "amount: int\n    till: tw.Key"), "write '| None' behind its type"),
    (("amount: int", "amount: bool"), "keep 'amount' as int, add a nullable column of kind bool"),
    (("note: tw.Text | None", "note: tw.Text"), "keep '| None'"),
    (("note: tw.Text | None", 'note: tw.Text = "none"'), "keep '| None'"),
    (("note: tw.Text | None", "note: tw.Category | None"), "keep 'note' as text"),
    (("tw.Ref[Shop]", "tw.Ref[Town]"), "what stored events refer to can't change"),
]


@pytest.mark.parametrize(("change", "remedy"), REFUSED, ids=[change[1] for change, _ in REFUSED])
def test_what_is_refused(folder: Path, change: tuple[str, str], remedy: str) -> None:
    rest = (
        REST.replace("by=Shop", "by=Town")
        if "Town" in change[1]
        else REST.replace("tw.sum(Sale.amount)", "tw.count(Sale)")
    )
    with tw.open(write(folder, change, rest=rest)) as ws:
        assert [found.verdict for found in ws.plan().schema] == ["refused"]
        with pytest.raises(DefinitionError, match="Sale has events already") as told:
            ws.publish()
        assert remedy in str(told.value)
    with tw.open(write(folder)) as ws:  # nothing has changed
        sell(ws, "c")
        assert ws.read("ShopHistory", shop="s1").sold == 9.0


def test_a_column_that_is_deployed_stays(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    with tw.open(write(folder, rest=REST + GATE)) as ws:
        sell(ws, "a")
        ws.deploy("Gate")
    without = REST.replace("tw.sum(Sale.amount)", "tw.count(Sale)")
    with (
        tw.open(write(folder, ("    amount: int\n", ""), rest=without)) as ws,
        pytest.raises(DefinitionError, match="deploy a version that does without"),
    ):
        ws.publish()


def test_before_the_first_event_anything_goes(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    with tw.open(write(folder)) as ws:
        ws.publish()
    with tw.open(write(folder, ("amount: int", "amount: bool"), rest="")) as ws:
        assert ws.plan().schema == []
        ws.publish()


DEFAULTED = """

class Refund(tw.Event):
    id: tw.Id
    sale: tw.Ref[Sale]


class ShopHistory(tw.Features, by=Shop):
    sold = tw.sum(Sale.amount)
    last_kind = tw.last(Sale.kind)
    in_shop = tw.count(Sale, where=Sale.channel == "shop")
    last_channel = tw.last(Sale.channel)
    tips = tw.sum(Sale.tip)
    refunded_in_shop = tw.count(Refund, where=Refund.sale.channel == "shop", by=Refund.sale.shop)


class ChannelHistory(tw.Features, by=(Shop, Sale.channel)):
    sales = tw.count(Sale)


class SaleView(tw.View, on=Sale):
    shop = ShopHistory
    channel = ChannelHistory
    own_channel = Sale.channel
    own_tip = Sale.tip
"""
SHOP_GATE = """

class Gate(tw.Service, on=Sale):
    rules = [tw.rule("shop", (Sale.channel == "shop") & (ShopHistory.in_shop > 3), then="hold"),
             tw.rule("many", ChannelHistory.sales > 100, then="hold")]
    decide = tw.thresholds(go=0.0)
    deadline = "5s"
"""
NEW = ("amount: int", 'amount: int\n    channel: tw.Category = "shop"\n    tip: float = 0.5')


def test_a_default_means_the_same_wherever_it_is_read(tmp_path: Path) -> None:
    """Rows that came before the column, in lake and log, and later ones that came without it, by every way in."""
    folder = tmp_path / "shop"
    with tw.open(write(folder)) as ws:
        sell(ws, "lake")
        ws.flush()
        sell(ws, "log")
    rows = '{"id": "file", "shop": "s1", "kind": "toy", "amount": 3}\n'
    (tmp_path / "sales.jsonl").write_text(rows + rows.replace('"file"', '"null"').replace("}", ', "channel": null}'))
    (tmp_path / "sales.csv").write_text("id,shop,kind,amount,channel\ncsv,s1,toy,3,\nweb,s1,toy,3,web\n")
    with tw.open(write(folder, NEW, rest=DEFAULTED)) as ws:
        sale = ws.project.module.Sale
        assert (sale(id="x", shop="s1", kind="toy", amount=3).channel, repr(sale.channel)) == (
            "shop",
            "<column Sale.channel>",
        )
        sell(ws, "row")
        for name in ("sales.jsonl", "sales.csv"):
            assert ws.ingest(str(tmp_path / name), "Sale", arrived="now").quarantined == 0, ws.stores.log.bad_rows()
        ws.append([ws.project.module.Refund(id=f"r-{id}", sale=id) for id in ("lake", "log", "row", "web", "csv")])
        for _ in range(2):
            for at in (None, "2100-01-01T00:00:00Z"):
                shop = ws.read("ShopHistory", at=at, shop="s1")
                assert (shop.in_shop, shop.tips, shop.refunded_in_shop) == (6.0, 3.5, 4.0), at
                assert shop.last_channel == "web"
                counts = [ws.read("ChannelHistory", at=at, shop="s1", channel=name).sales for name in ("shop", "web")]
                assert counts == [6.0, 1.0], at
            kept = ws.history.scan("Sale", ["channel", "tip"])
            assert sorted(kept["channel"].to_pylist()) == ["shop"] * 6 + ["web"]
            view = ws.view("SaleView")
            assert sorted(view["own_channel"].to_pylist()) == ["shop"] * 6 + ["web"]
            assert set(view["own_tip"].to_pylist()) == {0.5}
            ws.flush()
    with tw.open(write(folder, NEW, rest=DEFAULTED + SHOP_GATE)) as ws:
        ws.deploy("Gate")
        answer = ws.decide("Gate", {"id": "decided", "shop": "s1", "kind": "toy", "amount": 3})
        told = ws.why(answer.decision_id)
        assert (answer.decision, told.inputs["channel"], told.inputs["tip"]) == ("hold", "shop", 0.5)
        assert told.replay.equal
        assert ws.read("ShopHistory", shop="s1").in_shop == 7.0


@pytest.mark.parametrize("change", ['channel: tw.Category = "web"', "channel: tw.Category", "channel: tw.Text | None"])
def test_a_default_stays_while_there_are_rows_that_are_read_with_it(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "shop"
    declared = ("amount: int", 'amount: int\n    channel: tw.Category = "shop"')
    with tw.open(write(folder, declared)) as ws:
        sell(ws, "a")
    with tw.open(write(folder, ("amount: int", f"amount: int\n    {change}"))) as ws:
        with pytest.raises(DefinitionError) as told:
            ws.publish()
        assert "events that came before are read with 'shop'" in str(told.value)
