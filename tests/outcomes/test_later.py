"""Labels over the time after a row: equal to a loop over everything, edges and late arrivals included."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.definitions import compile_declarations, ir
from tidewheel.errors import DefinitionError
from tidewheel.outcomes.labels import label_rows

WITHIN, AS_OF = 10, 100
VISIT = ir.Source(
    "Visit",
    (
        ir.Column("user", "ref", "User", nullable=True),
        ir.Column("spent", "float", nullable=True),
        ir.Column("page", "key"),
    ),
)
users = st.sampled_from(["a", "b", "c", None])
times = st.integers(0, 40)
VISITS = st.lists(st.tuples(users, times, times, st.sampled_from([None, 0.5, 1.25, 3.0]), st.sampled_from("xyz")))
ROWS = st.lists(st.tuples(users, times), min_size=1)


def label(op: ir.AggregateOp, column: str | None, where: ir.Expr | None, value: ir.Expr) -> ir.Label:
    over = None if column is None else ir.Col((column,))
    aggregate = ir.Aggregate(op, "Visit", (("user",),), over, where, text=False)
    return ir.Label("aggregate", "Visit", ("user",), WITHIN, value, aggregate=aggregate, key=("user",))


def looped(op: str, kept: list[tuple[float | None, str]]) -> float:
    """The aggregate, the plain way."""
    if op == "count":
        return float(len(kept))
    if op == "distinct":
        return float(len({page for _, page in kept}))
    values = [spent for spent, _ in kept if spent is not None]
    if not values:
        return math.nan
    total = math.fsum(values)
    return {"sum": total, "mean": total / len(values), "min": min(values), "max": max(values)}[op]


@settings(max_examples=60, deadline=None)
@given(VISITS, ROWS, st.sampled_from(["count", "sum", "mean", "min", "max", "distinct"]), st.booleans())
def test_a_later_aggregate_is_that_of_a_loop(
    visits: list[tuple[str | None, int, int, float | None, str]],
    rows: list[tuple[str | None, int]],
    op: ir.AggregateOp,
    only_x: bool,
) -> None:
    where = ir.Call("eq", (ir.Col(("page",)), ir.Const("x"))) if only_x else None
    column = {"count": None, "distinct": "page"}.get(op, "spent")
    asked = label(op, column, where, ir.Feature("", "later"))
    outcomes = pa.table(
        {
            "user": pa.array([v[0] for v in visits], pa.string()),
            "_at": pa.array([v[1] for v in visits], pa.int64()),
            "_arrived": pa.array([v[1] + v[2] for v in visits], pa.int64()),
            "_offset": pa.array(range(len(visits)), pa.int64()),
            "spent": pa.array([v[3] for v in visits], pa.float64()),
            "page": pa.array([v[4] for v in visits], pa.string()),
        }
    )
    table = pa.table(
        {
            "_id": [str(i) for i in range(len(rows))],
            "_at": pa.array([at for _, at in rows], pa.int64()),
            "user": pa.array([user for user, _ in rows], pa.string()),
        }
    )
    as_of = 45
    found = label_rows(asked, {"Visit": VISIT}, table, {"Visit": outcomes}, as_of)
    expected = []
    for user, at in rows:
        kept = [
            (spent, page)
            for who, when, late, spent, page in visits
            if user is not None and who == user and at < when <= at + WITHIN and when + late < as_of
            if not only_x or page == "x"
        ]
        expected.append(math.nan if user is None else looped(op, kept))
    known = [i for i, (_, at) in enumerate(rows) if at + WITHIN < as_of and not math.isnan(expected[i])]
    assert found.rows.tolist() == known
    assert found.y.tolist() == [expected[i] for i in known]


def test_the_horizon_is_inclusive_and_the_row_itself_is_not_later() -> None:
    never = label("count", None, None, ir.Call("eq", (ir.Feature("", "later"), ir.Const(0.0))))
    rows = pa.table({"_id": ["r"], "_at": pa.array([20], pa.int64()), "user": ["a"]})
    for when, churned in ((20, 1.0), (21, 0.0), (30, 0.0), (31, 1.0)):
        outcomes = pa.table({"user": ["a"], "_at": [when], "_arrived": [when], "_offset": [1]})
        assert label_rows(never, {"Visit": VISIT}, rows, {"Visit": outcomes}, AS_OF).y.tolist() == [churned]
    early = label_rows(never, {"Visit": VISIT}, rows, {"Visit": outcomes}, 29)
    assert (early.dropped, early.rows.size) == ({"immature": 1}, 0)


class User(tw.Entity):
    id: tw.Id


class Shop(tw.Entity):
    id: tw.Id


class Visit(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    shop: tw.Ref[Shop]
    spent: float


class Check(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    shop: tw.Ref[Shop]


class Lately(tw.Features, by=User):
    visits = tw.count(Visit, "7d")


class CheckView(tw.View, on=Check):
    user = Lately


def compiled(given: object) -> ir.Label:
    from sklearn.linear_model import LinearRegression, LogisticRegression

    class M(tw.Model):
        view = CheckView
        label = given  # type: ignore[assignment]  # what is tried
        estimator = LogisticRegression()

    class N(tw.Model):
        view = CheckView
        label = given  # type: ignore[assignment]
        estimator = LinearRegression()

    try:
        return compile_declarations(M).models[0].label
    except DefinitionError as error:
        if "estimator" not in str(error) and "metric" not in str(error):
            raise
        return compile_declarations(N).models[0].label


def test_how_it_is_declared() -> None:
    outer = compiled(tw.outcome(tw.count(Visit, "7d"), within="7d", by=User) == 0)
    inner = compiled(tw.outcome(tw.count(Visit) == 0, within="7d", by=User))
    assert outer.kind == inner.kind == "aggregate"
    assert (outer.path, outer.key, outer.value) == (("user",), ("user",), inner.value)
    spent = tw.sum(Visit.spent, where=Visit.spent > 3)
    for made in (tw.outcome(spent, within="7d", by=Shop) > 5, tw.outcome(spent, within="7d", by=Shop) > 5):
        assert compiled(made).key == ("shop",)
    assert compiled(tw.outcome(spent, within="7d", by=Shop) != 1).value is not None
    assert compiled(tw.outcome(spent, within="7d", by=Shop) >= 1).value is not None
    assert compiled(tw.outcome(spent, within="7d", by=Shop) <= 1).value is not None


def test_what_is_declared_wrongly_is_told() -> None:
    wrong = {
        "say which": tw.outcome(tw.count(Visit), within="7d"),
        "looks at 1d": tw.outcome(tw.count(Visit, "1d"), within="7d", by=User),
        "can't be tw.last": tw.outcome(tw.last(Visit.spent), within="7d", by=User),
        "not delay=": tw.outcome(tw.count(Visit, delay="1d"), within="7d", by=User),
        "two aggregates": tw.outcome(tw.count(Visit) + tw.sum(Visit.spent), within="7d", by=User),
        "what nothing means": tw.outcome(tw.count(Visit), within="7d", by=User, otherwise=0),
        "can't tell what became": tw.outcome(tw.count(Check), within="7d", by=User),
    }
    for message, label in wrong.items():
        with pytest.raises(DefinitionError, match=message):
            compiled(label)
    with pytest.raises(DefinitionError, match="can be compared"):
        _ = tw.happened(Visit, within="7d") == 0
    assert np.isnan(looped("sum", []))
