"""``tidewheel up`` with its control plane: what is changed there is what the workers do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.shop import done
from tests.system.live import SCREEN, Client, free_port, order, running, until


def answers(control: Client) -> bool:
    try:
        return bool(control.get("/v1/killed") == (200, []))
    except OSError:
        return False


@pytest.mark.slow
def test_workers_follow_the_control_plane(shop: Path) -> None:
    port = free_port()
    settings = shop / "tidewheel.toml"
    settings.write_text(settings.read_text() + f"control_port = {port}\n")
    with running(shop, workers=1) as (server, client):
        assert "control plane on 127.0.0.1" in server.told()
        assert client.insist(SCREEN, order("a1"))[1]["model"] == "SentBack@1"
        control = Client(port)
        assert control.post("/v1/kill", {"name": "Screen", "why": "drill"})[0] == 200
        assert client.insist(SCREEN, order("a2"))[1]["reason"].startswith("killed")
        assert control.post("/v1/revive", {"name": "Screen"})[0] == 200
        assert control.post("/v1/deployments", {"version": "SentBack@2"})[0] == 200
        numbers = iter(range(1000))
        until(lambda: client.insist(SCREEN, order(f"b{next(numbers)}"))[1].get("model") == "SentBack@2", "not followed")
        server.kill("control")
        until(lambda: answers(control), "the control plane did not come back")
        control.close()
    actions = [event["action"] for event in done("audit", "--json", folder=shop).json]
    assert [a for a in actions if a.startswith("deployment.")][:3] == [
        "deployment.deploy",
        "deployment.revive",
        "deployment.kill",
    ]
