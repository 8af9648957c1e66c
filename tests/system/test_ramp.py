"""A ramp under a real ``tidewheel up``: it goes up by itself; what fails is taken back, whatever the keeper is at."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from pathlib import Path

import pytest
from tests.shop import done
from tests.system.live import SCREEN, Client, Server, order, until


@pytest.mark.slow
def test_a_ramp_ends_in_a_promotion_and_a_failing_canary_is_taken_back(light_shop: Path) -> None:
    stop, statuses = threading.Event(), set()

    def ask(port: int) -> None:
        client = Client(port)
        for number in itertools.count():
            if stop.wait(0.02):
                break
            statuses.add(client.insist(SCREEN, order(f"r{number}", f"c{number % 300}"))[0])
        client.close()

    def standing() -> dict[str, object]:
        found: dict[str, object] = done("status", "--json", folder=light_shop).json["deployments"][0]
        return found

    with Server(light_shop, workers=2) as server:
        asker = threading.Thread(target=ask, args=[server.port])
        asker.start()
        try:
            client = Client(server.port)
            done("deploy", "SentBack@2", "--ramp", "50%,100%", "--hold", "1s", folder=light_shop)
            share = 'tidewheel_rollout_share{service="Screen",version="SentBack@2",mode="canary"} 0.5'
            until(lambda: share in client.get("/metrics")[1], "no metric tells of the rollout", server.log)
            until(lambda: 'guard="fallbacks"' in client.get("/metrics")[1], "no metric tells of its guard", server.log)
            for _ in range(3):  # two steps, up to a minute each
                try:
                    until(lambda: standing()["champion"] == "SentBack@2", "it was not promoted", server.log)
                    break
                except AssertionError:
                    continue
            assert standing()["champion"] == "SentBack@2", server.log.read_text()
            keeper = server.pids()["keeper"]
            os.kill(keeper, signal.SIGSTOP)  # as if it trained for hours
            done("deploy", "SentBack@1", "--canary", "50%", folder=light_shop)
            done("kill", "SentBack@1", folder=light_shop)
            until(lambda: not standing()["challenger"], "it was not taken back", server.log)
            os.kill(keeper, signal.SIGCONT)
        finally:
            stop.set()
            asker.join()
    assert statuses == {200}
    moves = done("status", "--history", "--json", folder=light_shop).json["history"]
    assert [(move["action"], move["who"]) for move in moves[:4:2]] == [
        ("drop", "rollout guard"),
        ("promote", "rollout guard"),
    ]
    assert "got a fallback" in moves[0]["cause"]
