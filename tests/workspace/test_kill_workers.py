"""Stream workers that share the partitions survive being killed, with exact totals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

A_MILLION = pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(3500)])


@pytest.mark.parametrize("events", [100_000, A_MILLION])
def test_totals_are_exact_when_either_worker_is_killed(tmp_path: Path, events: int) -> None:
    program = Path(__file__).parent / "kill_workers.py"
    command = [sys.executable, str(program), str(tmp_path / "shop"), "1", str(events)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3400)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["kills"] >= 2
    assert report["wrong"] == 0
