"""A project served by Ray Serve answers as our own workers do, and journals what it answered."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need_extra
from tests.system.live import free_port
from tests.workspace.test_opening import project

import tidewheel as tw

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


PORT = free_port()


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Give Ray Serve on a small cluster of its own."""
    need_extra("ray")
    pytest.importorskip("ray.serve", reason="`make extras` installs it", exc_type=ImportError)
    import ray
    from ray import serve

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    yield serve
    serve.shutdown()
    ray.shutdown()


def call(path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", data, timeout=60) as answer:
        return json.loads(answer.read())


def test_it_decides_and_journals(cluster: Any, tmp_path: Path) -> None:
    from tidewheel.bridges.ray_serve import application

    folder = project(tmp_path / "shop")
    with tw.open(folder) as workspace:
        workspace.deploy("Gate")
    cluster.run(application(folder, num_replicas=2, ray_actor_options={"num_cpus": 0.1}), name="shop")
    assert call("/readyz") == {"ready": True}
    told = [call("/v1/services/Gate", {"id": f"s{k}", "shop": "north", "amount": 1.0}) for k in range(20)]
    assert {each["decision"] for each in told} == {"go"}, "nothing folds, so no rule fires"
    again = call("/v1/services/Gate", {"id": "s3", "shop": "north", "amount": 1.0})
    assert again == told[3]
    cluster.delete("shop")
    with tw.open(folder) as workspace:
        workspace.flush()
        ids = workspace.history.scan("Sale", ["id"])["id"].to_pylist()
        assert sorted(ids) == sorted(f"s{k}" for k in range(20))
        assert workspace.why(told[3]["decision_id"]).event_id == "s3"
