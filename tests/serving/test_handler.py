"""Routes, statuses and errors, on a backend that does the least."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest

from tidewheel.errors import ClockError, FullError, NotFoundError, OverloadedError, SchemaError, TidewheelError
from tidewheel.serving.api.handler import Accepted, Handler, unknown
from tidewheel.serving.transport.asgi import AsgiApp
from tidewheel.serving.transport.http import Request, Response


class Shop:
    """One service, one event type."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: TidewheelError | None = None
        self.why = ""
        self.outcome = Accepted(accepted=1)

    def features(self) -> list[str]:
        return ["CardHistory"]

    def read(self, features: str, body: bytes) -> bytes:
        return b"{}"

    def services(self) -> list[str]:
        return ["Score"]

    def events(self) -> list[str]:
        return ["Transaction"]

    def decide(
        self, service: str, body: bytes, now: int | None, caller: str, began: int = 0, timeout: int = 0
    ) -> bytes | Awaitable[bytes]:
        self.calls.append((service, body, now, caller))
        if service != "Score":
            raise unknown("service", service, self.services())
        return self._later() if body == b"later" else b'{"decision":"allow"}'

    async def _later(self) -> bytes:
        if self.error is not None:
            raise self.error
        return b'{"decision":"review"}'

    async def append(self, event: str, body: bytes, now: int | None) -> Accepted:
        if self.error is not None:
            raise self.error
        return self.outcome

    async def explain(self, decision_id: str) -> object:
        if decision_id != "D1":
            raise NotFoundError(f"no decision {decision_id!r}")
        return {"decision_id": decision_id}

    def ready(self) -> str:
        return self.why

    def status(self) -> object:
        return {"services": self.services()}

    def metrics(self) -> bytes:
        return b"tidewheel_requests_total 1\n"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def ask(shop: Shop, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    answer = Handler(shop).handle(Request(method, path, "", sent, body))
    if not isinstance(answer, Response):
        answer = asyncio.run(answer)  # type: ignore[arg-type]  # the handler's awaitables are coroutines
    return answer.status, json.loads(answer.body)


def test_a_decision_is_answered_at_once_with_its_clock_and_caller(shop: Shop) -> None:
    assert ask(shop, "POST", "/v1/services/Score", b"{}") == (200, {"decision": "allow"})
    ask(shop, "POST", "/v1/services/Score", b"{}", tidewheel_now="5", tidewheel_caller="shop")
    ask(shop, "POST", "/v1/services/Score", b"{}", tidewheel_now="1970-01-01T00:00:01Z")
    assert [call[2:] for call in shop.calls] == [(None, ""), (5, "shop"), (1_000_000, "")]
    assert ask(shop, "POST", "/v1/services/Score", b"later") == (200, {"decision": "review"})


@pytest.mark.parametrize("now", ["noon", "2013-01-01T00:00:00", "9" * 30, "1700000000000000000", "\u00e9"])
def test_an_instant_that_can_not_be_read_is_refused(shop: Shop, now: str) -> None:
    status, body = ask(shop, "POST", "/v1/services/Score", b"{}", tidewheel_now=now)
    assert status == 400
    assert body["error"]["where"] == "header tidewheel-now"
    assert ask(shop, "POST", "/v1/events/Transaction", b"{}", tidewheel_now=now)[0] == 400


@pytest.mark.parametrize(
    ("path", "status", "likely"),
    [
        ("/v1/service/Score", 404, "/v1/services/Score"),
        ("/v1/services/Scor", 404, "'Score'"),
        ("/v1/events/", 404, "/v1/events/Transaction"),
        ("/health", 404, "/healthz"),
        ("/", 404, "routes are"),
        ("/v1/services/Score/x", 404, "/v1/services/Score"),
    ],
)
def test_a_wrong_path_is_told_the_likely_one(shop: Shop, path: str, status: int, likely: str) -> None:
    got, body = ask(shop, "POST", path, b"{}")
    assert got == status
    assert likely in body["error"]["remedy"]


def test_a_wrong_method_is_told_the_right_one(shop: Shop) -> None:
    for path, allow in (("/v1/services/Score", b"POST"), ("/metrics", b"GET, HEAD")):
        answer = Handler(shop).handle(Request("DELETE", path))
        assert isinstance(answer, Response)
        assert answer.status == 405
        assert answer.headers == ((b"allow", allow),)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SchemaError("bad"), 400),
        (ClockError("no"), 409),
        (OverloadedError("full"), 503),
        (FullError("no space left"), 503),
        (NotFoundError("no"), 404),
    ],
)
def test_errors_have_fitting_statuses(shop: Shop, error: TidewheelError, status: int) -> None:
    shop.error = error
    assert ask(shop, "POST", "/v1/events/Transaction", b"{}")[0] == status
    assert ask(shop, "POST", "/v1/services/Score", b"later")[0] == status


def test_events_that_are_all_bad_give_422_and_some_bad_200(shop: Shop) -> None:
    bad = [{"row": 0, "reason": "amount: expected a number", "id": "t1"}]
    shop.outcome = Accepted(quarantined=bad)
    assert ask(shop, "POST", "/v1/events/Transaction", b"{}") == (
        422,
        {"accepted": 0, "duplicates": 0, "quarantined": bad},
    )
    shop.outcome = Accepted(accepted=1, quarantined=bad)
    assert ask(shop, "POST", "/v1/events/Transaction", b"{}")[0] == 200


def test_health_readiness_status_and_explanations(shop: Shop) -> None:
    assert ask(shop, "GET", "/healthz")[0] == 200
    assert ask(shop, "GET", "/readyz") == (200, {"ready": True})
    shop.why = "loading Score"
    status, body = ask(shop, "GET", "/readyz")
    assert (status, body["error"]["what"]) == (503, "loading Score")
    assert ask(shop, "GET", "/v1/status") == (200, {"services": ["Score"]})
    assert ask(shop, "GET", "/v1/decisions/D1") == (200, {"decision_id": "D1"})
    assert ask(shop, "GET", "/v1/decisions/D2")[0] == 404


def test_events_may_come_in_larger_bodies(shop: Shop) -> None:
    handler = Handler(shop)
    assert handler.body_limit("/v1/events/Transaction") == 16 * 1024 * 1024
    assert handler.body_limit("/v1/services/Score") == 1024 * 1024


def test_the_same_handler_answers_behind_asgi(shop: Shop) -> None:
    sent: list[Any] = []
    parts = [b"la", b"ter"]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/services/Score", "query_string": b"", "headers": []}
    asyncio.run(AsgiApp(Handler(shop))(scope, receive, send))
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b'{"decision":"review"}'
