"""`tidewheel up` with its log on a broker: killed workers and a killed broker lose nothing and double nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kafka_server import KafkaServer
from tests.system.live import Client, running, until
from tests.workspace.test_opening import project

import tidewheel as tw

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

EVENTS = "/v1/events/Sale"
GATE = "/v1/services/Gate"


def sale(identity: str) -> dict[str, object]:
    return {"id": identity, "shop": "north", "amount": 1.0}


def sold(client: Client) -> float:
    return float(client.insist("/v1/features/ShopHistory", {"shop": ["north"]})[1]["features"]["sold_1d"][0])


@pytest.mark.parametrize(("stream", "more"), [("log", ()), ("group", ("dealer",))])
def test_workers_and_the_broker_may_die(
    tmp_path: Path, kafka_server: KafkaServer, stream: str, more: tuple[str, ...]
) -> None:
    folder = project(tmp_path / "shop", f'log = "{kafka_server.url}?timeout=3"\nstream = "{stream}"')
    with tw.open(folder) as workspace:
        workspace.deploy("Gate")
    taken = decided = 0
    with running(folder) as (server, client):
        for victim in ("serve-0", "stream-0", *more, "broker"):
            for _ in range(5):
                status, told = client.insist(EVENTS, sale(f"s{taken}"))
                assert (status, told["accepted"] + told["duplicates"]) == (200, 1)
                taken += 1
            if victim == "broker":
                kafka_server.kill()
                assert client.post(EVENTS, sale("last"))[0] == 503
            else:
                server.kill(victim)
            status, told = client.insist(GATE, sale(f"d{decided}"))
            assert (status, told["event_id"], told.get("fallback", "")) == (200, f"d{decided}", "")
            decided += 1
        kafka_server.start()
        server.wait_for_all()
        assert client.insist(EVENTS, sale("last"))[0] == 200
        total = float(taken + decided + 1)
        until(lambda: sold(client) == total, "not all was folded", server.log)
    with tw.open(folder) as workspace:
        ids = workspace.history.scan("Sale", ["id"])["id"].to_pylist()
        assert len(ids) == len(set(ids)) == int(total)
        assert workspace.check_features(sample=0).differences == 0
