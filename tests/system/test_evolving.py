"""An event's declaration changes while ``tidewheel up`` takes events and decides on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.shop import done, tidewheel
from tests.system.live import Client, running, until

PROJECT = """
import tidewheel as tw


class Shop(tw.Entity):
    id: tw.Id


class Sale(tw.Event):
    id: tw.Id
    shop: tw.Ref[Shop]
    amount: int


class ShopHistory(tw.Features, by=Shop):
    sold = tw.sum(Sale.amount)


class SaleView(tw.View, on=Sale):
    shop = ShopHistory


class Gate(tw.Service, on=Sale):
    rules = [tw.rule("busy", ShopHistory.sold > 9, then="hold")]
    decide = tw.thresholds(go=0.0)
"""
WIDER = (
    ("    amount: int\n", "    amount: float\n    till: tw.Key | None\n"),
    ("    sold = tw.sum(Sale.amount)\n", "    sold = tw.sum(Sale.amount)\n    tills = tw.distinct(Sale.till)\n"),
)
GATE = "/v1/services/Gate"


@pytest.mark.slow
def test_a_column_is_added_and_another_widened_under_a_running_server(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "tidewheel.toml").write_text('project = "project.py"\nmax_map = "64MB"\nflush_every = "1s"\n')
    write(folder)
    done("deploy", "Gate", folder=folder)
    with running(folder, workers=1) as (server, client):
        assert sell(client, id="a", amount=3) == 200
        assert decided(client, id="b", amount=4) == "go"
        assert sell(client, id="c", amount=1.5) == 422, "a whole number is declared"
        write(folder, *WIDER)
        shown = done("plan", folder=folder).out
        assert "'amount' was int and is float" in shown
        assert "column 'till' (key, may be missing) is new" in shown
        done("deploy", "Gate", folder=folder)
        until(lambda: sell(client, id="c", amount=1.5, till="t1") == 200, "the new declaration is not served")
        assert sell(client, id="d", amount=2) == 200, "a caller that knows only the old columns"
        until(lambda: sold(folder) == {"sold": 10.5, "tills": 1.0}, "the new state does not have all events")
        assert decided(client, id="e", amount=0.25, till="t2") == "hold"
        write(folder, *WIDER, ("    amount: float\n", "    amount: bool\n"))
        refused = tidewheel("deploy", "Gate", folder=folder)
        assert refused.code == 1
        assert "keep 'amount' as float, add a nullable column of kind bool" in refused.err
        assert decided(client, id="f", amount=0.5) == "hold", "nothing has happened"
        write(folder, *WIDER)
        until(lambda: sold(folder) == {"sold": 11.25, "tills": 2.0}, "later events are not folded")
        assert "Traceback" not in server.told()
    checked = done("features", "check", "--sample", "0", folder=folder).out
    assert "3 decisions replayed" in checked
    assert " 0 differences" in checked


def write(folder: Path, *changes: tuple[str, str]) -> None:
    text = PROJECT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (folder / "project.py").write_text(text)


def sell(client: Client, **columns: Any) -> int:
    return client.post("/v1/events/Sale", {"shop": "s1", **columns})[0]


def decided(client: Client, **columns: Any) -> str:
    status, told = client.post(GATE, {"shop": "s1", **columns})
    assert status == 200, told
    return str(told["decision"])


def sold(folder: Path) -> Any:
    return done("features", "read", "ShopHistory", "shop=s1", "--json", folder=folder).json
