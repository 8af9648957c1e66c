"""A gang of processes on this machine."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tidewheel.engine.gang import GRACE, Member, Outcome, held_port
from tidewheel.engine.shipping import packed

Part = TypeVar("Part")
_LOOK = 0.02


def run_members(work: Callable[[Member, Part], Any], parts: Sequence[Part]) -> list[Outcome]:
    """Run a gang once, each member in a process of its own; return what came of each."""
    ports = [held_port() for _ in parts]
    peers = tuple(f"127.0.0.1:{port.getsockname()[1]}" for port in ports)
    with tempfile.TemporaryDirectory(prefix="tidewheel-gang-") as scratch:
        folder = Path(scratch)
        for rank, part in enumerate(parts):
            (folder / f"job{rank}").write_bytes(packed((work, Member(rank, peers), part)))
        for port in ports:
            port.close()
        members: list[subprocess.Popen[bytes]] = []
        try:
            members += [_begun(folder, rank) for rank in range(len(parts))]
            _wait(members, folder)
            return [_outcome(member, folder / f"result{rank}") for rank, member in enumerate(members)]
        finally:
            for member in members:
                member.kill()
                member.communicate()


def _begun(folder: Path, rank: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tidewheel.engine.member", f"{folder}/job{rank}", f"{folder}/result{rank}"]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    # What a library prints is nobody's result; what a member that dies prints is seen.
    return subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def _wait(members: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until all have ended, one has died, or one has raised and the others had their time to die."""
    end = float("inf")
    while any(member.poll() is None for member in members) and time.monotonic() < end:
        ended = [_outcome(m, folder / f"result{rank}") for rank, m in enumerate(members) if m.poll() is not None]
        if any(outcome.died for outcome in ended):
            return
        if end == float("inf") and any(outcome.error is not None for outcome in ended):
            end = time.monotonic() + GRACE
        time.sleep(_LOOK)


def _outcome(member: subprocess.Popen[bytes], result: Path) -> Outcome:
    if result.exists():
        found: Outcome = pickle.loads(result.read_bytes())
        return found
    return Outcome(died=member.poll() is not None)
