"""A run whose process is killed goes on where it stopped, and comes to the same."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_world import CODE, NOW, payments, world

from tidewheel.registry.runs.runs import get_run, list_runs, start_run
from tidewheel.registry.runs.steps import begin_step, step_records
from tidewheel.registry.runs.unfinished import close_killed, machine_time
from tidewheel.registry.versions.versions import list_versions
from tidewheel.runtime.alive import SILENT, alive, this_process
from tidewheel.storage.catalog import Catalog
from tidewheel.training import train

TRAIN = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from training_world import world
from tidewheel.training import train
sys.modules["tidewheel.training.train"].threads = lambda: 1
sys.modules["tidewheel.training.keys"].own_code = lambda: sys.argv[4]

def stop(what, share):
    if what == sys.argv[3]:
        print("there", flush=True)
        time.sleep(60)

with world(Path(sys.argv[2]), []) as context:
    train(context, "Linear", progress=stop)
"""
KILL_IN_REGISTER = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from training_world import world
import tidewheel.training
registering = sys.modules["tidewheel.training.train"]
registering.threads = lambda: 1

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)  # between the run that is closed and the version that is to be made

registering.add_version = die
with world(Path(sys.argv[2]), []) as context:
    tidewheel.training.train(context, "Linear")
"""


def killed_in(step: str, folder: Path, code: str = CODE) -> int:
    """Train in a process that is killed as it begins a step; return its number."""
    command = [sys.executable, "-c", TRAIN, str(Path(__file__).parent), str(folder), step, code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
        return process.pid


@pytest.mark.parametrize("step", ["fit", "gates"])
def test_a_killed_run_goes_on_at_its_first_unfinished_step(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, payments(600)):
        pass
    killed_in(step, tmp_path)
    # The machine is less busy by now, and would give a new run more threads.
    monkeypatch.setattr(importlib.import_module("tidewheel.training.train"), "threads", lambda: 2)
    with world(tmp_path, []) as context:
        cut_off = list_runs(context.catalog)[0]
        assert cut_off.status == "running"
        assert list_versions(context.catalog) == []
        told: list[str] = []
        result = train(context, "Linear", progress=lambda what, share: told.append(what))
        assert (result.run_id, result.resumed) == (cut_off.id, True)
        assert any(line.startswith(f"go on with run {cut_off.id}") for line in told)
        records = step_records(context.catalog, cut_off.id)
        assert [record.step for record in records if record.status == "killed"] == [step]
        taken = {record.step for record in records if record.reused == cut_off.id}
        keys = [(record.step, record.status, record.key[:8]) for record in records]
        assert taken == ({"data"} if step == "fit" else {"data", "fit", "evaluate"}), keys
        fresh = train(context, "Linear", cache=False)
        predictions = [get_run(context.catalog, run).artifacts["predictions"] for run in (cut_off.id, fresh.run_id)]
        assert predictions[0] == predictions[1]
        assert not fresh.resumed


def test_what_other_code_left_is_made_anew_and_said_so(tmp_path: Path) -> None:
    with world(tmp_path, payments(600)):
        pass
    killed_in("gates", tmp_path, "code of another release")
    with world(tmp_path, []) as context:
        told: list[str] = []
        result = train(context, "Linear", progress=lambda what, share: told.append(what))
        assert result.resumed
        assert not any(record.reused for record in step_records(context.catalog, result.run_id))
        assert "tidewheel's code or its libraries' versions are others since: what the steps left is made anew" in told


def test_no_kill_leaves_a_done_run_without_its_version(tmp_path: Path) -> None:
    with world(tmp_path, payments(600)):
        pass
    command = [sys.executable, "-c", KILL_IN_REGISTER, str(Path(__file__).parent), str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with world(tmp_path, []) as context:
        (cut_off,) = list_runs(context.catalog)
        assert (cut_off.status, list_versions(context.catalog)) == ("running", [])
        result = train(context, "Linear")
        assert (result.run_id, result.resumed, result.version) == (cut_off.id, True, "Linear@1")


def test_whoever_asks_for_something_else_or_a_new_run_gets_one(tmp_path: Path) -> None:
    with world(tmp_path, payments(600)):
        pass
    killed_in("fit", tmp_path)
    with world(tmp_path, []) as context:
        cut_off = list_runs(context.catalog)[0].id
        assert train(context, "Linear", seed=1).run_id != cut_off
        assert get_run(context.catalog, cut_off).status == "killed"
        assert get_run(context.catalog, cut_off).error == "its process was killed in step fit"
        assert train(context, "Linear", new=True).run_id != cut_off
        assert train(context, "Linear").run_id == cut_off


def test_a_run_that_lives_is_not_closed(catalog: Catalog) -> None:
    run = start_run(catalog, "Fraud")
    begin_step(catalog, run.id, "fit")
    assert close_killed(catalog) == []
    assert get_run(catalog, run.id).status == "running"


def test_a_process_is_known_by_its_number_and_its_beginning() -> None:
    machine, number, began = this_process().rsplit(" ", 2)
    assert int(number) == os.getpid()
    assert not alive(f"{machine} {number} {int(began) + 1}")
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert not alive(f"{machine} {child.pid} 17")


def test_a_process_elsewhere_is_known_by_its_signs_of_life() -> None:
    now = machine_time()
    assert alive("elsewhere boot 1 17", now - 1, now)
    assert not alive("elsewhere boot 1 17", now - SILENT, now)
    assert not alive("elsewhere boot 1 17", None, now)
    assert time.time_ns() // 1000 >= NOW
