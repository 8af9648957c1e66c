"""What is known of each decision's outcome at an instant."""

from __future__ import annotations

import numpy as np
import pytest
from decision_rows import DAY, HOUR, MONDAY, FixedEvents, record, table

from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError
from tidewheel.outcomes import Status, join_outcomes
from tidewheel.outcomes.join import Joined
from tidewheel.storage.journal.decisions import DecisionRecord

PAYMENT = ir.Source("Payment", (ir.Column("id", "id"), ir.Column("amount", "float")))
CHARGEBACK = ir.Source("Chargeback", (ir.Column("payment", "ref", "Payment"), ir.Column("loss", "float")))
HAPPENED = ir.Label("happened", "Chargeback", ("payment",), within=3 * DAY)
SERVICE = ir.Service("Score", "Payment", "Fraud", None, (), (("allow", 0.0), ("block", 0.9)), prevents=("block",))


def joined(records: list[DecisionRecord], outcomes: FixedEvents, as_of: int, label: ir.Label = HAPPENED) -> Joined:
    model = ir.Model("Fraud", "PaymentView", label, ir.Split(DAY, DAY), "")
    graph = ir.Graph(sources=(CHARGEBACK, PAYMENT), models=(model,))
    return join_outcomes(outcomes, graph, SERVICE, table(records), as_of)


def told(found: Joined) -> dict[str, tuple[str, float, float]]:
    ids = found.decisions["event_id"].to_pylist()
    names = [Status(value).name for value in found.status.tolist()]
    return dict(zip(ids, zip(names, found.label.tolist(), found.weight.tolist(), strict=True), strict=True))


def test_a_label_counts_when_it_can_no_longer_change() -> None:
    decisions = [record(0), record(1), record(2, MONDAY + 2 * DAY)]
    outcomes = FixedEvents(
        "payment", [("e1", MONDAY + HOUR, MONDAY + HOUR, {}), ("e2", MONDAY + 2 * DAY + 1, MONDAY + 3 * DAY, {})]
    )
    early = told(joined(decisions, outcomes, MONDAY + 3 * DAY + 1))
    assert early["e0"] == ("MATURED", 0.0, 1.0)
    assert early["e1"] == ("MATURED", 1.0, 1.0)
    assert early["e2"][0] == "PENDING"
    assert np.isnan(early["e2"][1])
    assert told(joined(decisions, outcomes, MONDAY + 5 * DAY + 1))["e2"] == ("MATURED", 1.0, 1.0)


def test_prevented_is_unknown_and_explored_stands_for_it() -> None:
    decisions = [
        record(0, decision="block", propensity=0.99),
        record(1, decision="allow", explored=True, propensity=0.01),
        record(2, MONDAY + 9 * DAY, decision="block"),
        record(3, MONDAY + 9 * DAY, decision="block", explored=True, propensity=0.5),
    ]
    found = told(joined(decisions, FixedEvents("payment"), MONDAY + 10 * DAY))
    assert found["e0"][0] == "PREVENTED"
    assert found["e1"] == ("MATURED", 0.0, 100.0)
    assert found["e2"][0] == "PREVENTED", "its outcome will never come, however long one waits"
    assert found["e3"][0] == "PENDING"
    assert found["e3"][2] == 2.0


def test_without_an_outcome_a_value_is_missing() -> None:
    over = ir.Label("outcome", "Chargeback", ("payment",), 3 * DAY, ir.Call("gt", (ir.Col(("loss",)), ir.Const(5.0))))
    outcomes = FixedEvents("payment", [("e0", MONDAY + HOUR, MONDAY + HOUR, {"loss": 9.0})])
    found = told(joined([record(0), record(1)], outcomes, MONDAY + 4 * DAY, over))
    assert found["e0"] == ("MATURED", 1.0, 1.0)
    assert found["e1"][0] == "MISSING"


def test_a_label_may_read_the_decided_event() -> None:
    share = ir.Call("div", (ir.Col(("loss",)), ir.Col(("payment", "amount"))))
    label = ir.Label("outcome", "Chargeback", ("payment",), 3 * DAY, share)
    outcomes = FixedEvents("payment", [("e4", MONDAY + HOUR, MONDAY + HOUR, {"loss": 1.0})])
    assert told(joined([record(4), record(5)], outcomes, MONDAY + 4 * DAY, label))["e4"][1] == 0.25
    nothing = [record(6, inputs={"amount": None})]
    assert (
        told(
            joined(
                nothing,
                FixedEvents("payment", [("e6", MONDAY + 1, MONDAY + 1, {"loss": 1.0})]),
                MONDAY + 4 * DAY,
                label,
            )
        )["e6"][0]
        == "MISSING"
    )


def test_outcomes_that_had_not_arrived_are_not_seen() -> None:
    late = FixedEvents("payment", [("e0", MONDAY + HOUR, MONDAY + 8 * DAY, {})])
    assert told(joined([record(0)], late, MONDAY + 4 * DAY))["e0"] == ("MATURED", 0.0, 1.0)
    assert told(joined([record(0)], late, MONDAY + 9 * DAY))["e0"] == ("MATURED", 1.0, 1.0)


def test_rows_are_by_instant_and_can_be_taken() -> None:
    found = joined([record(1, MONDAY + HOUR), record(0)], FixedEvents("payment"), MONDAY + 4 * DAY)
    assert found.decisions["event_id"].to_pylist() == ["e0", "e1"]
    assert found.take(np.array([False, True])).decisions["event_id"].to_pylist() == ["e1"]
    assert found.matured.all()


def test_grades_of_single_decisions_are_joined() -> None:
    grades = (ir.Grade("Chargeback", 2.0, ("payment",), ()),)
    label = ir.Label("grade", "", (), 3 * DAY, grades=grades)
    outcomes = FixedEvents("payment", [("e1", MONDAY + HOUR, MONDAY + HOUR, {})])
    found = joined([record(0), record(1)], outcomes, MONDAY + 4 * DAY, label)
    assert found.label.tolist() == [0.0, 2.0]


def test_a_service_of_rules_alone_has_no_outcomes() -> None:
    rules = ir.Service("Score", "Payment", "", None, (), ())
    found = join_outcomes(FixedEvents("payment"), ir.Graph(), rules, table([record(0, model="")]), MONDAY + 4 * DAY)
    assert Status(int(found.status[0])) is Status.MISSING


def test_a_graph_without_the_model_is_said() -> None:
    with pytest.raises(NotFoundError, match="no Fraud"):
        join_outcomes(FixedEvents("payment"), ir.Graph(), SERVICE, table([record(0)]), MONDAY)
