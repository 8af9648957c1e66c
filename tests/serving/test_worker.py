"""A serving process as its callers see it: routes, clock, swaps under load, kill -9."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.serving.server import connect
from tests.serving.shop import (
    BY_HUNDRED,
    BY_THOUSAND,
    ask,
    folding,
    get,
    open_shop,
    payment,
    post,
    service_of,
    worker,
)
from tests.serving.test_deciding import eventually, records

from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.services import freeze_service

SCORE = "/v1/services/Score"
KILLS = int(os.environ.get("TIDEWHEEL_KILLS", "2"))
"""Kills of each kind; the release check sets 20."""


def test_a_worker_serves_without_the_module_or_a_learner(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        shop.deploy(graph)
        with worker(tmp_path) as running:
            status, answer = post(running.port, SCORE, payment(1, amount=700.0))
            assert (status, answer["decision"], answer["model"]) == (200, "review", "Fraud@1")
            assert post(running.port, SCORE, payment(1))[1] == answer
            until = time.monotonic() + 10.0
            while shop.stores.log.seen("Payment", "p1") is None and time.monotonic() < until:
                time.sleep(0.02)  # the decided event is on its way to the log
            status, told = post(running.port, "/v1/events/Payment", [payment(2), {"id": 3}, payment(2), payment(1)])
            assert status == 200
            assert (told["accepted"], told["duplicates"]) == (1, 2)
            assert told["quarantined"][0]["row"] == 1
            assert "missing" in told["quarantined"][0]["reason"]
            assert post(running.port, "/v1/events/Payment", {"id": 3})[0] == 422
            assert post(running.port, "/v1/events/Paymint", {})[0] == 404
            assert post(running.port, SCORE, {"id": "x"})[0] == 400
            assert post(running.port, SCORE, payment(9), {"tidewheel-now": "5"})[0] == 409
            status, body = get(running.port, f"/v1/decisions/{answer['decision_id']}")
            why = json.loads(body)
            assert (status, why["features"]["amount"], why["replay"]["equal"]) == (200, 700.0, True), why["replay"]
            status, found = post(running.port, "/v1/features/CardHistory", {"card": ["c1", "nobody"]})
            assert (status, found["features"]["payments_1d"], found["offsets"][1]) == (200, [0.0, 0.0], 0)
            assert found["features"]["last_country"] == [None, None]
            assert post(running.port, "/v1/features/CardHistory", {"cart": "c1"})[0] == 400
            assert post(running.port, "/v1/features/CardHistori", {"card": "c1"})[0] == 404
            assert get(running.port, "/readyz")[0] == 200
            metrics = get(running.port, "/metrics")[1].decode()
            assert (
                'tidewheel_decisions_total{service="Score",model="Fraud@1",decision="review",worker="0"} 1' in metrics
            )
            assert 'tidewheel_retries_total{service="Score",worker="0"} 1' in metrics
            status_page = json.loads(get(running.port, "/v1/status")[1])
            assert status_page["services"]["Score"]["decisions"] == 1
            assert running.stop().strip().endswith("heavy []")
        assert [record.id for record in shop.stores.log.read(1, 10)] == ["p1", "p2"]  # type: ignore[union-attr]  # no imports


@pytest.mark.parametrize("durability", ["written", "committed"])
def test_kill_nine_under_load_loses_and_doubles_nothing(tmp_path: Path, durability: str) -> None:
    chance = random.Random(7)
    answered: dict[str, dict[str, Any]] = {}
    acknowledged: set[str] = set()
    with open_shop(tmp_path, durability=durability) as shop:
        shop.deploy(shop.graph())
        for turn in range(KILLS):
            with worker(tmp_path) as running:
                load = [threading.Thread(target=hammer, args=(running.port, turn * 10 + n, answered)) for n in range(3)]
                load.append(threading.Thread(target=feed, args=(running.port, turn, acknowledged)))
                for thread in load:
                    thread.start()
                time.sleep(0.3 + chance.random() * 0.5)
                eventually(lambda: len(answered) > 15 * (turn + 1))  # noqa: B023  # waited for in this turn
                running.kill()
                for thread in load:
                    thread.join()
        assert len(answered) > 20
        assert acknowledged
        with worker(tmp_path) as running:
            some = chance.sample(sorted(answered), 20)
            assert [post(running.port, SCORE, payment(name[1:]))[1] for name in some] == [answered[n] for n in some]
            running.stop()
        kept = records(shop.stores.layout.journal)
        assert len({record.event_id for record in kept}) == len(kept)
        journalled = {record.event_id: record.decision_id for record in kept}
        assert {name: answer["decision_id"] for name, answer in answered.items()}.items() <= journalled.items()
        logged = [record.id for record in shop.stores.log.read(1, 10**6)]  # type: ignore[union-attr]  # no imports
        assert len(set(logged)) == len(logged)
        assert set(logged) >= acknowledged | set(journalled)


def hammer(port: int, number: int, answered: dict[str, dict[str, Any]]) -> None:
    """Ask for one decision after another until the server is gone."""
    try:
        with connect(port) as client:
            for i in range(10**6):
                name = f"{number}-{i}"
                status, answer = ask(client, SCORE, payment(name, card=f"c{i % 50}"))
                if status == 200:
                    answered[f"p{name}"] = answer
    except (OSError, EOFError):
        return


def feed(port: int, number: int, acknowledged: set[str]) -> None:
    try:
        with connect(port) as client:
            for i in range(10**6):
                events = [payment(f"e{number}-{i}-{k}") for k in range(5)]
                status, told = ask(client, "/v1/events/Payment", events)
                if status == 200 and told["accepted"] == 5:
                    acknowledged.update(str(event["id"]) for event in events)
    except (OSError, EOFError):
        return


def test_pointers_move_under_load_without_a_dropped_or_mismatched_answer(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graphs = {"Fraud@1": shop.graph(BY_THOUSAND), "Fraud@2": shop.graph(BY_HUNDRED)}
        frozen = {}
        for name, graph in graphs.items():
            assert shop.version(graph) == name
            frozen[name] = freeze_service(shop.stores.catalog, service_of(graph, "Score"), graph).digest
        deploy(shop.stores.catalog, "Score", "Fraud@1", frozen["Fraud@1"])
        with worker(tmp_path) as running:
            done = threading.Event()
            seen: list[tuple[int, dict[str, Any]]] = []
            threads = [threading.Thread(target=ask_until, args=(running.port, n, done, seen)) for n in range(3)]
            for thread in threads:
                thread.start()
            for turn in range(10):
                name = f"Fraud@{turn % 2 + 1}"
                moved = time.monotonic()
                deploy(shop.stores.catalog, "Score", name, frozen[name])
                while post(running.port, SCORE, payment(f"probe{time.time_ns()}"))[1]["model"] != name:
                    assert time.monotonic() - moved < 1.0
            done.set()
            for thread in threads:
                thread.join()
            running.stop()
    expected = {"Fraud@1": 0.05, "Fraud@2": 0.5}
    assert len(seen) > 200
    assert {status for status, _ in seen} == {200}
    assert all(answer["score"] == expected[answer["model"]] for _, answer in seen)
    assert len({answer["model"] for _, answer in seen}) == 2


def ask_until(port: int, number: int, done: threading.Event, seen: list[tuple[int, dict[str, Any]]]) -> None:
    with connect(port) as client:
        i = 0
        while not done.is_set():
            i += 1
            seen.append(ask(client, SCORE, payment(f"s{number}-{i}", amount=50.0)))


def replayed(folder: Path, slow: Callable[[], None], workers: int = 1) -> list[dict[str, Any]]:
    """Replay the same small history through workers, and return the answers and what they were made from."""
    told: list[dict[str, Any]] = []
    with open_shop(folder, clock="replay", port=free_port()) as shop, ExitStack() as stack:
        graph = shop.graph()
        shop.deploy(graph)
        all_running = [stack.enter_context(worker(folder, index)) for index in range(workers)]
        running = all_running[0]
        with folding(shop, graph):
            for step in range(1, 5):
                now = step * 60_000_000
                headers = {"tidewheel-now": str(now)}
                slow()
                post(running.port, "/v1/events/Payment", [payment(f"e{step}", amount=float(step))], headers)
                answers = ask_all(running.port, [payment(f"d{step}-{n}") for n in range(4)], headers, slow)
                assert {answer["score"] for answer in answers} == {0.1}
            assert post(running.port, SCORE, payment("old"), {"tidewheel-now": "60000000"})[0] == 409
            why = [json.loads(get(running.port, f"/v1/decisions/{a['decision_id']}")[1]) for a in answers]
            told = [{"features": w["features"], "now": w["arrived"], "equal": w["replay"]["equal"]} for w in why]
            for each in all_running:
                each.stop()
        assert shop.stores.log.head() == 4 * 5 + 1
    return told


def ask_all(port: int, events: list[dict[str, object]], headers: dict[str, str], slow: Callable[[], None]) -> list[Any]:
    answers: list[Any] = [None] * len(events)

    def one(n: int) -> None:
        slow()
        answers[n] = post(port, SCORE, events[n], headers)[1]

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(events))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_replay_comes_out_the_same_at_any_speed(tmp_path: Path) -> None:
    chance = random.Random(3)
    for name in ("fast", "slow", "both"):
        (tmp_path / name).mkdir()
    fast = replayed(tmp_path / "fast", lambda: None)
    slow = replayed(tmp_path / "slow", lambda: time.sleep(chance.random() * 0.03))
    both = replayed(tmp_path / "both", lambda: None, workers=2)
    assert fast == slow == both
    # 3 steps of an event and 4 decisions came before, and the fourth step's own event.
    payments = next(value for name, value in fast[0]["features"].items() if name.endswith("payments_1d"))
    assert payments == 3 * 5 + 1
    assert all(row["equal"] for row in fast)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_workers_share_a_port_and_one_may_leave(tmp_path: Path) -> None:
    with open_shop(tmp_path, port=free_port()) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path, 0) as one, worker(tmp_path, 1) as two:
            assert one.port == two.port
            first = {n: post(one.port, SCORE, payment(n, amount=700.0))[1] for n in range(20)}
            # Each connection may reach either worker; the answer is the same.
            assert all(post(one.port, SCORE, payment(n))[1] == answer for n, answer in first.items() for _ in range(3))
            done = threading.Event()
            seen: list[tuple[int, dict[str, Any]]] = []
            failed: list[str] = []
            threads = [threading.Thread(target=connect_anew, args=(one.port, n, done, seen, failed)) for n in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.2)
            one.stop()
            time.sleep(0.2)
            done.set()
            for thread in threads:
                thread.join()
            two.stop()
        assert not failed
        assert {status for status, _ in seen} == {200}
        logged = [record.id for record in shop.stores.log.read(1, 10**6)]  # type: ignore[union-attr]  # no imports
        assert len(logged) == len(set(logged)) == len(seen) + 20


def connect_anew(
    port: int, number: int, done: threading.Event, seen: list[tuple[int, dict[str, Any]]], failed: list[str]
) -> None:
    i = 0
    while not done.is_set():
        i += 1
        try:
            seen.append(post(port, SCORE, payment(f"n{number}-{i}")))
        except (OSError, EOFError) as error:
            failed.append(repr(error))
