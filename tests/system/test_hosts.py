"""Two hosts of one workspace on real servers: one is killed under load, the other answers and takes its work over."""

from __future__ import annotations

import http.client
import itertools
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.conftest import CatalogPlace, RedisServer
from tests.kafka_server import KafkaServer
from tests.system.live import Client, Server, until
from tests.workspace.test_opening import project

import tidewheel as tw

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.postgres, pytest.mark.s3, pytest.mark.slow]

GATE = "/v1/services/Gate"


class Callers:
    """Callers that know every host: one that does not answer is passed over, with the same event."""

    def __init__(self, ports: list[int]) -> None:
        self.answered: dict[str, str] = {}
        """The id of the decision on each event."""
        self.failed: list[str] = []
        self._ports = ports
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(n,)) for n in range(2)]
        for thread in self._threads:
            thread.start()

    def _call(self, number: int) -> None:
        clients = [Client(port) for port in self._ports]
        for k in itertools.count():
            if self._stop.is_set():
                break
            identity = f"c{number}-{k}"
            said = self._ask(identity, clients[k % 2 :] + clients[: k % 2])
            if said:
                self.failed.append(f"{identity}: {said}")
            time.sleep(0.005)
        for client in clients:
            client.close()

    def _ask(self, identity: str, clients: list[Client]) -> list[object]:
        """Ask one host after the other, again where all are busy; return what was said where none ever answered."""
        said: list[object] = []
        for client in clients * 20:
            try:
                status, told = client.post(GATE, {"id": identity, "shop": "north", "amount": 1.0})
            except (OSError, http.client.HTTPException) as error:
                status, told = 0, error
            if status == 200:
                self.answered[identity] = told["decision_id"]
                return []
            said.append((client.port, status, told))
            assert status in (0, 503), said  # 503: busy, with the time after which to ask again
            time.sleep(0.05)
        return said

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def killed(host: Server) -> None:
    """Kill every process of a host at once, as when its machine is gone."""
    assert host.process is not None
    os.killpg(host.process.pid, signal.SIGKILL)
    host.process.wait()


def sold(client: Client) -> float:
    return float(client.insist("/v1/features/ShopHistory", {"shop": ["north"]})[1]["features"]["sales_7d"][0])


@pytest.mark.parametrize("catalog_place", ["postgres"], indirect=True)
def test_a_host_may_die_under_load(
    catalog_place: CatalogPlace, redis_server: RedisServer, kafka_server: KafkaServer, s3_place: str, tmp_path: Path
) -> None:
    bucket, _, query = s3_place.partition("?")
    settings = f"""
    namespace = "{catalog_place.namespace}"
    catalog = "{catalog_place.url}"
    state = "{redis_server.url}"
    log = "{kafka_server.url}"
    lake = "{bucket}/lake?{query}"
    artifacts = "{bucket}/artifacts?{query}"
    flush_every = "1s"
    """
    one = project(tmp_path / "one", settings)
    two = Path(shutil.copytree(one, tmp_path / "two"))
    with tw.open(one) as workspace:
        workspace.deploy("Gate")
    with Server(one, workers=1) as first, Server(two, workers=1) as second:
        assert "standing by" in second.told()
        callers = Callers([first.port, second.port])
        until(lambda: len(callers.answered) > 100, "no answers", second.log)
        killed(first)
        before = len(callers.answered)
        until(lambda: len(callers.answered) > before + 100, "the other host does not answer", second.log)
        until(lambda: "keeping" in second.told(), "nobody keeps", second.log)
        callers.stop()
        assert callers.failed == []
        first.start().wait()  # what its callers were answered lies in its journal
        events = float(len(callers.answered))
        client = Client(second.port)
        until(lambda: sold(client) == events, "not all was folded, once", second.log)
        client.close()
    with tw.open(two) as workspace:
        workspace.flush()
        ids = workspace.history.scan("Sale", ["id"])["id"].to_pylist()
        assert sorted(ids) == sorted(callers.answered)
        decided = workspace.stores.lake.scan("decisions")["decision_id"].to_pylist()
        assert set(callers.answered.values()) <= set(decided)
        assert len(decided) == len(set(decided))
        assert workspace.check_features(sample=0).differences == 0
