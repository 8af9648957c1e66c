"""Items of lists join what came of them, through what was shown, when their horizon is over."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from decision_rows import DAY, HOUR, MONDAY, record, table

from tidewheel.definitions import ir
from tidewheel.definitions.ir.ranking import Candidates, Each, Grade, Top
from tidewheel.metrics import metric
from tidewheel.monitoring.build import build_report
from tidewheel.monitoring.page import render
from tidewheel.outcomes import Joined, Lists, Status, answered, join_lists
from tidewheel.storage.journal.decisions import Item

NOW = MONDAY + 10 * DAY
EACH = Each("Shown", "movie", "Movie", "request")
GRADES = (Grade("Play", 1.0, ("request",), ("movie",)), Grade("Save", 3.0, ("shown",)))
LABEL = ir.Label("grade", "", (), DAY, grades=GRADES)
RANKING = ir.Ranking("Movie", (Candidates("nearest", "n", 3, feature="vector"),), Top(3))
SERVICE = ir.Service("Home", "Request", "Ranker", None, (), (), ranking=RANKING)


def source(name: str, *columns: tuple[str, str, str], entity: bool = False) -> ir.Source:
    return ir.Source(name, tuple(ir.Column(n, kind, target) for n, kind, target in columns), entity=entity)  # type: ignore[arg-type]  # a literal


GRAPH = ir.Graph(
    sources=(
        source("Request", ("id", "id", "")),
        source("Movie", ("id", "id", ""), ("vector", "vector", ""), entity=True),
        source("Shown", ("id", "id", ""), ("request", "ref", "Request"), ("movie", "ref", "Movie")),
        source("Play", ("request", "ref", "Request"), ("movie", "ref", "Movie")),
        source("Save", ("shown", "ref", "Shown")),
    ),
    views=(ir.View("Row", "Request", (), (), each=EACH),),
    models=(ir.Model("Ranker", "Row", LABEL, ir.Split(DAY, 0), ""),),
)


class Told:
    """History of a few events, by type."""

    def __init__(self, **rows: list[dict[str, object]]) -> None:
        self.rows = rows

    def scan(self, type: str, columns: object, *, below: int | None = None, after: int | None = None) -> pa.Table:
        names = [column.name for column in next(of for of in GRAPH.sources if of.name == type).columns]
        found = [{"_id": f"{type}{n}", "_offset": n, **row} for n, row in enumerate(self.rows.get(type, []))]
        kinds = {"_at": pa.int64(), "_arrived": pa.int64(), "_offset": pa.int64()}
        made = {name: pa.array([row.get(name) for row in found], pa.string()) for name in ("_id", *names)}
        return pa.table(made | {name: pa.array([row.get(name, 0) for row in found], kinds[name]) for name in kinds})


def happened(at: int, **columns: object) -> dict[str, object]:
    return {"_at": at, "_arrived": at + 1, **columns}


def lists(**rows: list[dict[str, object]]) -> Lists:
    """Four lists: two are old enough, one was never shown, of the last the horizon is not over."""
    items = [Item(id, None, rank, "n") for rank, id in enumerate(("a", "b", "c"), 1)]
    times = (MONDAY, MONDAY, MONDAY, NOW - HOUR)
    told = [record(n, at, items=items, model="Ranker@1", score=None) for n, at in enumerate(times)]
    decisions = answered(table(told))
    n = decisions.num_rows
    joined = Joined(decisions, np.full(n, np.nan), np.ones(n), np.full(n, Status.MISSING, np.int8))
    return join_lists(Told(**rows), GRAPH, SERVICE, joined, NOW)


@pytest.fixture(scope="module")
def found() -> Lists:
    at = MONDAY + HOUR
    shown = [
        happened(MONDAY, id=f"s{k}", request=request, movie=movie, _id=f"s{k}")
        for k, (request, movie) in enumerate(product(("e0", "e1", "e3"), "abc"))
    ]
    plays = [happened(at, request="e0", movie="b"), happened(MONDAY + 2 * DAY, request="e0", movie="a")]
    plays += [happened(NOW + HOUR, request="e1", movie="a"), happened(NOW - HOUR + 1, request="e3", movie="a")]
    saved = [happened(at, shown="s5")]
    return lists(Shown=shown, Play=plays, Save=saved, Movie=[happened(0, id=id) for id in ("a", "b", "c", "d", "d")])


def test_items_get_the_grade_of_what_came_in_time(found: Lists) -> None:
    grades = found.label.reshape(4, 3)
    assert grades[:2].tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
    assert np.isnan(grades[2:]).all()
    assert found.joined.status.tolist() == [Status.MATURED, Status.MATURED, Status.MISSING, Status.PENDING]
    assert found.joined.label[:2].tolist() == [1.0, 3.0]
    assert found.known == 4


def test_an_item_that_was_not_shown_has_no_label() -> None:
    shown = [happened(MONDAY, id=f"s{k}", request="e0", movie="ab"[k], _id=f"s{k}") for k in range(2)]
    found = lists(Shown=shown, Play=[happened(MONDAY + HOUR, request="e0", movie="c")])
    assert found.label[:2].tolist() == [0.0, 0.0]
    assert np.isnan(found.label[2:]).all()


def test_a_report_measures_the_order_that_was_served(found: Lists) -> None:
    report = build_report(found.joined, SERVICE, ["ndcg(k=10)", "brier"], {}, [], as_of=NOW, lists=found)
    (total,) = report.totals
    assert "brier" not in report.metrics
    ndcg = metric("ndcg(k=10)")([0, 1, 0, 0, 0, 3], [3, 2, 1, 3, 2, 1], group=[0, 0, 0, 1, 1, 1])
    assert total.metrics["ndcg(k=10)"].value == pytest.approx(ndcg)
    assert total.metrics["mean_reciprocal_rank"].value == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert total.metrics["hit_rate"].value == 1.0
    assert [(at.place, at.known, at.mean.value) for at in total.places] == [(1, 2, 0.0), (2, 2, 0.5), (3, 2, 1.5)]
    assert total.spread is not None
    assert (total.spread.items, total.spread.coverage, total.spread.unlike) == (3, 0.75, None)
    assert total.spread.evenness == pytest.approx(1.0)
    assert (total.matured, total.pending, total.missing) == (2, 1, 1)
    page = render(report)
    assert "Outcomes by place in the list" in page
    assert "looked at more" in page


def test_no_lists_are_no_error() -> None:
    empty = answered(table([record(0, MONDAY, fallback="action", model="", score=None)]))
    joined = Joined(empty, np.full(1, np.nan), np.ones(1), np.full(1, Status.MISSING, np.int8))
    found = join_lists(Told(), GRAPH, SERVICE, joined, NOW)
    report = build_report(found.joined, SERVICE, [], {}, [], as_of=NOW, lists=found)
    assert report.totals[0].spread is None
    assert not report.totals[0].places
    assert render(report)
