"""Decisions on rows that a model is not meant for have no outcome: reports and drift look at the others."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from decision_rows import DAY, HOUR, MONDAY, FixedEvents, record, table
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.definitions import ir
from tidewheel.monitoring.build import build_report
from tidewheel.monitoring.drift import served_rows
from tidewheel.monitoring.page import render
from tidewheel.outcomes import Joined, Status, join_lists, join_outcomes
from tidewheel.storage.journal.decisions import Item

SHOW = ir.Source("Show", (ir.Column("id", "id"),))
CLICK, BUY = (ir.Source(name, (ir.Column("show", "ref", "Show"),)) for name in ("Click", "Buy"))
CVR = ir.Model(
    "CVR", "Row", ir.Label("happened", "Buy", ("show",), 3 * DAY), ir.Split(DAY, 3 * DAY), "",
    where=ir.Label("happened", "Click", ("show",), HOUR),
)  # fmt: skip
SERVICE = ir.Service("Serve", "Show", "CVR", None, (), ())
GRAPH = ir.Graph(sources=(BUY, CLICK, SHOW), models=(CVR, msgspec.structs.replace(CVR, name="CTR", where=None)))


class Told:
    """History of clicks and purchases."""

    def __init__(self, **told: list[tuple[str, int]]) -> None:
        self._of = {
            name: FixedEvents("show", [(id, when, when, {}) for id, when in rows]) for name, rows in told.items()
        }

    def scan(self, type: str, columns: object, *, below: int | None = None, after: int | None = None) -> pa.Table:
        return self._of.get(type, FixedEvents("show")).scan(type, columns, after=after)


def joined(told: Told, n: int, as_of: int, model: str = "", service: ir.Service = SERVICE) -> Joined:
    decisions = table([record(i, MONDAY + i * HOUR, features=np.array([float(i)]).tobytes()) for i in range(n)])
    return join_outcomes(told, GRAPH, service, decisions, as_of, model)


TOLD = Told(
    Click=[("e0", MONDAY + 1), ("e2", MONDAY + 2 * HOUR + 5), ("e3", MONDAY + 9 * HOUR)],
    Buy=[("e0", MONDAY + DAY), ("e1", MONDAY + DAY)],
)


def test_what_is_outside_has_no_outcome_and_what_is_not_known_yet_is_waited_for() -> None:
    early = joined(TOLD, 5, MONDAY + 4 * HOUR)
    assert [Status(status).name for status in early.status] == ["PENDING", "OUTSIDE", "PENDING", "PENDING", "PENDING"]
    assert early.meant is not None
    assert early.meant.tolist() == [True, False, True, False, False]
    late = joined(TOLD, 5, MONDAY + 5 * DAY)
    assert [Status(status).name for status in late.status] == ["MATURED", "OUTSIDE", "MATURED", "OUTSIDE", "OUTSIDE"]
    assert late.label[[0, 2]].tolist() == [1.0, 0.0]
    assert np.isnan(late.label[[1, 3, 4]]).all()
    whole = joined(TOLD, 5, MONDAY + 5 * DAY, "CTR")
    assert (whole.meant, whole.label.tolist()) == (None, [1.0, 1.0, 0.0, 0.0, 0.0])


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 12 * HOUR)), max_size=12),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5 * DAY)), max_size=12),
    st.integers(0, 6 * DAY),
)
def test_statuses_are_those_of_a_plain_loop(
    clicks: list[tuple[int, int]], buys: list[tuple[int, int]], age: int
) -> None:
    as_of = MONDAY + age
    told = Told(
        Click=[(f"e{n}", MONDAY + when) for n, when in clicks], Buy=[(f"e{n}", MONDAY + when) for n, when in buys]
    )
    found = joined(told, 8, as_of)
    for n in range(8):
        at = MONDAY + n * HOUR
        clicked = any(row == n and at < MONDAY + when <= at + HOUR and MONDAY + when < as_of for row, when in clicks)
        bought = any(row == n and at < MONDAY + when <= at + 3 * DAY and MONDAY + when < as_of for row, when in buys)
        if at + HOUR >= as_of:
            expected = (Status.PENDING, np.nan)
        elif not clicked:
            expected = (Status.OUTSIDE, np.nan)
        else:
            expected = (Status.MATURED, float(bought)) if at + 3 * DAY < as_of else (Status.PENDING, np.nan)
        assert (found.status[n], found.label[n]) == pytest.approx(expected, nan_ok=True)


def test_a_report_counts_them_apart_and_drift_leaves_them_out() -> None:
    late = joined(TOLD, 5, MONDAY + 5 * DAY)
    report = build_report(late, SERVICE, ["brier"], {}, [], as_of=MONDAY + 5 * DAY)
    (total,) = report.totals
    assert (total.decisions, total.matured, total.outside, total.positive_share) == (5, 2, 3, 0.5)
    assert ">outside<" in render(report)
    assert ">outside<" not in render(build_report(joined(TOLD, 5, MONDAY, "CTR"), SERVICE, [], {}, [], as_of=MONDAY))
    served, rows = served_rows(late, ["n"])
    assert (rows.tolist(), served.words[:, 0].tolist()) == ([0, 2], [0.0, 2.0])
    part = late.take(np.array([False, True, True, False, False]))
    assert served_rows(part, ["n"], np.array([1]))[1].tolist() == [1]
    assert served_rows(part, ["n"], np.array([0]))[1].tolist() == []


def test_of_a_list_the_items_count_that_the_model_is_meant_for() -> None:
    from test_lists import EACH, happened
    from test_lists import GRAPH as LISTS
    from test_lists import SERVICE as HOME
    from test_lists import Told as Shown

    label = ir.Label("happened", "Save", ("shown",), DAY)
    where = ir.Label("happened", "Play", ("request",), HOUR, item=("movie",))
    model = ir.Model("Ranker", "Row", label, ir.Split(DAY, 0), "", where=where)
    graph = msgspec.structs.replace(LISTS, models=(model,))
    assert graph.views[0].each == EACH
    items = [Item(f"m{rank}", 1.0 / rank, rank, "n", b"", {}) for rank in (1, 2, 3)]
    decisions = table([record(n, service="Home", event_type="Request", items=items) for n in range(2)])
    shown = [
        happened(MONDAY + 1, request=f"e{n}", movie=f"m{rank}")
        for n in range(2)
        for rank in ((1, 2, 3) if n == 0 else (1,))
    ]
    history = Shown(
        Shown=shown,
        Play=[happened(MONDAY + 5, request="e0", movie=f"m{rank}") for rank in (1, 2)],
        Save=[happened(MONDAY + 9, shown=f"Shown{place}") for place in (1, 2)],
    )
    history_table = join_outcomes(history, graph, HOME, decisions, MONDAY + 9 * DAY)
    found = join_lists(history, graph, HOME, history_table, MONDAY + 9 * DAY)
    assert found.label[:2].tolist() == [0.0, 1.0]
    assert np.isnan(found.label[2:]).all()
    assert [Status(status).name for status in found.joined.status] == ["MATURED", "OUTSIDE"]
