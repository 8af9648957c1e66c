"""Parity as a service: checks on a schedule, their alerts and what is kept of them; comparing two definitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.shop import done
from tests.workspace.test_opening import PROJECT, project

import tidewheel as tw
from tidewheel.definitions import digest
from tidewheel.errors import InputError, NotFoundError
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.parity import newest_checks
from tidewheel.rollout import LIFECYCLE
from tidewheel.training.gates.parity import check_parity
from tidewheel.workspace import Workspace
from tidewheel.workspace.features.parity import check_service, told
from tidewheel.workspace.models.modelling import training_context
from tidewheel.workspace.processes.keeper import Keeper

FOREVER = 10**18


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with tw.open(project(tmp_path / "shops")) as opened:
        opened.deploy("Gate")
        yield opened


def sell(workspace: Workspace, name: str, shop: str) -> str:
    answer = workspace.decide("Gate", {"id": name, "shop": shop, "amount": 2.0})
    workspace.sync()
    return answer.decision


def damage(workspace: Workspace, shop: str) -> None:
    """Zero what a shop's state counted, as no folding would."""
    stream = workspace.own_stream()
    assert stream is not None
    for folder in stream._folders.values():
        with folder._writer.batch() as batch:
            for state_id in folder._plans:
                words, starts = batch.blobs(state_id, [shop.encode()])
                if len(words):
                    other = np.array(words)
                    other[-2:] = 0
                    batch.put_blobs(state_id, [shop.encode()], other, starts)


def test_a_check_looks_at_what_was_decided_since_the_last(workspace: Workspace) -> None:
    assert check_service(workspace, "Gate", 100) is None
    for number in range(5):
        sell(workspace, f"s{number}", "north")
    first = check_service(workspace, "Gate", 100)
    assert first is not None
    assert (first.checked, first.differences, first.columns) == (5, 0, [])
    assert "5 decisions replayed, 5 values compared, 0 differ" in told(first)
    assert check_service(workspace, "Gate", 100) is None
    sell(workspace, "s9", "north")
    assert workspace.status().parity == [newest_checks(workspace.stores.catalog)["Gate"]]
    second = check_service(workspace, "Gate", 100)
    assert second is not None
    assert (second.checked, second.since) == (1, first.at)


def test_a_difference_raises_an_alert_which_a_clean_check_closes(workspace: Workspace) -> None:
    for number in range(3):
        sell(workspace, f"s{number}", "north")
    damage(workspace, "north")
    sell(workspace, "odd", "north")
    found = check_service(workspace, "Gate", 100)
    assert found is not None
    assert [(column.mismatch, column.missing, column.extra) for column in found.columns] == [(1, 0, 0)]
    assert "'odd'" in found.columns[0].first
    alerts = list_alerts(workspace.stores.catalog, only_open=True)
    assert [(alert.service, alert.kind) for alert in alerts] == [("Gate", "parity")]
    assert workspace.report("Gate").parity == found
    sell(workspace, "fine", "south")
    clean = check_service(workspace, "Gate", 100)
    assert clean is not None
    assert (clean.checked, clean.differences) == (1, 0)
    assert list_alerts(workspace.stores.catalog, only_open=True) == []


def test_the_keeper_checks_each_hour_and_the_log_is_told(workspace: Workspace) -> None:
    sell(workspace, "s1", "north")
    keeper = Keeper(workspace)
    try:
        assert "parity Gate" in keeper.jobs
        check, keeper._due = keeper._jobs()["parity Gate"], FOREVER
        assert check[0].interval == 3_600_000_000
        assert "1 decisions replayed" in check[1](0)
        keeper.flush()
    finally:
        keeper.close()
    kinds = workspace.history.scan(LIFECYCLE, ["kind", "subject"])
    assert ("parity.check", "Gate") in zip(kinds["kind"].to_pylist(), kinds["subject"].to_pylist(), strict=True)


def test_the_gate_counts_the_newest_check(workspace: Workspace) -> None:
    for number in range(4):
        sell(workspace, f"s{number}", "north")
    damage(workspace, "north")
    sell(workspace, "odd", "north")
    check_service(workspace, "Gate", 100)
    context = training_context(workspace.stores, workspace.history, workspace.project)
    view = workspace.service("Gate").rule_view
    assert view is not None
    found = check_parity(context, view, workspace.history, workspace.history.scan("Sale", ["id"]))
    assert (found.checked, found.differences) == (10, 2)
    assert "5 of them by the newest scheduled check" in found.way
    assert digest(view) in newest_checks(workspace.stores.catalog)["Gate"].views


WITH_A_VIEW = """

class SaleView(tw.View, on=Sale):
    amount = Sale.amount
    shop = ShopHistory
"""


def test_two_definitions_are_compared_on_the_same_events(tmp_path: Path) -> None:
    folder = project(tmp_path / "shops")
    text = PROJECT[: PROJECT.index("\n\nclass Gate")] + WITH_A_VIEW
    (folder / "project.py").write_text(text)
    with tw.open(folder) as workspace:
        sale = workspace.project.declaration("Sale")
        for n in range(20):
            workspace.append(sale(id=f"s{n}", shop=f"k{n % 3}", amount=float(n)))
        assert [column.differing for column in workspace.diff_features("live")[0].columns] == [0, 0, 0]
    text = text.replace('Sale.amount, "1d"', 'Sale.amount, "1d", where=Sale.amount > 5')
    (folder / "project.py").write_text(text + "    double = Sale.amount * 2\n")
    with tw.open(folder) as workspace:
        (found,) = workspace.diff_features("live", sample=0)
        assert (found.view, found.rows, found.added, found.removed) == ("SaleView", 20, ["double"], [])
        by_name = {column.name: column for column in found.columns}
        assert by_name["amount"].differing == by_name["shop.sales_7d"].differing == 0
        # Every sale but each shop's first had a past, which holds an amount up to 5.
        assert by_name["shop.sold_1d"].differing == 17
        assert by_name["shop.sold_1d"].most == 7.0
        assert [example.id for example in by_name["shop.sold_1d"].examples] == ["s11", "s14", "s17"]
        with pytest.raises(InputError, match="names no definitions"):
            workspace.diff_features("Sales")
        with pytest.raises(NotFoundError, match="no view 'Other'"):
            workspace.diff_features("live", view="Other")
    shown = done("features", "diff", "live", folder=folder).out
    assert "SaleView: live against . on 20 events: 17 differ, 85.0%; 2 columns equal" in shown
    assert done("features", "diff", "live", "--json", folder=folder).json[0]["columns"][1]["share"] == 0.85
    shown = done("features", "visibility", "SaleView", "--serving-delay", "1s", folder=folder).out
    assert "SaleView: by arrival against by event time on 20 events" in shown
