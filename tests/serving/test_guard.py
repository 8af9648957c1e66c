"""Who may ask: scopes, rates, rotation, and what holds when the catalog is gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.server import connect, read_answer
from tests.serving.shop import open_shop, payment, post, worker
from tests.serving.test_deciding import records
from tests.serving.test_handler import Shop

from tidewheel.errors import ConfigError, StorageError
from tidewheel.registry import tokens
from tidewheel.registry.tokens import Scope, create_token, revoke_token, rotate_token
from tidewheel.runtime.config import Settings
from tidewheel.serving.api import guard as guarding
from tidewheel.serving.api.guard import Guard, refuse_open
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.transport.http import Request, Response
from tidewheel.storage.catalog import Catalog

ROUTES: list[tuple[str, str, Scope]] = [
    ("POST", "/v1/services/Score", "decide"),
    ("POST", "/v1/events/Transaction", "ingest"),
    ("POST", "/v1/features/CardHistory", "read"),
    ("GET", "/v1/decisions/D1", "read"),
    ("GET", "/v1/status", "read"),
    ("GET", "/metrics", "read"),
]


@pytest.fixture
def guard(catalog: Catalog) -> Iterator[Guard]:
    made = Guard(catalog)
    yield made
    made.close()


def bearer(secret: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + secret.encode()}


def status(guard: Guard, method: str, path: str, secret: str = "") -> int:
    answer = Handler(Shop(), guard=guard).handle(Request(method, path, "", bearer(secret) if secret else {}))
    if isinstance(answer, Response):
        return answer.status
    answer.close()  # type: ignore[attr-defined]  # the handler's awaitables are coroutines
    return 200


def test_every_route_asks_for_its_scope(catalog: Catalog, guard: Guard) -> None:
    assert {status(guard, method, path) for method, path, _ in ROUTES} == {200}
    secrets = {scope: create_token(catalog, scope, (scope,)).secret for scope in tokens.SCOPES}
    guard.load()
    for method, path, needed in ROUTES:
        assert status(guard, method, path) == 401
        assert status(guard, method, path, "tw_" + "x" * 43) == 401
        for scope, secret in secrets.items():
            assert status(guard, method, path, secret) == (200 if scope in (needed, "admin") else 403)
    for probe in ("/healthz", "/livez", "/readyz", "/startupz"):
        assert status(guard, "GET", probe) == 200


def test_the_first_token_closes_for_good(catalog: Catalog, guard: Guard) -> None:
    create_token(catalog, "shop", ("decide",))
    revoke_token(catalog, "shop")
    guard.load()
    assert status(guard, "POST", "/v1/services/Score") == 401
    opened = Guard(catalog, open=True)
    assert status(opened, "POST", "/v1/services/Score") == 200
    assert status(opened, "POST", "/v1/services/Score", "tw_unknown") == 401
    opened.close()


def test_a_page_of_another_site_is_refused_where_no_token_guards(catalog: Catalog, guard: Guard) -> None:
    def asked(guard: Guard, origin: bytes) -> bool:
        headers = {b"host": b"127.0.0.1:8700", b"origin": origin}
        return guard.may(Request("POST", "/v1/events/Transaction", "", headers), "ingest") is None

    assert asked(guard, b"http://127.0.0.1:8700")
    assert not asked(guard, b"https://elsewhere.example")
    assert not asked(guard, b"null")
    opened = Guard(catalog, open=True)
    assert asked(opened, b"https://elsewhere.example")
    opened.close()


def test_names_of_services_are_not_told_to_strangers(catalog: Catalog, guard: Guard) -> None:
    def told() -> bytes:
        answer = Handler(Shop(), guard=guard).handle(Request("POST", "/v1/service/Score"))
        assert isinstance(answer, Response)
        return answer.body

    assert b"/v1/services/Score" in told().replace(b"/v1/service/Score", b"")
    create_token(catalog, "shop", ("decide",))
    guard.load()
    assert b"/v1/services/Score" not in told()


def test_the_token_s_name_is_the_caller(catalog: Catalog, guard: Guard) -> None:
    secret = create_token(catalog, "shop", ("decide",)).secret
    guard.load()
    shop = Shop()
    Handler(shop, guard=guard).handle(
        Request("POST", "/v1/services/Score", "", {**bearer(secret), b"tidewheel-caller": b"somebody else"}, b"{}")
    )
    assert shop.calls[-1][-1] == "shop"


def test_both_secrets_work_while_callers_change_over(catalog: Catalog, guard: Guard) -> None:
    old = create_token(catalog, "shop", ("decide",)).secret
    new = rotate_token(catalog, "shop", grace=400_000).secret
    guard.load()
    assert {status(guard, "POST", "/v1/services/Score", secret) for secret in (old, new)} == {200}
    time.sleep(0.4)  # the grace is over, whether or not anything is read again
    assert status(guard, "POST", "/v1/services/Score", old) == 401
    assert status(guard, "POST", "/v1/services/Score", new) == 200


def test_a_token_asks_as_often_as_it_may(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = create_token(catalog, "shop", ("decide",), rate=8.0).secret
    now = [100.0]
    monkeypatch.setattr(guarding.time, "monotonic", lambda: now[0])
    guard = Guard(catalog, workers=2)
    ask = Request("POST", "/v1/services/Score", "", bearer(secret))
    assert [guard.may(ask, "decide") for _ in range(4)] == [None] * 4
    refused = guard.may(ask, "decide")
    assert refused is not None
    assert (refused.status, dict(refused.headers)[b"retry-after"]) == (429, b"1")
    now[0] += 0.5
    guard.load()  # what is left is left, however often the tokens are read
    assert [guard.may(ask, "decide") is None for _ in range(3)] == [True, True, False]
    guard.close()


def test_the_last_tokens_hold_when_the_catalog_is_gone(
    catalog: Catalog, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = create_token(catalog, "shop", ("decide",)).secret
    guard.load()

    def gone(_catalog: Catalog) -> list[tokens.Token]:
        raise StorageError("the catalog is gone")

    monkeypatch.setattr(guarding, "list_tokens", gone)
    monkeypatch.setattr(guarding, "LOOK_AGAIN", 0.0)
    guard._next = 0.0
    guard.follow()
    assert status(guard, "POST", "/v1/services/Score", secret) == 200
    assert status(guard, "POST", "/v1/services/Score") == 401


def test_it_follows_the_catalog(catalog: Catalog, guard: Guard) -> None:
    secret = create_token(catalog, "shop", ("decide",)).secret

    def followed() -> int:
        guard.follow()
        return status(guard, "POST", "/v1/services/Score", secret)

    assert _in_time(lambda: guard.follow() or guard.any)
    assert followed() == 200
    revoke_token(catalog, "shop")
    assert _in_time(lambda: followed() == 401)


def test_off_this_machine_it_starts_with_tokens_or_on_purpose(catalog: Catalog, guard: Guard) -> None:
    refuse_open(guard, Settings(host="127.0.0.1"))
    refuse_open(guard, Settings(host="0.0.0.0", open=True))
    with pytest.raises(ConfigError, match="tidewheel tokens create"):
        refuse_open(guard, Settings(host="0.0.0.0"))
    create_token(catalog, "shop", ("decide",))
    guard.load()
    refuse_open(guard, Settings(host="0.0.0.0"))


def test_a_worker_lets_in_and_shuts_out_in_time(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path) as running:

            def answered(**headers: str) -> int:
                return post(running.port, "/v1/services/Score", payment(1), headers)[0]

            assert answered() == 200
            secret = create_token(shop.stores.catalog, "shop", ("decide", "read")).secret
            assert _in_time(lambda: answered() == 401)
            with connect(running.port) as client:
                body = json.dumps(payment(2)).encode()
                head = f"POST /v1/services/Score HTTP/1.1\r\nAuthorization: Bearer {secret}\r\n"
                client.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                assert read_answer(client)[0] == 200
            assert answered(authorization="bearer " + secret) == 200
            measuring = {"authorization": "Bearer " + secret, "tidewheel-caller": "bench"}
            assert post(running.port, "/v1/services/Score", payment(3), measuring)[0] == 200
            revoke_token(shop.stores.catalog, "shop")
            assert _in_time(lambda: answered(authorization="Bearer " + secret) == 401)
            running.stop()
        assert {record.caller for record in records(shop.stores.layout.journal)} == {"", "shop", "shop (bench)"}


def test_a_worker_off_this_machine_refuses_to_start_open(tmp_path: Path) -> None:
    with open_shop(tmp_path, host="0.0.0.0") as shop:
        shop.deploy(shop.graph())
    with pytest.raises(AssertionError, match="there are no tokens"):
        worker(tmp_path).__enter__()


def _in_time(true: Any) -> bool:
    end = time.monotonic() + 20.0
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(("host", "may"), [
    (b"127.0.0.1:8700", True), (b"localhost:8700", True), (b"[::1]:8700", True), (b"localhost", True),
    (b"rebound.example:8700", False), (b"10.0.0.7:8700", False),
])  # fmt: skip
def test_a_name_that_was_made_to_lead_here_is_refused(guard: Guard, host: bytes, may: bool) -> None:
    same = {b"host": host, b"origin": b"http://" + host}
    assert (guard.may(Request("POST", "/v1/events/Transaction", "", same), "ingest") is None) == may
    assert (guard.may(Request("GET", "/v1/status", "", {b"host": host}), "read") is None) == may
