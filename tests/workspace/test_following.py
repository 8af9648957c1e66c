"""What follows a training: a person's word where one is asked, then the deployment; each a step of the run."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workspace.shop import SHOP, Order, SentBack, fill

import tidewheel as tw
from tidewheel.errors import ConflictError
from tidewheel.registry.pointers.deployments import find_deployment, history
from tidewheel.registry.runs.runs import list_runs
from tidewheel.registry.runs.steps import StepRecord, step_records
from tidewheel.workspace import Workspace
from tidewheel.workspace.rollouts.following import carry_on


class Straight(SentBack):
    deploy = tw.pipeline.deploy(canary="20%")
    gates = [tw.at_least("roc_auc", 0.55)]


class Asked(SentBack):
    deploy = tw.pipeline.deploy()
    gates = [tw.gate.ask("ann"), tw.gate.ask("bob", when=tw.at_least("roc_auc", 0.99))]


class Staged(SentBack):
    deploy = tw.pipeline.deploy(environment="staging")
    retrain = "weekly"
    gates = [tw.gate.ask("ann")]


class Weak(SentBack):
    deploy = tw.pipeline.deploy()
    gates = [tw.at_least("roc_auc", 0.999)]


class One(tw.Service, on=Order):
    model = Straight
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.action("ship")]


class Two(tw.Service, on=Order):
    model = Asked
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.action("ship")]


DECLARED = [*SHOP, Straight, Asked, Staged, Weak, One, Two]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with tw.open(":memory:", DECLARED) as workspace:
        fill(workspace, tmp_path_factory.mktemp("history"))
        yield workspace


def steps(workspace: Workspace, run: str) -> dict[str, StepRecord]:
    return {record.step: record for record in step_records(workspace.stores.catalog, run)}


def champions(workspace: Workspace, service: str) -> tuple[str, str]:
    standing = find_deployment(workspace.stores.catalog, service)
    return (standing.champion, standing.challenger) if standing is not None else ("", "")


def test_a_version_that_passed_is_deployed_the_next_one_as_a_canary(shop: Workspace) -> None:
    first = shop.train(Straight)
    assert first.deployed == ["deploy Straight@1: One: answers all"]
    second = shop.train(Straight, seed=1)
    assert second.deployed == ["deploy Straight@2: One: answers 20%"]
    assert champions(shop, "One") == ("Straight@1", "Straight@2")
    found = steps(shop, second.run_id)
    assert list(found)[-2:] == ["register", "deploy"]
    assert (found["deploy"].status, found["deploy"].detail) == ("done", "One: answers 20%")
    assert carry_on(shop) == []
    assert [move.cause for move in history(shop.stores.catalog, "One")] == [
        f"run {second.run_id}", f"run {first.run_id}",
    ]  # fmt: skip


def test_one_that_asks_people_waits_for_the_last_of_them(shop: Workspace) -> None:
    result = shop.train(Asked)
    assert result.deployed == []
    assert [steps(shop, result.run_id)[name].status for name in ("approve", "deploy")] == ["waiting", "waiting"]
    shop.approve("Asked@1", who="ann")
    assert steps(shop, result.run_id)["approve"].status == "waiting"
    assert champions(shop, "Two") == ("", "")
    shop.approve("Asked@1", who="bob", note="seen")
    found = steps(shop, result.run_id)
    assert [found[name].status for name in ("approve", "deploy")] == ["done", "done"]
    assert "ask(bob)" in found["approve"].detail or "approved by bob" in found["approve"].detail
    assert champions(shop, "Two") == ("Asked@1", "")
    with pytest.raises(ConflictError, match="approved already"):
        shop.approve("Asked@1", who="ann")


def test_an_older_version_does_not_come_back_over_a_newer_one(shop: Workspace) -> None:
    older, newer = shop.train(Asked, seed=1), shop.train(Asked, seed=2)
    for who in ("ann", "bob"):
        shop.approve(newer.version, who=who)
    for who in ("ann", "bob"):
        shop.approve(older.version, who=who)
    assert champions(shop, "Two")[0] == newer.version
    assert steps(shop, older.run_id)["deploy"].detail == f"Two: {newer.version} is newer"


def test_what_a_person_refuses_or_a_gate_stops_is_not_deployed(shop: Workspace) -> None:
    before = champions(shop, "Two")
    result = shop.train(Asked, seed=3)
    shop.approve(result.version, who="bob", reject=True)
    found = steps(shop, result.run_id)
    assert [found[name].status for name in ("approve", "deploy")] == ["failed", "skipped"]
    assert champions(shop, "Two") == before
    weak = shop.train(Weak)
    assert weak.deployed == []
    found = steps(shop, weak.run_id)["deploy"]
    assert (found.status, found.detail) == ("skipped", "did not pass at_least(roc_auc, 0.999)")


def test_a_version_may_go_to_an_environment_once_approved(shop: Workspace) -> None:
    result = shop.train(Staged)
    with pytest.raises(ConflictError, match="is not approved"):
        shop.promote(result.version, "staging", force=True)
    shop.approve(result.version, who="ann")
    assert [standing.environment for standing in shop.environments(Staged)] == ["staging"]
    assert steps(shop, result.run_id)["deploy"].detail == "stands in staging"


PROJECT = """
from tests.workspace.shop import *
import tidewheel as tw

class Straight(SentBack):
    deploy = tw.pipeline.deploy()
    gates = []

class One(tw.Service, on=Order):
    model = Straight
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.action("ship")]
"""
KILLED = """
import os, signal, sys
import tidewheel as tw
from tidewheel.registry.pointers import pointers
from tidewheel.workspace.rollouts import following

place = sys.argv[2]
if place == "before":
    following.take_deployment = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
else:
    following.end_step = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
with tw.open(sys.argv[1]) as workspace:
    workspace.train("Straight")
"""


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_deployment_that_was_killed_is_gone_on_with(tmp_path: Path, place: str) -> None:
    """It is killed before the pointer moves, or after that and before the step is closed."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "project.py").write_text(textwrap.dedent(PROJECT))
    (folder / "tidewheel.toml").write_text('max_map = "64MB"\n')
    with tw.open(folder) as workspace:
        fill(workspace, tmp_path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder), place], check=False, cwd=Path.cwd())
    assert killed.returncode == -signal.SIGKILL
    with tw.open(folder) as workspace:
        (run,) = list_runs(workspace.stores.catalog, "Straight")
        assert run.status == "done"
        assert steps(workspace, run.id)["deploy"].status in ("waiting", "running")
        again = workspace.train("Straight")
        assert (again.run_id, again.version, again.resumed) == (run.id, "Straight@1", True)
        assert again.deployed == ["deploy Straight@1: One: answers all"]
        assert champions(workspace, "One") == ("Straight@1", "")
        assert len(history(workspace.stores.catalog, "One")) == 1
        assert workspace.train("Straight", new=True).run_id != run.id
