"""Freshness: what a view allows, what happens beyond, and what the record and the alert say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.workspace.shop import Customer, CustomerHistory, Order, Return, SentBack, fill

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest
from tidewheel.errors import DefinitionError
from tidewheel.registry.alerts import list_alerts
from tidewheel.storage.journal.rows import from_arrow, to_arrow
from tidewheel.workspace import Workspace
from tidewheel.workspace.events.incoming import checked

GAP = 0.3
"""Seconds by which features may be behind."""


def declared(when_stale: str) -> list[type]:
    class OrderView(tw.View, on=Order, freshness=f"{int(GAP * 1000)}ms", when_stale=when_stale):  # type: ignore[arg-type]  # parametrised
        amount = Order.amount
        customer = CustomerHistory

    class Judge(tw.Model):
        view = OrderView
        label = SentBack.label
        estimator = SentBack.estimator
        split = SentBack.split
        metrics = ["roc_auc"]

    class Screen(tw.Service, on=Order):
        model = Judge
        decide = tw.thresholds(ship=0.0, check=0.99999)
        fallback = [tw.action("check")]
        deadline = "5s"

    return [Customer, Order, Return, CustomerHistory, OrderView, Judge, Screen]


def order(name: str) -> dict[str, object]:
    return {"id": name, "customer": "c1", "category": "toys", "amount": 20.0}


def behind(workspace: Workspace, name: str) -> None:
    """Log an event that nothing folds, and let it grow old."""
    event = Order(id=name, customer="c1", category="toys", amount=5.0)
    workspace.serving.submit(checked(event, workspace.project, workspace.stores.clock.now())).result()
    time.sleep(GAP + 0.1)


def stale_alerts(workspace: Workspace) -> list[str]:
    return [a.service for a in list_alerts(workspace.stores.catalog, only_open=True) if a.kind == "freshness"]


def wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("when_stale", ["serve", "default", "refuse"])
def test_features_that_are_behind(when_stale: str, tmp_path: Path) -> None:
    with tw.open(":memory:", declared(when_stale)) as workspace:
        fill(workspace, tmp_path)
        workspace.train("Judge")
        workspace.deploy("Judge@1")
        workspace.sync()
        fresh = workspace.decide("Screen", order("fresh"))
        workspace.sync()
        record = workspace.serving.find(fresh.decision_id)
        assert (fresh.fallback, len(record.watermarks)) == ("", len(record.states))
        assert workspace.freshness("OrderView")[0].age == 0

        behind(workspace, "late")
        (found,) = workspace.freshness()
        assert (found.stale, found.when_stale) == (True, when_stale)
        stale = workspace.decide("Screen", order("stale"))
        record = workspace.serving.find(stale.decision_id)
        if when_stale == "refuse":
            assert (stale.decision, stale.fallback) == ("check", "action")
            assert stale.reason.startswith("stale: OrderView: CustomerHistory is 0.")
        else:
            assert stale.fallback == ""
            assert record.instant - record.watermarks[0] > GAP * 1e6
            assert (record.states[0][2] == 0) is (when_stale == "default")
            assert from_arrow(to_arrow([record])) == [record]
        wait_for(lambda: stale_alerts(workspace) == ["Screen"])

        workspace.sync()
        assert not workspace.freshness()[0].stale
        assert workspace.decide("Screen", order("again")).fallback == ""
        workspace.sync()
        wait_for(lambda: stale_alerts(workspace) == [])
        assert workspace.check_features("Screen", sample=0).equal


def test_a_declared_freshness_is_part_of_the_view() -> None:
    plain, fresh = (next(v for v in compile_declarations(*d).views) for d in (declared_plain(), declared("serve")))
    assert (plain.freshness, fresh.freshness) == (0, 300_000)
    assert digest(plain) != digest(fresh)


def declared_plain() -> list[type]:
    class OrderView(tw.View, on=Order):
        amount = Order.amount
        customer = CustomerHistory

    return [OrderView]


def test_mistakes() -> None:
    class NoTarget(tw.View, on=Order, when_stale="refuse"):
        amount = Order.amount

    with pytest.raises(DefinitionError, match="nothing says when its features are stale"):
        compile_declarations(NoTarget)
    with pytest.raises(DefinitionError, match="no way 'panic'"):
        compile_declarations(declared("panic")[4])
