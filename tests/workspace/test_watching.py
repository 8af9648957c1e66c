"""What the keeper sees of rollouts between its minutes, and what workers tell of it."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.shop import done, trained_shop

import tidewheel as tw
from tidewheel.rollout import Steering
from tidewheel.runtime.schedule import JobRun
from tidewheel.serving.observing.rollout_metrics import FILE, read_rollouts
from tidewheel.workspace.processes.guarding import loudness
from tidewheel.workspace.rollouts.watching import Glances


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return trained_shop(tmp_path / "shop")


def test_a_rollout_is_told_as_it_stands_and_taken_back_when_it_fails(folder: Path) -> None:
    done("deploy", "SentBack@2", "--ramp", "50%,100%", "--hold", "2h", folder=folder)
    with tw.open(folder) as workspace:
        glances = Glances(workspace, Steering(workspace.loop_view()))
        glances.look()
        run = workspace.stores.layout.run
        (seen,) = read_rollouts(run)
        assert (seen.service, seen.version, seen.mode, seen.share, seen.stage) == (
            "Screen",
            "SentBack@2",
            "canary",
            0.5,
            1,
        )
        assert [(guard.guard, guard.limit, guard.fired) for guard in seen.guards] == [("fallbacks", 0.01, False)]
        workspace.kill("SentBack@2")
        for number in range(300):
            order = {"id": f"w{number}", "customer": f"c{number}", "category": "shoes", "amount": 20.0}
            workspace.decide("Screen", order)
        until = time.monotonic() + 30.0
        while workspace.status().deployments[0].challenger:
            assert time.monotonic() < until, read_rollouts(run)
            glances.look()
        glances.look()
        assert read_rollouts(run) == []
        (run / FILE).write_text("[{")
        assert read_rollouts(run) == []
    moves = done("status", "--history", "--json", folder=folder).json["history"]
    assert (moves[0]["action"], moves[0]["who"]) == ("drop", "rollout guard")


def test_the_same_news_is_told_once_and_a_failure_each_time() -> None:
    run = JobRun(
        job="rollout Screen", due=1, status="done", attempt=1, holder="h", claimed=1, finished=2, detail="no rollout"
    )
    assert loudness(run, None) == logging.INFO
    assert loudness(run, "no rollout") == logging.DEBUG
    assert loudness(run, "SentBack@2 at 5%") == logging.INFO
    assert loudness(replace(run, status="failed"), "no rollout") == logging.WARNING
