"""The peers' own Python: a virtual environment that is made when a benchmark first asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".bench"
REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
RIVALS = Path(__file__).parent / "rivals"


def python() -> Path:
    """Return the interpreter that has what ``benchmarks/requirements.txt`` names."""
    wanted = sha256(REQUIREMENTS.read_bytes()).hexdigest()
    mark = HOME / "installed"
    interpreter = HOME / "bin" / "python"
    if mark.exists() and mark.read_text() == wanted:
        return interpreter
    print("installing the peers into .bench (once) ...", flush=True)
    if not interpreter.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    mark.write_text(wanted)
    return interpreter


def environment(name: str, packages: tuple[str, ...]) -> Path:
    """Return the interpreter of one peer's own environment, made when it is first asked for.

    Raises
    ------
    CalledProcessError
        The packages can't be installed here.
    """
    home = HOME / name
    mark, interpreter = home / "installed", home / "bin" / "python"
    wanted = "\n".join(packages)
    if not mark.exists() or mark.read_text() != wanted:
        print(f"installing {name} into {home} (once) ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *packages], check=True)
        mark.write_text(wanted)
    return interpreter


def run(script: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run a rival's script on `given` and return what its last line says."""
    done = subprocess.run(
        [str(python()), str(RIVALS / script)],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
