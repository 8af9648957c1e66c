from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

import pytest

from tidewheel.definitions.ir import Graph, Service
from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.pointers.deployments import (
    canary,
    deploy,
    find_deployment,
    get_deployment,
    history,
    kill,
    list_deployments,
    promote,
    rollback,
)
from tidewheel.registry.pointers.pointers import Deployment, move
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service, load_service
from tidewheel.registry.versions.marks import delete
from tidewheel.registry.versions.versions import get_version, register
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import list_notes, mark_sent, pending_notes

SCORE = Service(
    name="Score", on="T", model="Fraud", rule_view=None, rules=(), thresholds=(("allow", 0.0), ("block", 0.9))
)


@pytest.fixture
def frozen(catalog: Catalog) -> str:
    """Give five versions of a model, and a frozen service."""
    for _ in range(5):
        register(catalog, "Fraud", run=start_run(catalog, "Fraud").id, bundle="b" * 64)
    return freeze_service(catalog, SCORE, Graph()).digest


def stands(deployment: Deployment) -> tuple[str, str, str]:
    return deployment.champion, deployment.previous, deployment.challenger


def test_the_life_of_a_pointer(catalog: Catalog, frozen: str) -> None:
    assert find_deployment(catalog, "Score") is None
    assert stands(deploy(catalog, "Score", "Fraud@1", frozen)) == ("Fraud@1", "", "")
    assert stands(deploy(catalog, "Score", "Fraud@2", frozen)) == ("Fraud@2", "Fraud@1", "")
    assert stands(canary(catalog, "Score", "Fraud@3", 0.05)) == ("Fraud@2", "Fraud@1", "Fraud@3")
    assert get_version(catalog, "Fraud@challenger").number == 3
    assert stands(promote(catalog, "Score")) == ("Fraud@3", "Fraud@2", "")
    assert get_version(catalog, "Fraud@champion").number == 3
    assert stands(rollback(catalog, "Score", cause="late", who="guard")) == ("Fraud@2", "Fraud@1", "")
    assert stands(rollback(catalog, "Score")) == ("Fraud@1", "", "")
    with pytest.raises(ConflictError, match="no version before Fraud@1"):
        rollback(catalog, "Score")
    assert [deployment.service for deployment in list_deployments(catalog)] == ["Score"]


def test_rolling_back_never_swings_back_and_forth(catalog: Catalog, frozen: str) -> None:
    for number in (1, 2, 1, 3, 2):
        deploy(catalog, "Score", f"Fraud@{number}", frozen)
    walked = [rollback(catalog, "Score").champion for _ in range(4)]
    assert walked == ["Fraud@3", "Fraud@1", "Fraud@2", "Fraud@1"]
    with pytest.raises(ConflictError):
        rollback(catalog, "Score")
    deploy(catalog, "Score", "Fraud@4", frozen)
    assert stands(rollback(catalog, "Score")) == ("Fraud@1", "", "")


def test_a_rollback_passes_over_versions_that_were_deleted(catalog: Catalog, frozen: str) -> None:
    for number in (1, 2, 3, 4, 5):
        deploy(catalog, "Score", f"Fraud@{number}", frozen)
    for name in ("Fraud@2", "Fraud@3"):
        delete(catalog, get_version(catalog, name))
    assert stands(rollback(catalog, "Score")) == ("Fraud@4", "Fraud@1", "")
    assert stands(rollback(catalog, "Score")) == ("Fraud@1", "", "")
    with pytest.raises(ConflictError, match="no version before Fraud@1"):
        rollback(catalog, "Score")


def test_a_rollback_ends_a_canary_first(catalog: Catalog, frozen: str) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen)
    deploy(catalog, "Score", "Fraud@2", frozen)
    canary(catalog, "Score", "Fraud@3", 0.5)
    dropped = rollback(catalog, "Score")
    assert stands(dropped) == ("Fraud@2", "Fraud@1", "")
    assert (dropped.share, dropped.mode, dropped.salt) == (0.0, "none", "")


def test_a_ramp_keeps_its_salt_and_a_new_canary_deals_anew(catalog: Catalog, frozen: str) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen)
    first = canary(catalog, "Score", "Fraud@2", 0.05)
    second = canary(catalog, "Score", "Fraud@2", 0.5)
    assert (first.salt, second.share) == (second.salt, 0.5)
    rollback(catalog, "Score")
    assert canary(catalog, "Score", "Fraud@2", 0.05).salt != first.salt


def test_every_move_leaves_history_and_a_note(catalog: Catalog, frozen: str) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen, cause="first", who="ana")
    canary(catalog, "Score", "Fraud@2", 0.1, cause="weekly", who="schedule")
    canary(catalog, "Score", "Fraud@2", 0.2)
    rollback(catalog, "Score", cause="drift", who="guard")
    kill(catalog, "Score")
    kill(catalog, "Score", on=False)
    moves = history(catalog, "Score")
    assert [entry.action for entry in reversed(moves)] == ["deploy", "canary", "ramp", "drop", "kill", "revive"]
    assert moves[-1].before is None
    assert all(later.before == earlier.after for later, earlier in pairwise(moves))
    assert moves[0].after == get_deployment(catalog, "Score")
    notes = list_notes(catalog, subject="Score", kind="deployment.")
    assert [note.kind for note in notes][:2] == ["deployment.deploy", "deployment.canary"]
    assert (notes[3].body["cause"], notes[3].body["who"], notes[3].body["champion"]) == ("drift", "guard", "Fraud@1")


def test_notes_wait_until_they_are_sent(catalog: Catalog, frozen: str) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen)
    waiting = pending_notes(catalog)
    mark_sent(catalog, [note.seq for note in waiting])
    assert pending_notes(catalog) == []
    kill(catalog, "Score")
    assert [note.kind for note in pending_notes(catalog)] == ["deployment.kill"]


def test_deploying_what_stands_changes_nothing(catalog: Catalog, frozen: str) -> None:
    first = deploy(catalog, "Score", "Fraud@1", frozen)
    assert deploy(catalog, "Score", "Fraud@1", frozen) == first
    assert kill(catalog, "Score", on=False) == first
    canary(catalog, "Score", "Fraud@2", 0.1)
    again = deploy(catalog, "Score", "Fraud@1", frozen)
    assert (stands(again), again.revision) == (("Fraud@1", "", ""), 3)


def test_a_new_service_definition_is_rolled_back_with_its_model(catalog: Catalog, frozen: str) -> None:
    other = freeze_service(catalog, Service("Score", "T", "Fraud", None, (), (("allow", 0.0),)), Graph()).digest
    assert other != frozen
    assert load_service(catalog, other).service.thresholds == (("allow", 0.0),)
    deploy(catalog, "Score", "Fraud@1", frozen)
    changed = deploy(catalog, "Score", "Fraud@1", other)
    assert (changed.service_version, changed.previous_service_version) == (other, frozen)
    back = rollback(catalog, "Score")
    assert (back.champion, back.service_version) == ("Fraud@1", frozen)


def test_a_docstring_makes_no_new_service_version(catalog: Catalog, frozen: str) -> None:
    told = Service("Score", "T", "Fraud", None, (), SCORE.thresholds, doc="Another text.", line=7)
    assert freeze_service(catalog, told, Graph()).digest == frozen


def test_mistakes(catalog: Catalog, frozen: str) -> None:
    with pytest.raises(NotFoundError, match="nothing is deployed for Score"):
        canary(catalog, "Score", "Fraud@1", 0.1)
    with pytest.raises(NotFoundError, match="no version Fraud@9"):
        deploy(catalog, "Score", "Fraud@9", frozen)
    with pytest.raises(NotFoundError, match="no version of the service Score"):
        deploy(catalog, "Score", "Fraud@1", "feedfeed")
    assert find_deployment(catalog, "Score") is None
    deploy(catalog, "Score", "Fraud@1", frozen)
    with pytest.raises(InputError, match="champion of Score already"):
        canary(catalog, "Score", "Fraud@1", 0.1)
    for share in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="a share of"):
            canary(catalog, "Score", "Fraud@2", share)
    with pytest.raises(ConflictError, match="no challenger"):
        promote(catalog, "Score")
    canary(catalog, "Score", "Fraud@2", 0.1)
    with pytest.raises(ConflictError, match="Fraud@2 has a canary"):
        canary(catalog, "Score", "Fraud@3", 0.1)


def test_a_move_made_from_an_old_view_is_refused(catalog: Catalog, frozen: str) -> None:
    seen = deploy(catalog, "Score", "Fraud@1", frozen)
    deploy(catalog, "Score", "Fraud@2", frozen, who="bo")
    with pytest.raises(ConflictError, match="moved meanwhile: bo did it"):
        move(catalog, "kill", seen, seen)
    with pytest.raises(ConflictError, match="moved meanwhile"):
        move(catalog, "deploy", None, seen)
    assert len(history(catalog)) == 2


RACE = """
import sys
from tidewheel.errors import ConflictError
from tidewheel.registry.pointers.pointers import get_deployment, move
from tidewheel.storage.catalog import Catalog
import msgspec
url, namespace, number = sys.argv[1:]
won = 0
with Catalog.open(url, namespace=namespace) as catalog:
    print("open", flush=True)
    sys.stdin.readline()
    for _ in range(40):
        seen = get_deployment(catalog, "Score")
        wanted = msgspec.structs.replace(seen, champion=f"Fraud@{number}", previous=seen.champion)
        try:
            move(catalog, "deploy", seen, wanted, who=number)
            won += 1
        except ConflictError:
            continue
print(won)
"""


def test_of_two_processes_at_once_one_wins_each_time(catalog: Catalog, catalog_place: Any, frozen: str) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen)
    command = [sys.executable, "-c", RACE, catalog_place.url, catalog_place.namespace]
    racers = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in (2, 3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "open\n"
    won = [int(racer.communicate("go\n", timeout=60)[0]) for racer in racers]
    moves = history(catalog, "Score")
    assert len(moves) == 1 + sum(won)
    assert [entry.revision for entry in reversed(moves)] == list(range(1, len(moves) + 1))
    assert all(later.before == earlier.after for later, earlier in pairwise(moves))
    assert moves[0].after == get_deployment(catalog, "Score")


STORM = """
import sys
from tidewheel.registry.pointers.deployments import canary, deploy, promote, rollback
from tidewheel.storage.catalog import Catalog
url, namespace, digest = sys.argv[1:]
with Catalog.open(url, namespace=namespace) as catalog:
    print("open", flush=True)
    while True:
        deploy(catalog, "Score", "Fraud@2", digest)
        canary(catalog, "Score", "Fraud@3", 0.1)
        promote(catalog, "Score")
        rollback(catalog, "Score")
        deploy(catalog, "Score", "Fraud@1", digest)
"""


def test_kill_9_between_moves_leaves_pointer_history_and_notes_agreeing(
    catalog: Catalog, catalog_place: Any, frozen: str
) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen)
    for round_ in range(5):
        command = [sys.executable, "-c", STORM, catalog_place.url, catalog_place.namespace, frozen]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.02 + 0.013 * round_)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        moves = history(catalog, "Score", limit=100_000)
        assert moves[0].after == get_deployment(catalog, "Score")
        assert [entry.revision for entry in reversed(moves)] == list(range(1, len(moves) + 1))
        notes = list_notes(catalog, kind="deployment.", limit=100_000)
        assert [note.body["revision"] for note in notes] == list(range(1, len(moves) + 1))


MOVE = """
import sys
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.storage.catalog import Catalog
url, namespace, digest = sys.argv[1:]
with Catalog.open(url, namespace=namespace) as catalog:
    print("open", flush=True)
    for number in (2, 3, 2, 3, 2, 3, 2, 3):
        sys.stdin.readline()
        deploy(catalog, "Score", f"Fraud@{number}", digest)
        print("moved", flush=True)
"""


def test_a_move_is_seen_by_another_process(catalog: Catalog, catalog_place: Any, frozen: str) -> None:
    deploy(catalog, "Score", "Fraud@1", frozen)
    command = [sys.executable, "-c", MOVE, catalog_place.url, catalog_place.namespace, frozen]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    child.stdout.readline()
    watch = catalog.watch()
    for number in (2, 3, 2, 3, 2, 3, 2, 3):
        child.stdin.write("go\n")
        child.stdin.flush()
        while not watch.changed():
            time.sleep(0.005)
        assert get_deployment(catalog, "Score").champion == f"Fraud@{number}"
        child.stdout.readline()
    child.communicate()
    watch.close()
