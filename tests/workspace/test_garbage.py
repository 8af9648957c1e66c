"""Versions of features side by side, and which of them may be deleted when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import tidewheel as tw
from tidewheel.errors import ConflictError
from tidewheel.registry.graphs import all_groups, begin_dropping
from tidewheel.workspace.features import garbage
from tidewheel.workspace.features.garbage import StateVersion
from tidewheel.workspace.features.groups import keep_groups
from tidewheel.workspace.processes.tidying import forget_ids
from tidewheel.workspace.workspace import Workspace


class Sale(tw.Event):
    """Something was sold."""

    id: tw.Id
    shop: tw.Key
    amount: float


def old() -> Sequence[type]:
    class ShopHistory(tw.Features, by=Sale.shop):
        """What a shop did."""

        sales_7d = tw.count(Sale, "7d")

    class Gate(tw.Service, on=Sale):
        """Holds what a busy shop sells."""

        rules = [tw.rule("busy", ShopHistory.sales_7d >= 2, then="hold")]
        decide = tw.thresholds(go=0.0)

    return [Sale, ShopHistory, Gate]


def new(rich: float = 100.0) -> Sequence[type]:
    class ShopHistory(tw.Features, by=Sale.shop):
        """What a shop did."""

        sales_7d = tw.count(Sale, "7d")
        sold_7d = tw.sum(Sale.amount, "7d")

    class Gate(tw.Service, on=Sale):
        """Holds what a shop sells that took much."""

        rules = [tw.rule("rich", ShopHistory.sold_7d >= rich, then="hold")]
        decide = tw.thresholds(go=0.0)

    return [Sale, ShopHistory, Gate]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tidewheel.toml").write_text('max_map = "64MB"\nkeep_states = "1s"\n')
    return tmp_path


def sell(ws: Workspace, *ids: str) -> None:
    ws.append([Sale(id=id, shop="north", amount=60.0) for id in ids])


def decided(ws: Workspace, id: str) -> str:
    return str(ws.decide("Gate", {"id": id, "shop": "north", "amount": 1.0}).decision)


def blobs(ws: Workspace, version: StateVersion) -> list[tuple[bytes, bytes]]:
    return sorted(ws.stores.state.scan(version.state_id))


def test_the_old_version_serves_on_while_the_new_one_is_born(folder: Path) -> None:
    with tw.open(folder, old()) as ws:
        sell(ws, "s1", "s2")
        ws.deploy("Gate")
        before = ws.state_versions()
        assert [v.pinned_by for v in before] == [("live definitions", "Gate")]
        assert decided(ws, "d1") == "hold"
    with tw.open(folder, new()) as ws:
        sell(ws, "s3")
        both = ws.state_versions()
        assert {v.pinned_by for v in both} == {("live definitions",), ("Gate",)}
        assert {v.offset for v in both} == {ws.stores.log.head() - 1}, "the new one has caught up"
        assert decided(ws, "d2") == "hold", "by the rule that was deployed"
        ws.sync()
        served = next(v for v in ws.state_versions() if v.pinned_by == ("Gate",))
        old_blobs = blobs(ws, served)
    with tw.open(folder, old()) as ws:
        alone = Path(folder / "alone")
        alone.mkdir()
        (alone / "tidewheel.toml").write_text('max_map = "64MB"\n')
        with tw.open(alone, old()) as fresh:
            for record in ws.stores.log.read(1, 100):
                fresh.stores.log.append([_again(record)], now=record.arrived)
            fresh.publish()
            fresh.sync()
            assert blobs(fresh, fresh.state_versions()[0]) == old_blobs, "to the bit as if it had been alone"


def _again(record):
    from tidewheel.storage.log.records import NewEvent

    return NewEvent(record.type, record.id, record.at, record.columns, record.arrived)


def test_nothing_pinned_is_deleted_and_the_rest_only_after_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tw.open(folder, old()) as ws:
        sell(ws, "s1", "s2")
        ws.deploy("Gate")
        assert ws.collect_garbage() == garbage.Garbage([], [])
    with tw.open(folder, new()) as ws:
        ws.publish()
        assert ws.collect_garbage() == garbage.Garbage([], []), "the service still needs the old one"
        ws.deploy("Gate")
        assert len(ws.state_versions()) == 2, "one rollback away"
    with tw.open(folder, new(rich=50.0)) as ws:
        ws.deploy("Gate")
        gone = [version for version in ws.state_versions() if not version.pinned_by]
        assert [version.status for version in gone] == ["retired"]
        assert ws.collect_garbage(dry_run=True).waiting == gone
        monkeypatch.setattr(ws.stores.clock, "now", lambda now=ws.stores.clock.now: now() + 2_000_000)
        assert ws.collect_garbage(dry_run=True).deleted == gone
        assert ws.collect_garbage().deleted == gone
        left = ws.state_versions()
        assert [version.pinned_by for version in left] == [("live definitions", "Gate", "Gate (previous)")]
        assert not blobs(ws, gone[0])
        assert decided(ws, "d1") == "hold"


def retire(ws: Workspace) -> StateVersion:
    """Leave the old features behind, without any service."""
    ws.publish()
    return next(version for version in ws.state_versions() if version.status == "retired")


def test_a_deploy_that_comes_between_keeps_its_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tw.open(folder, old()[:2]) as ws:
        sell(ws, "s1", "s2")
        ws.state_versions()
        graph = ws.project.graph
    with tw.open(folder, new()[:2]) as ws:
        version = retire(ws)
        catalog = ws.stores.catalog
        monkeypatch.setattr(ws.stores.clock, "now", lambda now=ws.stores.clock.now: now() + 2_000_000)

        def after_a_deploy(*arguments):
            keep_groups(catalog, graph)
            return begin_dropping(*arguments)

        monkeypatch.setattr(garbage, "begin_dropping", after_a_deploy)
        assert ws.collect_garbage().deleted == []
        assert blobs(ws, version), "it was alive again before it was given up"


def test_a_deploy_that_comes_after_waits_until_it_is_gone(folder: Path) -> None:
    with tw.open(folder, old()[:2]) as ws:
        sell(ws, "s1", "s2")
        ws.state_versions()
        graph = ws.project.graph
    with tw.open(folder, new()[:2]) as ws:
        version = retire(ws)
        assert begin_dropping(ws.stores.catalog, [version.state_id], ws.stores.clock.now()) == [version.state_id]
        with pytest.raises(ConflictError, match="is being deleted"):
            keep_groups(ws.stores.catalog, graph)
        ws.sync()
        assert garbage.finish(ws.stores)
        assert not blobs(ws, version)
        keep_groups(ws.stores.catalog, graph)
        ws.sync()
        assert blobs(ws, version), "folded anew"
        assert {group.status for group in all_groups(ws.stores.catalog)} == {"live"}


def test_a_worker_that_died_deleting_goes_on(folder: Path) -> None:
    with tw.open(folder, old()[:2]) as ws:
        sell(ws, "s1", "s2")
        ws.state_versions()
    with tw.open(folder, new()[:2]) as ws:
        version = retire(ws)
        begin_dropping(ws.stores.catalog, [version.state_id], ws.stores.clock.now())
    with tw.open(folder, new()[:2]) as ws:  # whoever held the partitions is gone
        ws.sync()
        assert garbage.finish(ws.stores)
        assert not blobs(ws, version)


def test_ids_are_forgotten_by_the_newest_arrival(folder: Path) -> None:
    (folder / "tidewheel.toml").write_text('max_map = "64MB"\nkeep_ids = "1h"\n')
    with tw.open(folder, old()[:2]) as ws:
        sell(ws, "s1")
        assert forget_ids(ws.stores, ["Sale"]) == 0
        later = ws.stores.clock.now() + 2 * 3_600_000_000
        ws.stores.log.append([_event("s2", later)], now=later)
        assert forget_ids(ws.stores, ["Sale"]) == 1
        assert ws.stores.log.seen_many("Sale", ["s1", "s2"])[0] is None


def _event(id: str, at: int):
    from tidewheel.storage.log.records import NewEvent

    return NewEvent("Sale", id, at, {"id": id, "shop": "north", "amount": 1.0}, at)
