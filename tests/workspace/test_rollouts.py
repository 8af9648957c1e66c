"""Rollouts through a workspace and the command line: what a shadow scores, what is shown, what is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.shop import copied, done, tidewheel, trained_shop

import tidewheel as tw
from tidewheel.registry.pointers.deployments import get_deployment
from tidewheel.rollout import Steering
from tidewheel.rollout.shadow import shadow_scores
from tidewheel.workspace import Workspace

ORDERS = [
    {"id": f"n{i}", "customer": f"c{i % 3}", "category": ("shoes", "shirts")[i % 2], "amount": 20.0 + i}
    for i in range(12)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return trained_shop(tmp_path / "shop")


def answered(folder: Path) -> dict[str, float | None]:
    """Decide the orders one after the other; return the scores by event."""
    with tw.open(folder) as workspace:
        return {order["id"]: _decide(workspace, order) for order in ORDERS}


def _decide(workspace: Workspace, order: dict[str, object]) -> float | None:
    score = workspace.decide("Screen", order).score
    workspace.sync()
    return score


def shadowed(folder: Path) -> dict[str, float]:
    """Have the shadow score what was answered; return its scores by event."""
    with tw.open(folder) as workspace:
        view, until = workspace.loop_view(), time.monotonic() + 60
        deployment = get_deployment(workspace.stores.catalog, "Screen")
        while shadow_scores(view, deployment).num_rows < len(ORDERS):
            assert time.monotonic() < until, "the shadow did not score what was answered"
            Steering(view).step(workspace.service("Screen"))
        scores = dict(zip(*shadow_scores(view, deployment).to_pydict().values(), strict=True))
        decisions = workspace.decisions("Screen", ["decision_id", "event_id", "arm"])
        assert set(decisions["arm"].to_pylist()) == {"champion"}
        rows = decisions.to_pylist()
        return {row["event_id"]: scores[row["decision_id"]] for row in rows}


def test_a_shadow_scores_what_it_would_have_answered(folder: Path) -> None:
    """Also when its features are others: computed as of each decision, without the decided event itself."""
    module = folder / "project.py"
    added = '    orders_30d = tw.count(Order, "30d")\n'
    module.write_text(module.read_text().replace(added, added + '    spent_1d = tw.sum(Order.amount, "1d")\n', 1))
    done("train", "SentBack", folder=folder)
    for version in ("SentBack@2", "SentBack@3"):
        shadow, answering = (copied(folder, folder.parent / f"{version[-1]}{name}") for name in ("shadow", "whole"))
        done("deploy", version, "--shadow", folder=shadow)
        done("deploy", version, folder=answering)
        champions, wanted = answered(shadow), answered(answering)
        assert shadowed(shadow) == wanted
    assert champions != wanted


def test_a_rollout_is_shown_with_its_guards_and_its_history(folder: Path) -> None:
    ramp = ["--ramp", "10%,50%,100%", "--hold", "2h", "--why", "less returns"]
    assert "SentBack@2 10%" in done("deploy", "SentBack@2", *ramp, folder=folder).out
    told = done("rollouts", folder=folder).out
    for said in ("10%, 50%, 100%, 2h each", "fallbacks", "waits", "too few to say", "less returns"):
        assert said in told
    found = done("rollouts", "Screen", "--json", folder=folder).json[0]
    assert found["ramp"] == {"steps": [0.1, 0.5, 1.0], "hold": 7_200_000_000}
    assert found["deployment"]["share"] == 0.1
    assert [move["action"] for move in found["moves"]] == ["canary", "deploy"]
    done("rollback", "Screen", folder=folder)
    assert "SentBack@2 10% ab" in done("deploy", "SentBack@2", "--ab", "90/10", folder=folder).out


def test_what_can_not_be_rolled_out_is_told(folder: Path) -> None:
    for arguments, said in (
        (["--canary", "5%", "--shadow"], "canary and shadow at once"),
        (["--ramp", "50%,5%"], "do not rise"),
        (["--ramp", "5%,100%", "--hold", "1m"], "minutes or months"),
        (["--ab", "50/0"], "no weights"),
        (["--ab", "half"], "no share"),
        (["--shadow", "200%"], "at most 1"),
    ):
        ran = tidewheel("deploy", "SentBack@2", *arguments, folder=folder)
        assert ran.code == 1, arguments
        assert said in ran.err
    assert "did you mean 'Screen'" in tidewheel("rollouts", "Scren", folder=folder).err
    assert done("status", "--json", folder=folder).json["deployments"][0]["challenger"] == ""
