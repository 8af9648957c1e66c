"""What a thrown kill switch does to answers: services, models, versions, experiments; catalog or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving.shop import BY_HUNDRED, Shop, get, open_shop, payment, post, service_of, serving, worker
from tests.serving.test_deciding import eventually

from tidewheel.registry.pointers.deployments import canary
from tidewheel.registry.services import freeze_service
from tidewheel.runtime.kill_switch import Killed, KillSwitch
from tidewheel.serving.deciding.answers import Answer
from tidewheel.serving.service import Serving


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Give a shop whose champion divides by 1000, the version before by 100."""
    with open_shop(tmp_path) as opened:
        opened.deploy(opened.graph(BY_HUNDRED))
        opened.deploy(opened.graph())
        yield opened


@pytest.fixture
def running(shop: Shop) -> Iterator[Serving]:
    with serving(shop) as opened:
        yield opened


@pytest.fixture
def switch(shop: Shop) -> Iterator[KillSwitch]:
    opened = KillSwitch(shop.stores.layout.kill_switch)
    yield opened
    opened.close()


def off(name: str) -> Killed:
    return Killed(name, 0, "ada", "a drill")


def told(answer: Answer) -> tuple[str, str, str]:
    return answer.fallback, answer.model, answer.reason


def test_the_next_request_after_a_kill_gets_the_constant(running: Serving, switch: KillSwitch) -> None:
    assert running.decide("Score", payment(1)).fallback == ""
    switch.kill(off("Score"))
    killed = running.decide("Score", payment(2))
    assert told(killed) == ("action", "", "killed: the service is switched off")
    assert killed.decision == "review"
    switch.unkill("Score")
    assert running.decide("Score", payment(3)).fallback == ""


def test_a_killed_version_is_answered_for_by_the_one_before(running: Serving, switch: KillSwitch) -> None:
    switch.kill(off("Fraud@2"))
    assert told(running.decide("Score", payment(1))) == ("previous", "Fraud@1", "killed: Fraud@2 is switched off")
    switch.kill(off("Fraud@1"))
    answer = running.decide("Score", payment(2, card="known"))
    assert (answer.fallback, answer.score) == ("table", 0.7)


def test_a_killed_model_answers_with_no_version(running: Serving, switch: KillSwitch) -> None:
    switch.kill(off("Fraud"))
    assert told(running.decide("Score", payment(1))) == ("table", "", "killed: Fraud@2 is switched off")
    switch.unkill("Fraud")
    assert running.decide("Score", payment(2)).model == "Fraud@2"


def test_rules_decide_while_another_model_is_off(running: Serving, switch: KillSwitch, shop: Shop) -> None:
    switch.kill(off("Other"))
    assert running.decide("Score", payment(1)).model == "Fraud@2"


def test_a_killed_experiment_leaves_everybody_to_the_champion(shop: Shop, switch: KillSwitch) -> None:
    graph = shop.graph(BY_HUNDRED)
    frozen = freeze_service(shop.stores.catalog, service_of(graph, "Score"), graph)
    canary(shop.stores.catalog, "Score", shop.version(graph), 0.5, service_version=frozen.digest)
    with serving(shop) as running:
        arms = [running.decide("Score", payment(i, card=f"c{i}")).arm for i in range(40)]
        assert set(arms) == {"champion", "challenger"}
        switch.kill(off("Score/experiment"))
        assert {running.decide("Score", payment(f"k{i}", card=f"c{i}")).arm for i in range(40)} == {"champion"}
        switch.unkill("Score/experiment")
        again = [running.decide("Score", payment(f"u{i}", card=f"c{i}")).arm for i in range(40)]
        assert again == arms
        switch.kill(off("Fraud@3"))
        fallbacks = [running.decide("Score", payment(f"v{i}", card=f"c{i}")).fallback for i in range(40)]
        assert [bool(fallback) for fallback in fallbacks] == [arm == "challenger" for arm in arms]


def test_a_worker_obeys_while_nobody_can_read_the_catalog(shop: Shop, switch: KillSwitch) -> None:
    with worker(shop.folder) as process:
        where = "/v1/services/Score"
        assert post(process.port, where, payment(1))[1]["model"] == "Fraud@2"
        for path in shop.stores.layout.root.glob("catalog.sqlite*"):
            path.write_bytes(b"this is no database " * 500)
        eventually(lambda: json.loads(get(process.port, "/v1/status")[1])["error"])
        switch.kill(off("Score"))
        status, answer = post(process.port, where, payment(2))
        assert (status, answer["decision"], answer["fallback"]) == (200, "review", "action")
        switch.unkill("Score")
        assert post(process.port, where, payment(3))[1]["model"] == "Fraud@2"
