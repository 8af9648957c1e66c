"""A workspace whose stores are on servers: the same declarations, the same answers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import RedisServer
from tests.workspace.test_opening import project

import tidewheel as tw
from tidewheel.errors import UnreachableError


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.redis
def test_decisions_are_answered_while_redis_is_away(tmp_path: Path, redis_server: RedisServer) -> None:
    folder = project(tmp_path / "shop", f'state = "{redis_server.url}"\nsync = "second"')
    with tw.open(folder) as workspace:
        workspace.deploy("Gate")

        def decide(number: int) -> tuple[str, str]:
            answer = workspace.decide("Gate", {"id": f"d{number}", "shop": "a", "amount": 1.0})
            return answer.decision, answer.fallback

        assert [decide(1), decide(2)] == [("go", ""), ("go", "")]
        workspace.sync()
        assert decide(3) == ("hold", "")
        redis_server.kill()
        assert decide(4) == ("go", "action")
        with pytest.raises(UnreachableError):
            workspace.sync()
        redis_server.start()  # with nothing in it
        eventually(lambda: decide(time.time_ns())[1] == "")
        workspace.sync()
        assert decide(5) == ("hold", "")
        assert workspace.check_features(sample=0).differences == 0


@pytest.mark.s3
def test_a_workspace_on_an_object_store(tmp_path: Path, s3_place: str) -> None:
    """Events in, to the lake and out of the log; features and history from the store, by a process that begins anew."""
    place, _, query = s3_place.partition("?")
    settings = f'lake = "{place}/lake?{query}"\nartifacts = "{place}/artifacts?{query}"\nsync = "second"'
    folder = project(tmp_path / "shop", settings)
    file = tmp_path / "sales.csv"
    file.write_text("id,shop,amount,at\n" + "".join(f"f{k},north,2.0,2026-01-0{k}T00:00:00Z\n" for k in range(1, 5)))
    with tw.open(folder) as workspace:
        assert workspace.ingest(str(file), "Sale").accepted == 4
        assert workspace.ingest(str(file), "Sale").already
        sale = workspace.project.declaration("Sale")
        workspace.append([sale(id=f"s{k}", shop="north", amount=0.5) for k in range(3)])
        workspace.deploy("Gate")
        assert workspace.decide("Gate", {"id": "g1", "shop": "north", "amount": 1.0}).decision == "hold"
        workspace.flush()
    shutil.rmtree(folder / ".tidewheel" / "state")
    assert not list((folder / ".tidewheel" / "lake").rglob("*.parquet"))
    with tw.open(folder) as workspace:
        assert sorted(workspace.history.scan("Sale", ["amount"])["amount"].to_pylist()) == [0.5] * 3 + [1.0] + [2.0] * 4
        assert workspace.read("ShopHistory", shop="north").sold_1d == 2.5
        assert workspace.check_features(sample=0).differences == 0
        assert workspace.stores.lake.tables() == ["decisions", "events/Sale"]
