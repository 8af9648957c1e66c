"""The control plane over HTTP: what it changes, for whom, and what of it is written down."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.server import ServerThread
from tests.serving.shop import Shop, open_shop

from tidewheel.errors import ConfigError
from tidewheel.registry.audit import audit
from tidewheel.registry.pointers.pointers import find_deployment
from tidewheel.registry.tokens import create_token
from tidewheel.runtime.child import Life, Order
from tidewheel.serving.api.guard import Guard
from tidewheel.workspace.features.groups import choose_groups
from tidewheel.workspace.processes.control_plane import ROUTES, ControlHandler
from tidewheel.workspace.processes.controlling import run


class Plane:
    """A control plane over a small workspace."""

    def __init__(self, shop: Shop, port: int, guard: Guard) -> None:
        self.shop, self.port, self.guard = shop, port, guard

    def ask(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, sent | headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told

    def token(self, name: str, *scopes: Any) -> str:
        secret = create_token(self.shop.stores.catalog, name, scopes).secret
        self.guard.load()
        return secret


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        shop.deploy(graph)
        shop.version(graph)
        choose_groups(shop.stores.catalog, shop.stores.artifacts)
        guard = Guard(shop.stores.catalog)
        handler = ControlHandler(shop.stores, guard)
        with ServerThread(handler) as server:
            yield Plane(shop, server.port, guard)
        handler.close()
        guard.close()


def test_a_rollout_from_afar(plane: Plane) -> None:
    status, moved = plane.ask("POST", "/v1/deployments", {"version": "Fraud@2", "canary": "10%", "why": "looks good"})
    assert status == 200, moved
    assert (moved[0]["challenger"], moved[0]["share"]) == ("Fraud@2", 0.1)
    assert plane.ask("POST", "/v1/deployments/Score/promote")[1][0]["champion"] == "Fraud@2"
    assert plane.ask("POST", "/v1/deployments/Score/rollback", {"why": "no better"})[1][0]["champion"] == "Fraud@1"
    moves = plane.ask("GET", "/v1/deployments/Score")[1]
    assert [move["action"] for move in moves] == ["rollback", "promote", "canary", "deploy"]
    assert plane.ask("GET", "/v1/deployments")[1][0]["cause"] == "no better"
    assert plane.ask("GET", "/v1/status")[1]["deployments"][0]["champion"] == "Fraud@1"


def test_thresholds_switches_and_alerts(plane: Plane) -> None:
    assert plane.ask("GET", "/v1/thresholds/Score")[1] == {"allow": 0.0, "review": 0.6, "block": 0.95}
    turned = plane.ask("PUT", "/v1/thresholds/Score", {"levels": {"review": 0.5}, "why": "quiet day"})
    assert turned == (200, {"allow": 0.0, "review": 0.5, "block": 0.95})
    assert plane.ask("POST", "/v1/kill", {"name": "Fraud@1", "why": "odd"})[1]["off"][0]["name"] == "Fraud@1"
    assert plane.ask("GET", "/v1/killed")[1][0]["why"] == "odd"
    assert plane.ask("POST", "/v1/revive", {"name": "Fraud@1"}) == (200, {"off": [], "untold": ""})
    assert plane.ask("GET", "/v1/alerts?open=true") == (200, [])


def test_only_admins_change_and_everything_is_written_down(plane: Plane) -> None:
    admin, reader = plane.token("ci", "admin"), plane.token("dashboard", "read")
    body = {"version": "Fraud@2"}
    for method, path in ROUTES:
        for token, expected in (("", 401), (reader, 403)):
            assert plane.ask(method, path.replace("*", "Score"), {}, token)[0] == expected
    assert plane.ask("POST", "/v1/deployments", body, admin)[0] == 200
    assert plane.ask("POST", "/v1/deployments", {"version": "Fraud@9"}, admin)[0] == 404
    moved = find_deployment(plane.shop.stores.catalog, "Score")
    assert moved is not None
    assert (moved.champion, moved.who) == ("Fraud@2", "ci")
    events = audit(plane.shop.stores.catalog, who="ci")
    assert [(e.action, e.subject, e.origin) for e in events] == [
        ("deployment.deploy", "", "127.0.0.1"),
        ("deployment.deploy", "Score", "127.0.0.1"),
    ]
    assert "Fraud@9" in events[0].outcome
    assert events[1].outcome == "done"
    changes = {route.action for route in ROUTES.values() if route.action}
    assert {e.action for e in audit(plane.shop.stores.catalog, who="dashboard")} == changes
    told = plane.ask("GET", "/v1/audit?who=ci&limit=1", None, admin)[1]
    assert (told[0]["who"], told[0]["origin"]) == ("ci", "127.0.0.1")


def test_tokens_from_afar(plane: Plane) -> None:
    admin = plane.token("ci", "admin")
    status, made = plane.ask("POST", "/v1/tokens", {"name": "shop", "scopes": ["decide"], "rate": "5/s"}, admin)
    assert (status, made["scopes"], made["rate"]) == (200, ["decide"], 5.0)
    assert plane.ask("POST", "/v1/tokens/shop/rotate", {"grace": "1h"}, admin)[1]["token"] != made["token"]
    assert plane.ask("DELETE", "/v1/tokens/shop", None, admin)[1]["state"] == "revoked"
    listed = plane.ask("GET", "/v1/tokens", None, admin)[1]
    assert [(t["name"], t["state"]) for t in listed] == [("ci", "active"), ("shop", "revoked")]
    assert "digest" not in listed[0]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/v1/deployments", b"{", 400),
        ("POST", "/v1/deployments", {"version": "Fraud@2", "canery": 1}, 400),
        ("POST", "/v1/deployments", {"version": "Fraud@2", "canary": "many"}, 400),
        ("POST", "/v1/deployments", b"[" * 60_000, 400),
        ("POST", "/v1/deployments", b" " * 70_000, 413),
        ("POST", "/v1/deployments/Nothing/promote", None, 404),
        ("PUT", "/v1/thresholds/Score", {"levels": {"rewiew": 0.5}}, 400),
        ("PUT", "/v1/thresholds/Nothing", {"levels": {}}, 404),
        ("POST", "/v1/kill", {"name": "Nothing"}, 404),
        ("POST", "/v1/tokens", {"name": "x", "scopes": ["root"]}, 400),
        ("GET", "/v1/audit?limit=all", None, 400),
        ("GET", f"/v1/audit?limit={'9' * 5000}", None, 400),
        ("PATCH", "/v1/tokens", None, 405),
        ("GET", "/v1/nothing", None, 404),
    ],
)
def test_what_can_not_be_done_is_told(plane: Plane, method: str, path: str, body: Any, expected: int) -> None:
    status, told = plane.ask(method, path, body)
    assert status == expected, told
    assert told["error"]["what"]


def test_a_page_of_another_site_is_not_obeyed(plane: Plane) -> None:
    body = {"name": "Score"}
    assert plane.ask("POST", "/v1/kill", body, Origin="https://elsewhere.example")[0] == 403
    assert plane.ask("GET", "/v1/status", Host=f"elsewhere.example:{plane.port}")[0] == 403
    assert plane.ask("GET", "/v1/killed")[1] == []


def test_off_this_machine_it_starts_with_tokens_only(tmp_path: Path) -> None:
    with open_shop(tmp_path, control_host="0.0.0.0", control_port=1, open=True):
        pass
    with pytest.raises(ConfigError, match="--scope admin"):
        run(Life(Order("control", "", {}, 1, 0)), str(tmp_path), "")
