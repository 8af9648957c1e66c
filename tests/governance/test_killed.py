"""An erasure that is killed at any moment is finished by the next opening, or by asking again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.governance.bank import KEY, files_with_secrets, fill, make, opened

ROOT = Path(__file__).parents[2]
KILLS = 4


def erase(folder: Path, lines: int) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).parent / "killed_erasure.py"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, str(script), str(folder), str(lines)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A filled workspace, and how many lines an erasure in it runs."""
    base = tmp_path_factory.mktemp("killed")
    folder = make(base / "bank")
    with opened(folder) as workspace:
        fill(workspace, base, rows=30)
    shutil.copytree(folder, base / "whole")
    done = erase(base / "whole", 1 << 60)
    assert done.returncode == 0, done.stderr
    return folder, int(done.stdout.split()[1])


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_erasure_is_finished(bank: tuple[Path, int], tmp_path: Path, kill: int) -> None:
    original, lines = bank
    folder = tmp_path / "bank"
    shutil.copytree(original, folder)
    moment = random.Random().randrange(lines * kill // KILLS, lines * (kill + 1) // KILLS) + 1
    done = erase(folder, moment)
    assert done.returncode == -signal.SIGKILL, (moment, done.stdout, done.stderr)
    begun = (folder / ".tidewheel" / "erasures" / "pending.json").exists()
    with opened(folder) as workspace:  # finishes what was begun
        data = workspace.stores.layout.root
        if begun or moment > lines // 2:
            assert files_with_secrets(data) == {}, moment
        report = workspace.forget(f"Card={KEY}")
        assert report.clean, (moment, str(report))
        assert files_with_secrets(data) == {}, moment
        ledger = [entry.rows for entry in workspace.erasures() if entry.rows]
        assert ledger == [{"Card": 1, "Dispute": 1, "Payment": 6}], moment
        assert workspace.check_features(sample=0).equal, moment
        assert len(workspace.history.scan("Payment", ["card"])) == 30, moment
