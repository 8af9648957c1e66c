"""Plans: what is shared, what makes a state's name, what is refused."""

from __future__ import annotations

import pytest
from feature_shop import (
    AMOUNT,
    BUY,
    BY_SHOP,
    GRAPH,
    HOUR,
    MINUTE,
    RETURN_BY_SHOP,
    RULES,
    SHOP_RISK,
    USER_HISTORY,
    VIEW,
    aggregate,
    column,
    feature,
)
from msgspec.structs import replace

from tidewheel.definitions import ir
from tidewheel.errors import DefinitionError
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.programs import assemble
from tidewheel.features.planning.view import plan_view


def test_names_and_expressions_do_not_make_a_state() -> None:
    renamed = replace(
        SHOP_RISK, name="Other", features=tuple(replace(f, name=f"x_{f.name}") for f in SHOP_RISK.features)
    )
    more = replace(USER_HISTORY, features=USER_HISTORY.features[:-1])
    assert plan_group(GRAPH, renamed).state_id == plan_group(GRAPH, SHOP_RISK).state_id
    assert (plan_group(GRAPH, renamed).layout.code == plan_group(GRAPH, SHOP_RISK).layout.code).all()
    assert plan_group(GRAPH, more).state_id == plan_group(GRAPH, USER_HISTORY).state_id
    wider = replace(SHOP_RISK, features=(*SHOP_RISK.features, feature("n", aggregate("count", "Buy", BY_SHOP))))
    assert plan_group(GRAPH, wider).state_id != plan_group(GRAPH, SHOP_RISK).state_id


def test_equal_aggregates_are_one_output() -> None:
    value = aggregate("sum", "Buy", BY_SHOP, AMOUNT, HOUR, 5 * MINUTE)
    plan = plan_group(GRAPH, ir.Group("Twice", ("Shop",), (feature("a", value), feature("b", value))))
    assert len(plan.aggregates) == plan.layout.n_features == 1
    assert plan.node("a") == plan.node("b")


def test_a_reference_makes_a_feed_of_its_own() -> None:
    fee = aggregate("sum", "Return", (("why",),), ir.Col(("fee",)))
    worth = aggregate("sum", "Return", (("why",),), ir.Col(("buy", "amount")))
    plan = plan_group(GRAPH, ir.Group("Reasons", ("Return.why",), (feature("fee", fee), feature("worth", worth))))
    assert sorted((feed.source, feed.via is not None, feed.columns) for feed in plan.feeds) == [
        ("Return", False, ("why", "fee")),
        ("Return", True, ("why", "buy")),
    ]
    shop = plan_group(GRAPH, SHOP_RISK)
    via = next(feed.via for feed in shop.feeds if feed.via is not None)
    assert (via.ref, via.target, sorted(via.columns)) == ("buy", "Buy", ["amount", "shop"])


def test_views_share_reads_and_inputs() -> None:
    plans = [plan_view(GRAPH, RULES), plan_view(GRAPH, VIEW)]
    together = assemble(plans)
    assert len(together.reads) == len(plans[1].reads)
    assert together.slices[0] == slice(0, 1)
    assert together.slices[1] == slice(1, 1 + len(VIEW.columns))
    assert len(together.stages) == 2, "label waits for changed"
    twice = assemble([plans[1], plan_view(GRAPH, VIEW)])
    assert sum(len(stage.steps) for stage in twice.stages) == 2, "equal derived functions run once"


def test_one_group_read_twice_is_two_reads_of_one_state() -> None:
    flight = ir.Source("Flight", (ir.Column("a", "ref", "Shop"), ir.Column("b", "ref", "Shop")))
    graph = ir.Graph(sources=(*GRAPH.sources, flight), groups=GRAPH.groups)
    view = ir.View(
        "Twice",
        "Flight",
        (ir.Lookup("a", "ShopReturns", (("a",),)), ir.Lookup("b", "ShopReturns", (("b",),))),
        (column("x", ir.Feature("a", "returns")), column("y", ir.Feature("b", "returns"))),
    )
    reads = plan_view(graph, view).reads
    assert [read.keys for read in reads] == [(("a",),), (("b",),)]
    assert len({read.plan.state_id for read in reads}) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (aggregate("count", "Return", (("buy", "user", "tier"),)), "more than one step"),
        (aggregate("count", "Buy", (("user", "tier"),)), "more than one step"),
        (aggregate("sum", "Buy", BY_SHOP, ir.Col(("nothing",))), "no column 'nothing'"),
        (aggregate("sum", "Buy", BY_SHOP, ir.Feature("", "x")), "reads a feature"),
        (aggregate("count", "Buy", (("amount",),)), "is a float, and a key"),
    ],
)
def test_what_an_aggregate_may_not_read(value: ir.Aggregate, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        plan_group(GRAPH, ir.Group("Bad", ("Shop",), (feature("x", value),)))


def test_two_references_in_one_aggregate_are_refused() -> None:
    swap = ir.Source("Swap", (ir.Column("one", "ref", "Buy"), ir.Column("two", "ref", "Buy")))
    graph = ir.Graph(sources=(*GRAPH.sources, swap))
    value = aggregate("sum", "Swap", (("one", "shop"),), ir.Col(("two", "amount")))
    with pytest.raises(DefinitionError, match="two references, one and two"):
        plan_group(graph, ir.Group("Bad", ("Shop",), (feature("x", value),)))


def test_a_view_reads_attributes_of_entities_only() -> None:
    for path in (("shop", "owner", "name"), ("buy", "amount")):
        on = "Return" if path[0] == "buy" else "Buy"
        with pytest.raises(DefinitionError, match="not an attribute of an entity"):
            plan_view(GRAPH, ir.View("Bad", on, (), (column("x", ir.Col(path)),)))


def test_the_slots_of_unused_sources_are_not_needed() -> None:
    assert {feed.source for feed in plan_group(GRAPH, USER_HISTORY).feeds} == {BUY.name}
    assert all(feed.keys in (BY_SHOP, RETURN_BY_SHOP) for feed in plan_group(GRAPH, SHOP_RISK).feeds)
