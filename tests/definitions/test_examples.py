"""The examples of the north star, compiled: keys found, paths resolved, rules read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewheel.definitions import ir, load_project, reachable
from tidewheel.definitions.projects.project import Project

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def fraud() -> Project:
    return load_project(EXAMPLES / "fraud")


@pytest.fixture(scope="module")
def flights() -> Project:
    return load_project(EXAMPLES / "flights")


def group(project: Project, name: str) -> dict[str, ir.Aggregate | ir.Expr]:
    found = next(group for group in project.graph.groups if group.name == name)
    return {feature.name: feature.value for feature in found.features}


def view(project: Project) -> dict[str, ir.ViewColumn]:
    return {column.name: column for column in project.graph.views[0].columns}


def test_sources(fraud: Project) -> None:
    assert [source.name for source in fraud.graph.sources] == ["Card", "Chargeback", "Terminal", "Transaction"]
    card = fraud.graph.sources[0]
    assert card.entity
    assert card.doc == "A payment card, as its issuer describes it."
    assert card.file == "project.py"


def test_aggregates_find_their_key(fraud: Project) -> None:
    history, risk = group(fraud, "CardHistory"), group(fraud, "TerminalRisk")
    minute, hour, day = 60_000_000, 3_600_000_000, 86_400_000_000
    assert history["payments_10m"] == ir.Aggregate(
        "count", "Transaction", (("card",),), window=10 * minute, hop=15_000_000
    )
    assert history["large_7d"] == ir.Aggregate(
        "count",
        "Transaction",
        (("card",),),
        where=ir.Call(
            "and",
            (
                ir.Call("gt", (ir.Col(("amount",)), ir.Const(500.0))),
                ir.Call("eq", (ir.Col(("country",)), ir.Const("SE"))),
            ),
        ),
        window=7 * day,
        hop=6 * hour,
    )
    assert history["terminals_7d"] == ir.Aggregate(
        "distinct", "Transaction", (("card",),), ir.Col(("terminal",)), window=7 * day, hop=6 * hour, exact_to=256
    )
    assert history["last_country"] == ir.Aggregate("last", "Transaction", (("card",),), ir.Col(("country",)), text=True)
    assert risk["payments_28d"] == ir.Aggregate(
        "count", "Transaction", (("terminal",),), window=28 * day, hop=day, delay=7 * day
    )
    assert risk["frauds_28d"] == ir.Aggregate(
        "count", "Chargeback", (("transaction", "terminal"),), window=28 * day, hop=day
    )
    assert risk["fraud_rate"] == ir.Call(
        "div",
        (
            ir.Call("add", (ir.Feature("", "frauds_28d"), ir.Const(0.1))),
            ir.Call("add", (ir.Feature("", "payments_28d"), ir.Const(100.0))),
        ),
    )


def test_an_entitys_attributes_are_a_group(fraud: Project) -> None:
    attributes = next(group for group in fraud.graph.groups if group.attributes)
    assert attributes == ir.Group(
        "Card",
        ("Card",),
        (
            ir.FeatureColumn(
                "issued_in", ir.Aggregate("last", "Card", (("id",),), ir.Col(("issued_in",)), text=True), text=True
            ),
        ),
        attributes=True,
    )


def test_a_view_spreads_its_groups(fraud: Project) -> None:
    columns = view(fraud)
    assert list(columns) == [
        "amount", "issued_in",
        "card.payments_10m", "card.spend_1d", "card.mean_30d", "card.large_7d", "card.terminals_7d",
        "card.last_country", "card.idle",
        "terminal.payments_28d", "terminal.frauds_28d", "terminal.fraud_rate",
        "amount_over_mean", "abroad",
    ]  # fmt: skip
    assert columns["issued_in"] == ir.ViewColumn("issued_in", ir.Col(("card", "issued_in")), text=True)
    assert [name for name, column in columns.items() if column.text] == ["issued_in", "card.last_country"]
    assert columns["abroad"].value == ir.Derived(
        "abroad",
        (ir.Col(("country",)), ir.Feature("card", "last_country")),
        "def abroad(country, last):\n    return country != last\n",
    )
    assert fraud.graph.views[0].lookups == (
        ir.Lookup("card", "CardHistory", (("card",),)),
        ir.Lookup("terminal", "TerminalRisk", (("terminal",),)),
    )


def test_the_model(fraud: Project) -> None:
    model = fraud.graph.models[0]
    day = 86_400_000_000
    assert model.label == ir.Label("happened", "Chargeback", ("transaction",), 30 * day)
    assert model.split == ir.Split(30 * day, 30 * day)
    assert model.estimator.startswith("lightgbm.sklearn.LGBMClassifier(")
    assert "n_estimators=300" in model.estimator
    assert model.search == (
        '{"learning_rate":{"high":0.3,"kind":"log","low":0.01},"num_leaves":{"high":127,"kind":"int","low":15}}'
    )
    assert model.calibrate == "isotonic"
    assert model.metrics == ("average_precision", "precision_at(recall=0.95)", "brier")
    assert [gate.kind for gate in model.gates] == ["at_least", "beats_champion", "parity", "p99_below"]
    assert model.gates[-1].value == 5_000
    assert model.retrain == ir.Retrain("monthly", 0.25, 0.2, 7 * day, "average_precision")
    assert fraud.models["Fraud"].estimator.get_params()["n_estimators"] == 300


def test_the_service(fraud: Project) -> None:
    service = fraud.graph.services[0]
    assert service.rule_view is not None
    assert service.rule_view.lookups == (ir.Lookup("CardHistory", "CardHistory", (("card",),)),)
    assert service.rule_view.columns == (
        ir.ViewColumn("burst", ir.Call("gt", (ir.Feature("CardHistory", "payments_10m"), ir.Const(20.0)))),
    )
    assert service.rules == (ir.Rule("burst", "burst", "block"),)
    assert service.thresholds == (("allow", 0.0), ("review", 0.6), ("block", 0.95))
    assert service.fallback == (
        ir.Fallback("previous", model="Fraud"),
        ir.Fallback("table", model="Fraud", by=("terminal",)),
        ir.Fallback("action", action="review"),
    )
    assert service.deadline == 20_000
    assert service.unit == ("card",)


def test_one_group_looked_up_twice(flights: Project) -> None:
    assert flights.graph.views[0].lookups == (
        ir.Lookup("dest", "AirportNow", (("dest",),)),
        ir.Lookup("origin", "AirportNow", (("origin",),)),
        ir.Lookup("plane", "PlaneLately", (("plane",),)),
    )
    columns = view(flights)
    assert columns["windier"].value == ir.Call("sub", (ir.Feature("origin", "wind"), ir.Feature("dest", "wind")))
    assert columns["seats"].value == ir.Call("fill", (ir.Col(("plane", "seats")), ir.Const(0.0)))


def test_a_key_that_two_paths_lead_to(flights: Project) -> None:
    now = group(flights, "AirportNow")
    late = now["late_out_2h"]
    assert isinstance(late, ir.Aggregate)
    assert late.keys == (("flight", "origin"),)
    rain = now["rain_6h"]
    assert isinstance(rain, ir.Aggregate)
    assert (rain.keys, rain.default) == ((("airport",),), 0.0)


def test_defaults_of_a_model_and_a_service(flights: Project) -> None:
    model, service = flights.graph.models[0], flights.graph.services[0]
    assert model.label.value == ir.Call("gt", (ir.Col(("delay",)), ir.Const(15.0)))
    assert model.estimator == "lightgbm.sklearn.LGBMClassifier()"
    assert model.metrics == ("average_precision", "roc_auc", "brier")
    assert model.retrain is None
    assert model.trials == 0
    assert service.fallback == (ir.Fallback("previous", model="Delay"), ir.Fallback("action", action="on_time"))
    assert service.deadline == 50_000


def test_a_bundle_carries_what_it_needs(fraud: Project) -> None:
    part = reachable(fraud.graph, ["Fraud"])
    assert part.services == ()
    assert part.models == fraud.graph.models
    assert part.groups == fraud.graph.groups
    assert part.sources == fraud.graph.sources
    assert reachable(fraud.graph, ["Score"]) == fraud.graph
    risk = reachable(fraud.graph, ["TerminalRisk"])
    assert [node.name for node in risk.groups] == ["TerminalRisk"]
    assert risk.views == ()


def test_a_score_for_every_user_each_night() -> None:
    graph = load_project(EXAMPLES / "churn").graph
    assert [(tick.name, tick.each, tick.when.every) for tick in graph.ticks] == [("Nightly", "User", "daily")]
    label = graph.models[0].label
    assert (label.kind, label.source, label.key, label.within) == ("aggregate", "Visit", ("user",), 28 * 86_400_000_000)
    stored = graph.services[0].fallback[0].stored
    assert stored is not None
    assert (stored.by, stored.entity, stored.max_age) == (("user",), "User", 7 * 86_400_000_000)
