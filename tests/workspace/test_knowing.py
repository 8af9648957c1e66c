"""What was known when: dimension tables with a history, late events, and what they would change in training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import tidewheel as tw
from tidewheel.errors import DefinitionError, InputError
from tidewheel.workspace import Workspace

HOUR = 3_600_000_000
T = 1_700_000_000_000_000


class Shop(tw.Entity, ttl="30d"):
    id: tw.Id
    size: float | None


class Sale(tw.Event):
    id: tw.Id
    shop: tw.Ref[Shop]
    amount: float


class Refund(tw.Event):
    sale: tw.Ref[Sale]


class Lately(tw.Features, by=Shop):
    sales = tw.count(Sale, "1d")
    spent = tw.sum(Sale.amount, "1d")


class SaleView(tw.View, on=Sale):
    amount = Sale.amount
    size = Sale.shop.size
    known = Sale.shop.tw_status
    lately = Lately


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with tw.open(":memory:", [Shop, Sale, Lately, SaleView]) as opened:
        yield opened


def sales(workspace: Workspace, folder: Path, rows: list[tuple[str, str, float, int, int]]) -> None:
    lines = ["id,shop,amount,at,known", *(",".join(map(str, row)) for row in rows)]
    (folder / "sales.csv").write_text("\n".join(lines))
    workspace.ingest(str(folder / "sales.csv"), Sale, arrived="known")


def asked(*rows: tuple[str, int]) -> pa.Table:
    shops, instants = zip(*rows, strict=True)
    ids = [str(number) for number in range(len(rows))]
    return pa.table({"id": ids, "shop": shops, "amount": [1.0] * len(rows), "at": instants})


def test_a_dimension_table_is_joined_as_of(workspace: Workspace, tmp_path: Path) -> None:
    rows = [f"s1,10,{T}", f"s1,,{T + 2 * HOUR}", f"s2,30,{T + HOUR}", f"s1,20,{T + HOUR}"]
    (tmp_path / "shops.csv").write_text("\n".join(["id,size,valid_from", *rows]))
    summary = workspace.ingest(str(tmp_path / "shops.csv"), Shop, mapping={"at": "valid_from"})
    assert summary.accepted == 4
    labels = asked(("s1", T + HOUR), ("s1", T), ("s2", T), ("s1", T + HOUR - 1), ("s1", T + 2 * HOUR), ("s1", T))
    found = workspace.view(SaleView, labels)
    assert found["size"].to_pylist() == [20.0, 10.0, None, 10.0, None, 10.0]
    assert found["known"].to_pylist() == ["present", "present", "missing", *["present"] * 3]


def test_the_share_of_rows_that_would_differ(workspace: Workspace, tmp_path: Path) -> None:
    sales(
        workspace,
        tmp_path,
        [
            ("a", "s1", 1.0, T, T),
            ("late", "s1", 2.0, T + 1, T + 2 * HOUR),
            ("b", "s1", 4.0, T + HOUR, T + HOUR),  # the late one had happened, and was not known
            ("c", "s1", 8.0, T + 3 * HOUR, T + 3 * HOUR),
        ],
    )
    report = workspace.compare_visibility(SaleView)
    assert (report.rows, report.differing) == (4, 2), "b, and the late one itself, which is read as of its arrival"
    assert {c.name: c.differing for c in report.columns if c.differing} == {"lately.sales": 2, "lately.spent": 2}
    labels = asked(("s1", T + HOUR + 1), ("s1", T + 2 * HOUR + 1))
    assert workspace.view(SaleView, labels)["lately.sales"].to_pylist() == [2.0, 3.0]
    assert workspace.view(SaleView, labels, visibility="event")["lately.sales"].to_pylist() == [3.0, 3.0]
    assert workspace.view(SaleView, labels, serving_delay="1s")["lately.sales"].to_pylist() == [1.0, 2.0]
    status = workspace.log_status()
    counters = status.counters["Sale"]
    assert (counters["imported"], counters["late"], counters["out_of_order"]) == (4, 1, 1)
    assert status.watermarks["Sale"] == T + 3 * HOUR


def model(**options: object) -> type[tw.Model]:
    body = {"view": SaleView, "label": tw.happened(Refund, within="1d"), **options}
    return type("Size", (tw.Model,), body)


def test_training_on_the_idealised_history_claims_no_parity() -> None:
    from tidewheel.definitions import compile_declarations

    [plain] = compile_declarations(model(visibility="event", serving_delay="5s")).models
    assert (plain.visibility, plain.serving_delay) == ("event", 5_000_000)
    with pytest.raises(DefinitionError, match=r"tw.parity\(\) asks"):
        compile_declarations(model(visibility="event", gates=[tw.parity()]))
    with pytest.raises(DefinitionError, match="visibility can't be 'arrived'"):
        compile_declarations(model(visibility="arrived"))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_instants_may_be_of_any_unit(workspace: Workspace, tmp_path: Path, unit: str) -> None:
    sales(workspace, tmp_path, [("a", "s1", 1.0, T, T), ("b", "s1", 4.0, T + HOUR, T + HOUR)])
    labels = asked(("s1", T + HOUR), ("s1", T + 2 * HOUR))
    times = labels["at"].cast(pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "Europe/Stockholm"))
    labels = labels.set_column(3, "at", times)
    assert workspace.view(SaleView, labels)["lately.sales"].to_pylist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (pa.table({"id": ["a"], "shop": ["s1"]}), "expected a table with a column 'at', found id, shop"),
        (5, "expected a table with a column 'at', found int"),
        (pa.table({"at": ["2013-01-01"]}), "'at' is string, which is no instant"),
        (pa.table({"at": pa.array([T], pa.timestamp("us"))}), "give times with a zone, or whole microseconds"),
    ],
)
def test_a_table_without_instants_is_refused(workspace: Workspace, labels: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        workspace.view(SaleView, labels)
