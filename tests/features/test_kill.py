"""A folder killed at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("seed", [1, 2])
def test_totals_are_exact_after_random_kills(tmp_path: Path, seed: int) -> None:
    program = Path(__file__).parent / "kill_folder.py"
    command = [sys.executable, str(program), str(tmp_path), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["kills"] >= 3
    assert report["wrong"] == 0
