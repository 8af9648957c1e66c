"""Labels: only what can no longer change, only what was known, only what was free to happen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.definitions import ir
from tidewheel.errors import CorruptError, DefinitionError
from tidewheel.outcomes.labels import Decided, Labels, decided_rows, label_rows

ARRIVAL = ir.Source(
    "Arrival",
    (
        ir.Column("id", "id"),
        ir.Column("flight", "ref", "Flight"),
        ir.Column("delay", "float", nullable=True),
        ir.Column("gate", "category"),
    ),
)
LATE = ir.Call("gt", (ir.Col(("delay",)), ir.Const(15.0)))


def rows(*at: int, planned: list[float] | None = None) -> pa.Table:
    return pa.table(
        {
            "_id": [f"f{i}" for i in range(len(at))],
            "_at": pa.array(at, pa.int64()),
            "planned": pa.array(planned or [0.0] * len(at)),
            "plane": ["p"] * len(at),
        }
    )


def outcomes(*events: tuple[str, int, int, float | None]) -> pa.Table:
    """Each (flight, at, arrived, delay), in order of offset."""
    flight, at, arrived, delay = zip(*events, strict=True) if events else ((), (), (), ())
    return pa.table(
        {
            "flight": pa.array(flight, pa.string()),
            "_at": pa.array(at, pa.int64()),
            "_arrived": pa.array(arrived, pa.int64()),
            "_offset": pa.array(range(len(events)), pa.int64()),
            "delay": pa.array(delay, pa.float64()),
            "gate": ["A" if i % 2 else "B" for i in range(len(events))],
        }
    )


def labelled(label: ir.Label, table: pa.Table, events: pa.Table, as_of: int, decided: Decided | None = None) -> Labels:
    return label_rows(label, {label.source: ARRIVAL}, table, {label.source: events}, as_of, decided)


def by_id(table: pa.Table, labels: Labels) -> dict[str, float]:
    return dict(zip([table["_id"][int(i)].as_py() for i in labels.rows], labels.y.tolist(), strict=True))


HAPPENED = ir.Label("happened", "Arrival", ("flight",), within=100)
OUTCOME = ir.Label("outcome", "Arrival", ("flight",), within=100, value=LATE)


def test_a_row_whose_time_is_not_over_is_no_negative() -> None:
    table = rows(0, 50, 100, 101)
    labels = labelled(HAPPENED, table, outcomes(("f1", 60, 60, 1.0), ("f3", 110, 110, 1.0)), as_of=201)
    assert by_id(table, labels) == {"f0": 0.0, "f1": 1.0, "f2": 0.0}
    assert labels.dropped == {"immature": 1}


def test_a_label_that_counts_stays() -> None:
    """What happens at the horizon's last instant is known after it, so the row does not count before."""
    events = outcomes(("f0", 100, 100, 1.0))
    seen = [labelled(HAPPENED, rows(0), events, as_of).y.tolist() for as_of in (99, 100, 101, 500)]
    assert seen == [[], [], [1.0], [1.0]]


def test_outcomes_count_within_their_horizon_and_once_they_arrived() -> None:
    table = rows(*[1000] * 6)
    events = outcomes(
        ("f0", 1000, 1000, 1.0),  # at the very instant: not after the row
        ("f1", 1001, 1001, 1.0),
        ("f2", 1100, 1100, 1.0),  # the horizon's last instant
        ("f3", 1101, 1101, 1.0),
        ("f4", 1050, 5000, 1.0),  # happened in time, but nobody knew at as_of
        ("elsewhere", 1050, 1050, 1.0),
    )
    labels = labelled(HAPPENED, table, events, as_of=5000)
    assert labels.y.tolist() == [0, 1, 1, 0, 0, 0]
    assert labelled(HAPPENED, table, events, as_of=5001).y.tolist() == [0, 1, 1, 0, 1, 0]


def test_the_first_outcome_speaks() -> None:
    table = rows(0, 0)
    events = outcomes(("f0", 30, 30, 50.0), ("f0", 20, 40, 0.0), ("f1", 20, 20, 0.0), ("f1", 20, 20, 50.0))
    assert labelled(OUTCOME, table, events, as_of=500).y.tolist() == [0.0, 0.0]


def test_no_outcome_is_unknown_unless_it_says_what_it_means() -> None:
    table = rows(0, 0, 0)
    events = outcomes(("f0", 10, 10, 20.0), ("f1", 10, 10, None))
    labels = labelled(OUTCOME, table, events, as_of=500)
    assert by_id(table, labels) == {"f0": 1.0}
    assert labels.dropped == {"no outcome": 1, "null outcome": 1}
    otherwise = ir.Label("outcome", "Arrival", ("flight",), 100, LATE, otherwise=0.0)
    labels = labelled(otherwise, table, events, as_of=500)
    assert by_id(table, labels) == {"f0": 1.0, "f2": 0.0}
    assert labels.dropped == {"null outcome": 1}


def test_a_number_a_category_and_the_row_itself_may_make_a_label() -> None:
    table = rows(0, 0, planned=[3.0, 5.0])
    events = outcomes(("f0", 10, 10, 20.0), ("f1", 12, 12, 7.0))

    def label(value: ir.Expr) -> list[float]:
        outcome = ir.Label("outcome", "Arrival", ("flight",), 100, value)
        found: list[float] = labelled(outcome, table, events, 500).y.tolist()
        return found

    assert label(ir.Col(("delay",))) == [20.0, 7.0]
    assert label(ir.Call("eq", (ir.Col(("gate",)), ir.Const("A")))) == [0.0, 1.0]
    assert label(ir.Call("sub", (ir.Col(("delay",)), ir.Col(("flight", "planned"))))) == [17.0, 2.0]
    assert label(ir.Col(("at",))) == [10.0, 12.0]
    with pytest.raises(DefinitionError, match="can't read"):
        label(ir.Col(("flight", "plane", "age")))
    with pytest.raises(DefinitionError, match="columns of Arrival only"):
        label(ir.Feature("", "x"))


def test_an_outcome_must_refer_to_its_row_directly() -> None:
    far = ir.Label("happened", "Dispute", ("chargeback", "payment"), 100)
    with pytest.raises(DefinitionError, match="directly"):
        labelled(far, rows(0), outcomes(), 500)


def test_prevented_rows_are_unknown_and_explored_ones_stand_for_them() -> None:
    table = rows(0, 0, 0, 0)
    decisions = pa.table(
        {
            "event_id": ["f0", "f1", "f2", "other"],
            "decision": ["block", "block", "allow", "block"],
            "explored": [False, True, False, False],
            "propensity": [0.99, 0.01, 1.0, 0.99],
        }
    )
    decided = decided_rows(table["_id"].combine_chunks(), decisions, frozenset({"block"}))
    labels = labelled(HAPPENED, table, outcomes(("f1", 5, 5, 1.0)), 500, decided)
    assert by_id(table, labels) == {"f1": 1.0, "f2": 0.0, "f3": 0.0}
    assert labels.weight.tolist() == [100.0, 1.0, 1.0]
    assert labels.dropped == {"prevented": 1}
    broken = decisions.set_column(3, "propensity", pa.array([0.0] * 4))
    with pytest.raises(CorruptError, match="no propensity"):
        decided_rows(table["_id"].combine_chunks(), broken, frozenset({"block"}))


def test_nothing_to_label() -> None:
    labels = labelled(HAPPENED, rows(), outcomes(), 500)
    assert labels.y.size == 0
    assert labelled(HAPPENED, rows(0), outcomes(), 500).y.tolist() == [0.0]


Event = st.tuples(st.integers(0, 7), st.integers(0, 300), st.integers(0, 60), st.sampled_from([0.0, 20.0, None]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=8),
    st.lists(Event, max_size=25),
    st.integers(0, 400),
    st.sampled_from([None, 0.0]),
)
def test_labels_equal_a_plain_loop(
    at: list[int], raw: list[tuple[int, int, int, float | None]], as_of: int, otherwise: float | None
) -> None:
    label = ir.Label("outcome", "Arrival", ("flight",), 100, LATE, otherwise)
    table = rows(*at)
    events = [(f"f{flight}", when, when + late, delay) for flight, when, late, delay in raw]
    labels = labelled(label, table, outcomes(*events), as_of)
    expected: dict[str, float] = {}
    for i, start in enumerate(at):
        told = [
            (when, offset, delay)
            for offset, (flight, when, arrived, delay) in enumerate(events)
            if flight == f"f{i}" and start < when <= start + 100 and arrived < as_of
        ]
        if start + 100 >= as_of:
            continue
        if not told:
            expected |= {} if otherwise is None else {f"f{i}": otherwise}
        elif (delay := min(told)[2]) is not None:
            expected[f"f{i}"] = float(delay > 15)
    assert by_id(table, labels) == expected
    assert sum(labels.dropped.values()) + labels.y.size == len(at)
    assert np.all(np.diff(labels.rows) > 0)
