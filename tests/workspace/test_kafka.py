"""A workspace whose event log is on a broker: the whole loop, a second host, and a broker that is away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.kafka_server import KafkaPlace, KafkaServer
from tests.shop import tidewheel
from tests.workspace.test_opening import project
from tests.workspace.test_servers import eventually

import tidewheel as tw
from tidewheel.errors import ConfigError, ConflictError, UnreachableError
from tidewheel.workspace import Workspace

pytestmark = pytest.mark.kafka


def settings(place: KafkaPlace, query: str = "") -> str:
    return f'log = "{place.url}{query}"\nnamespace = "{place.namespace}"'


def sell(workspace: Workspace, *ids: str) -> list[str]:
    sale = workspace.project.declaration("Sale")
    return [out.status for out in workspace.append([sale(id=id, shop="north", amount=0.5) for id in ids])]


def gate(workspace: Workspace, id: str) -> str:
    return workspace.decide("Gate", {"id": id, "shop": "north", "amount": 1.0}).decision


def test_the_loop_with_the_log_on_a_broker(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder = project(tmp_path / "shop", settings(kafka_place))
    file = tmp_path / "sales.csv"
    file.write_text("id,shop,amount,at\n" + "".join(f"f{k},north,2.0,2026-01-0{k}T00:00:00Z\n" for k in range(1, 5)))
    with tw.open(folder) as workspace:
        assert workspace.ingest(str(file), "Sale").accepted == 4
        assert workspace.ingest(str(file), "Sale").already
        workspace.deploy("Gate")
        assert gate(workspace, "g1") == "go"
        assert sell(workspace, "s1", "s2", "f1") == ["logged", "logged", "duplicate"]
        workspace.sync()
        assert gate(workspace, "g2") == "hold"
        workspace.sync()
        assert workspace.read("ShopHistory", shop="north").sold_1d == 3.0
        workspace.flush()
    shutil.rmtree(folder / ".tidewheel" / "state")
    shutil.rmtree(folder / ".tidewheel" / "log-copy")  # what is on this host is a copy, and made anew
    with tw.open(folder) as workspace:
        amounts = workspace.history.scan("Sale", ["amount"])["amount"].to_pylist()
        assert sorted(amounts) == [0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
        assert workspace.read("ShopHistory", shop="north").sold_1d == 3.0
        assert workspace.check_features(sample=0).differences == 0
    status = tidewheel("log", "status", "--json", folder=folder)
    told = json.loads(status.out)
    assert (told["head"], told["positions"]["lake"], told["counters"]["Sale"]["logged"]) == (9, 8, 4)
    assert "8 offsets given" in tidewheel("log", "status", folder=folder).out


def test_a_second_host_has_the_same_log(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    one = project(tmp_path / "one", settings(kafka_place))
    two = project(tmp_path / "two", settings(kafka_place))
    with tw.open(one) as first:
        sell(first, "a", "b")
        with pytest.raises(ConflictError, match="another workspace's"), tw.open(two) as stranger:
            sell(stranger, "c")
    shutil.rmtree(two / ".tidewheel")
    (two / ".tidewheel").mkdir()
    shutil.copy(one / ".tidewheel" / "id", two / ".tidewheel")
    with tw.open(one) as first, tw.open(two) as second:
        assert sell(second, "b", "c") == ["duplicate", "logged"]
        assert second.sync() == 3
        eventually(lambda: first.sync() == 3)
        assert [host.read("ShopHistory", shop="north").sold_1d for host in (first, second)] == [1.5, 1.5]


def test_decisions_go_on_while_the_broker_is_away(tmp_path: Path, kafka_server: KafkaServer) -> None:
    folder = project(tmp_path / "shop", settings(KafkaPlace(kafka_server.url, "shop"), "?timeout=3"))
    with tw.open(folder) as workspace:
        workspace.deploy("Gate")
        sell(workspace, "s1", "s2")
        workspace.sync()
        kafka_server.kill()
        assert gate(workspace, "g1") == "hold"
        with pytest.raises(UnreachableError):
            sell(workspace, "s3")
        kafka_server.start()

        def shipped() -> bool:
            try:
                return workspace.sync() >= 3
            except UnreachableError:
                return False

        eventually(shipped)
        sell(workspace, "s3", "s4")
        workspace.sync()
        assert workspace.read("ShopHistory", shop="north").sold_1d == 3.0, "s1 to s4, and the decision's own"
        assert workspace.check_features(sample=0).differences == 0


def test_what_a_log_on_a_broker_can_not_do_is_refused(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder = project(tmp_path / "shop", settings(kafka_place))
    with tw.open(folder) as workspace:
        sell(workspace, "a")
        with pytest.raises(ConfigError, match="nothing can be erased"):
            workspace.forget("Shop=north")
    (folder / "tidewheel.toml").write_text('max_map = "64MB"\n')
    with tw.open(folder) as workspace, pytest.raises(ConfigError, match="log is on a broker"):
        workspace.log_status()
    other = project(tmp_path / "other")
    with tw.open(other) as workspace:
        sell(workspace, "a")
    (other / "tidewheel.toml").write_text(settings(kafka_place))
    with tw.open(other) as workspace, pytest.raises(ConfigError, match="log is in the data folder"):
        workspace.log_status()
