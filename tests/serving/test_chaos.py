"""What a worker depends on fails, hangs or is slow: callers get answers, and what was said stays said."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import RedisServer
from tests.serving.server import connect, read_answer
from tests.serving.shop import SLOW, Worker, ask, get, open_shop, payment, post, serving, worker
from tests.serving.test_deciding import eventually, records

from tidewheel.collect.keeping.history import History
from tidewheel.runtime import clock

SCORE = "/v1/services/Score"
HOUR = 3600 * 10**9


def flood(port: int, clients: int, requests: int) -> list[tuple[int, Any]]:
    """Ask from some clients at once; each asks again when it has its answer."""
    answers: list[tuple[int, Any]] = []

    def asker(number: int) -> None:
        with connect(port) as client:
            client.settimeout(30)
            for n in range(requests):
                answers.append(ask(client, SCORE, payment(f"{number}-{n}")))

    threads = [threading.Thread(target=asker, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == clients * requests
    return answers


def test_a_slow_model_is_answered_for_and_nothing_said_is_lost(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph(SLOW, deadline="30ms"))
        shop.deploy(shop.graph(SLOW, deadline="30ms"), service="Gate", model="")
    with worker(tmp_path) as running:
        answers = flood(running.port, 8, 10)
        assert {status for status, _ in answers} <= {200, 503}
        decided = [told for status, told in answers if status == 200]
        assert {told["reason"].partition(":")[0] for told in decided} <= {"deadline", "breaker"}
        assert all(told["fallback"] == "table" for told in decided)
        # What stalls one service does not stop another.
        gate = post(running.port, "/v1/services/Gate", payment("gate"))
        assert (gate[0], "fallback" in gate[1]) == (200, False)
        running.stop()
    with open_shop(tmp_path) as shop:
        found = {record.decision_id for record in records(shop.stores.layout.journal)}
    assert {told["decision_id"] for told in decided} <= found


def test_a_clock_that_jumps_changes_no_deadline_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, ahead = time.time_ns, 0
    monkeypatch.setattr(clock.time, "time_ns", lambda: real() + ahead)
    said = []
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph(deadline="5s"))
        for jump in (0, -HOUR, 24 * HOUR, 0):
            # Each with a process that was there before the jump, and with one that comes after it.
            with serving(shop) as running:
                said.append(running.decide("Score", payment(f"before-{jump}-{len(said)}")))
                ahead = jump
                said.append(running.decide("Score", payment(f"after-{jump}-{len(said)}")))
                again = running.decide("Score", payment(f"after-{jump}-{len(said) - 1}"))
                assert again == said[-1]
        assert not any(answer.fallback for answer in said)
        assert len({answer.decision_id for answer in said}) == len(said) == 8
        with serving(shop) as running:
            assert [running.find(answer.decision_id).event_id for answer in said] == [a.event_id for a in said]
        logged = History(shop.stores.lake, shop.stores.log).scan("Payment", ["id"])["id"].to_pylist()
        assert sorted(logged) == sorted(answer.event_id for answer in said)


def test_a_redis_that_hangs_or_dies_leaves_callers_with_answers(tmp_path: Path, redis_server: RedisServer) -> None:
    with open_shop(tmp_path, state=redis_server.url) as shop:
        graph = shop.graph(deadline="5s")
        shop.deploy(graph)
        shop.fold(graph)
    with worker(tmp_path) as running:
        said = [post(running.port, SCORE, payment("first"))]
        assert "fallback" not in said[0][1]
        redis_server.signal(signal.SIGSTOP)
        begin = time.monotonic()
        said += flood(running.port, 4, 15)
        assert time.monotonic() - begin < 60 * 0.1 * 5, "each waited for a server that hangs"
        assert {(status, told["fallback"]) for status, told in said[1:]} == {(200, "table")}
        assert b"tidewheel_breakers_open" in get(running.port, "/metrics")[1]
        redis_server.signal(signal.SIGCONT)
        eventually(lambda: "fallback" not in post(running.port, SCORE, payment(f"on-{time.time_ns()}"))[1])
        redis_server.kill()
        gone = flood(running.port, 2, 5)
        assert {(status, told["fallback"]) for status, told in gone} == {(200, "table")}
        running.stop()
    with open_shop(tmp_path) as shop:
        found = {record.decision_id for record in records(shop.stores.layout.journal)}
    assert {told["decision_id"] for _, told in [*said, *gone]} <= found


def test_a_worker_that_is_stopped_under_load_fails_nobody(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
    failures: list[str] = []
    answered: list[str] = []

    def asker(running: Worker, number: int) -> None:
        n = 0
        while True:
            try:
                with connect(running.port) as sock:
                    closing = False
                    while not closing:
                        n += 1
                        try:
                            status, told, closing = ask_whole(sock, payment(f"{number}-{n}"))
                        except (OSError, EOFError) as error:
                            failures.append(f"{number}-{n}: {error!r}")
                            return
                        assert status == 200
                        answered.append(told["decision_id"])
            except ConnectionRefusedError:
                return

    with worker(tmp_path) as running:
        threads = [threading.Thread(target=asker, args=(running, number)) for number in range(6)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(answered) > 100)
        running.stop()
        for thread in threads:
            thread.join()
    assert not failures
    with open_shop(tmp_path) as shop:
        assert set(answered) <= {record.decision_id for record in records(shop.stores.layout.journal)}


def ask_whole(client: Any, body: dict[str, object]) -> tuple[int, Any, bool]:
    """Ask once; return the status, the answer and whether the server closes after it."""
    data = json.dumps(body).encode()
    client.sendall(b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (SCORE.encode(), len(data), data))
    status, headers, answer = read_answer(client)
    return status, json.loads(answer), headers.get("connection") == "close"
