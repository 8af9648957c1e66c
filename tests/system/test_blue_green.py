"""Blue-green under traffic, with real workers: the switch leaves nobody without an answer."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest
from tests.shop import done
from tests.system.live import SCREEN, Client, Server, order, until


@pytest.mark.slow
def test_green_takes_over_when_every_worker_has_it(light_shop: Path) -> None:
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask(port: int) -> None:
        client = Client(port)
        for number in itertools.count():
            if stop.is_set():
                break
            status, answer = client.insist(SCREEN, order(f"o{number}"))
            seen.append((status, answer["model"]))
        client.close()

    with Server(light_shop, workers=2) as server:
        asker = threading.Thread(target=ask, args=[server.port])
        asker.start()
        try:
            done("deploy", "SentBack@2", "--blue-green", "--why", "ready", folder=light_shop)
            until(lambda: seen[-1][1] == "SentBack@2", "green does not answer", server.log)
        finally:
            stop.set()
            asker.join()
    assert {status for status, _ in seen} == {200}
    assert seen[0][1] == "SentBack@1"
    moves = done("status", "--history", "--json", folder=light_shop).json["history"]
    told = [(move["action"], move["cause"]) for move in moves[:2]]
    assert told == [("promote", "ready"), ("blue-green", "ready")]
