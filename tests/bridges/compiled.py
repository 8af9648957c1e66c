"""What compiled pipelines are run with: nodes that leave a trace, and the command line, found on a PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import need_extra_venv

from tidewheel.bridges.orchestrators import Node, Pipeline

SAY = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
AGAIN = f"{SAY}; sys.exit(len(open(sys.argv[1]).readlines()) < 2)"


def two_nodes(log: Path, *, first_fails: bool = False) -> Pipeline:
    """Return a pipeline whose two nodes write to `log`; the first may fail once."""
    train = (sys.executable, "-c", AGAIN if first_fails else SAY, str(log), "train")
    deploy = (sys.executable, "-c", SAY, str(log), "deploy")
    return Pipeline("shop", [Node("train_fraud", train), Node("deploy_fraud", deploy, ("train_fraud",))])


def command_line(folder: Path) -> str:
    """Make a program ``tidewheel`` of this interpreter; return a PATH on which it is found first."""
    command = folder / "bin" / "tidewheel"
    command.parent.mkdir()
    paths = os.pathsep.join(filter(None, sys.path))
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{paths}" exec "{sys.executable}" -P -m tidewheel "$@"\n')
    command.chmod(0o755)
    return os.pathsep.join([str(command.parent), os.environ["PATH"]])


def run_there(folder: Path, text: str, code: str, **told: str) -> None:
    """Have the orchestrators' interpreter run code that imports a compiled file as ``made``."""
    (folder / "made.py").write_text(text)
    command = [str(need_extra_venv("orchestrators")), "-W", "ignore", "-c", code]
    ran = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(folder)} | told, cwd=folder,
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
