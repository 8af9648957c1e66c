"""A shop in memory: events, features, a rule, a model that a few thousand synthetic orders can teach."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lightgbm import LGBMClassifier

import tidewheel as tw
from tidewheel.workspace import Workspace

DAY = 86_400_000_000
START = (time.time_ns() // 1000 // DAY - 200) * DAY


class Customer(tw.Entity):
    id: tw.Id
    tier: tw.Category


class Order(tw.Event):
    id: tw.Id
    customer: tw.Ref[Customer]
    category: tw.Category
    amount: float


class Return(tw.Event):
    id: tw.Id
    order: tw.Ref[Order]


class CustomerHistory(tw.Features, by=Customer):
    orders_30d = tw.count(Order, "30d")
    spent_30d = tw.sum(Order.amount, "30d")
    returns_60d = tw.count(Return, "60d")
    last_category = tw.last(Order.category)


class OrderView(tw.View, on=Order):
    amount = Order.amount
    tier = Order.customer.tier
    customer = CustomerHistory

    @tw.derived(Order.category, customer.last_category)
    def same(now: tw.Array, last: tw.Array) -> tw.Array:
        return now == last


class SentBack(tw.Model):
    view = OrderView
    label = tw.happened(Return, within="14d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1)
    split = tw.temporal(test="20d")
    metrics = ["roc_auc"]
    gates = [tw.at_least("roc_auc", 0.55)]


class Screen(tw.Service, on=Order):
    rules = [tw.rule("huge", Order.amount > 10_000, then="check")]
    model = SentBack
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.previous(SentBack), tw.action("ship")]
    deadline = "5s"
    unit = Order.customer


SHOP = [Customer, Order, Return, CustomerHistory, OrderView, SentBack, Screen]


def fill(workspace: Workspace, folder: Path) -> None:
    """Ingest the history, as known when it happened."""
    for cls, events in zip((Customer, Order, Return), history(), strict=True):
        names = [name for name in ("id", "tier", "customer", "order", "category", "amount") if hasattr(events[0], name)]
        columns = {name: [getattr(event, name) for event in events] for name in names}
        columns["at"] = pa.array([event.at for event in events], pa.timestamp("us", "UTC"))
        file = folder / f"{cls.__name__}.parquet"
        pq.write_table(pa.table(columns), file)
        summary = workspace.ingest(str(file), cls)
        assert (summary.accepted, summary.quarantined) == (len(events), 0)


def history(orders: int = 1500, days: int = 120, seed: int = 3) -> tuple[list[Any], list[Any], list[Any]]:
    """Make customers, orders and returns; dear orders and some customers come back more often."""
    draw = random.Random(seed)
    habit = [draw.gauss(0, 1.5) for _ in range(60)]
    customers = [Customer(id=f"c{k}", tier=draw.choice(["gold", "plain"]), at=START) for k in range(60)]
    placed, back = [], []
    for number in range(orders):
        at = START + 1 + number * days * DAY // orders
        customer, amount = draw.randrange(60), round(draw.lognormvariate(3, 1), 2)
        category = draw.choice(["toys", "shoes"])
        placed.append(Order(id=f"o{number}", customer=f"c{customer}", category=category, amount=amount, at=at))
        if draw.random() < 1 / (1 + math.exp(2 - habit[customer] - amount / 40)):
            back.append((at + draw.randrange(1, 10) * DAY, Return(id=f"r{number}", order=f"o{number}")))
    returns = []
    for at, event in sorted(back, key=lambda pair: pair[0]):
        returns.append(Return(id=event.id, order=event.order, at=at))
    return customers, placed, returns
