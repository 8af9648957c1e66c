"""The catalog is gone: what serves goes on, also when a worker dies meanwhile, and nothing acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.shop import done
from tests.system.live import SCREEN, order, running, until

import tidewheel as tw
from tidewheel.runtime.config import load_config
from tidewheel.runtime.supervisor import read_status


@pytest.mark.slow
def test_serving_goes_on_without_the_catalog_and_across_a_dead_worker(light_shop: Path) -> None:
    done("deploy", "SentBack@1", folder=light_shop)
    layout = load_config(light_shop).layout
    catalog, aside = Path(layout.catalog), light_shop / "aside"
    acknowledged: list[str] = []
    with running(light_shop, workers=2) as (server, client):

        def decide(identity: str) -> None:
            status, told = client.insist(SCREEN, order(identity))
            assert (status, "fallback" in told) == (200, False), told
            acknowledged.append(identity)

        decide("before")
        aside.mkdir()
        files = [path for path in catalog.parent.iterdir() if path.name.startswith(catalog.name)]
        for path in files:
            path.rename(aside / path.name)
        catalog.write_bytes(b"this is no catalog" * 1000)
        for number in range(20):
            decide(f"without-{number}")
        assert client.insist("/v1/events/Order", order("event"))[1]["accepted"] == 1
        acknowledged.append("event")
        server.kill("serve-1")
        until(lambda: any(child.restarts for child in read_status(layout.run / "processes.json")), "no restart")
        for number in range(20):
            decide(f"one-left-{number}")
            client.close()
        catalog.unlink()
        for path in files:
            (aside / path.name).rename(path)
        server.wait_for_all()
        for number in range(20):
            decide(f"after-{number}")
            client.close()
        assert "Traceback" not in server.told()
    with tw.open(light_shop) as workspace:
        workspace.sync()
        logged = workspace.history.scan("Order", ["id"])["id"].to_pylist()
        assert len(logged) == len(set(logged))
        assert set(acknowledged) <= set(logged)
