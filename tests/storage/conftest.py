"""Processes that are killed while they write, and disks that are full."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Killed = Callable[..., list[str]]


@pytest.fixture
def killed() -> Killed:
    """Run a script until it has said something, kill it at a random moment, and return the lines it said."""

    def run(script: str, *arguments: object, most: float = 0.25) -> list[str]:
        command = [sys.executable, "-u", "-c", script, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the script died by itself"
        time.sleep(random.uniform(0, most))
        os.killpg(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        process.wait()
        said = (first + rest).decode()
        return said.splitlines() if said.endswith("\n") else said.splitlines()[:-1]

    return run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 2 MiB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
