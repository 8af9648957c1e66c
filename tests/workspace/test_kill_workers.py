"""Stream workers that share the partitions survive being killed, with exact totals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

EVENTS = 100_000
"""More fit by hand: `python tests/workspace/kill_workers.py FOLDER SEED 1000000`."""


def test_totals_are_exact_when_either_worker_is_killed(tmp_path: Path) -> None:
    program = Path(__file__).parent / "kill_workers.py"
    command = [sys.executable, str(program), str(tmp_path / "shop"), "1", str(EVENTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["kills"] >= 2
    assert report["wrong"] == 0
