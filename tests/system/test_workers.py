"""Three workers on one port under open-loop load: one is killed, and only those who were speaking with it notice."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from click.testing import CliRunner
from tests.system.live import Server, order, until

from tidewheel.capacity.driver import arrivals, drive
from tidewheel.capacity.requests import requests
from tidewheel.cli.main import cli
from tidewheel.runtime.config import load_config
from tidewheel.runtime.supervisor import read_status

CONNECTIONS = 24


def test_a_killed_worker_comes_back_alone_and_the_others_go_on(light_shop: Path) -> None:
    rows = [{name: value for name, value in order(str(n), f"c{n}").items() if name != "id"} for n in range(20)]
    ask = requests("Screen", rows, "id", "w")
    with Server(light_shop, workers=3) as server, ThreadPoolExecutor(1) as pool:
        before = server.pids()
        loading = pool.submit(
            drive, "127.0.0.1", server.port, arrivals(100, 6.0), ask, connections=CONNECTIONS, keep=True
        )
        time.sleep(2.0)
        server.kill("serve-1")
        status = load_config(light_shop).layout.run / "processes.json"
        until(lambda: any(c.name == "serve-1" and c.restarts for c in read_status(status)), "it was not missed")
        server.wait_for_all()
        run = loading.result()
        after = server.pids()
        bench = ["-C", str(light_shop), "bench", "Screen", "--rate", "40,80", "--seconds", "1", "--json"]
        told = CliRunner().invoke(cli, bench)
    assert {name for name in before if before[name] != after[name]} == {"serve-1"}
    # A request goes unanswered only with the connection it was under way on; each has one under way at most.
    assert set(run.statuses.tolist()) <= {0, 200, 503}
    assert int((run.statuses == 0).sum()) == run.broken <= CONNECTIONS
    answers = [json.loads(body) for body, status in zip(run.bodies, run.statuses, strict=True) if status == 200]
    assert len({answer["decision_id"] for answer in answers}) == len(answers) > 300
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout[told.stdout.index("{") :])
    assert [sum(point["statuses"].values()) for point in found["points"]] == [40, 80]
    assert all("0" not in point["statuses"] for point in found["points"])
    assert found["asked"].startswith("the newest ")
    assert found["points"][0]["server"] > 0.0
    assert any("shared" in caveat for caveat in found["caveats"]) or found["sizing"]["provided"] >= 3.0
