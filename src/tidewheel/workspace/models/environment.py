"""A Python environment made anew from what a run recorded: each package at its version, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import tidewheel
from tidewheel.errors import TrainingError

_RECORDED = re.compile(r"# python (\d+\.\d+)\S* on (\S+)")
_LACKING = re.compile(r"No matching distribution found for (\S+)")
_OURS = "tidewheel"


@contextmanager
def fresh_environment(lock: str) -> Iterator[Path]:
    """Give the interpreter of a new virtual environment with what a lock names; it is removed afterwards.

    Packages come from the index that pip is set up for. Where the lock names the tidewheel that runs here, and that
    is a checkout, which no index has, the checkout is used.

    Parameters
    ----------
    lock : str
        As ``tidewheel.training.lineage.environment_lock`` writes it.

    Raises
    ------
    TrainingError
        The lock is empty, its Python is not on this machine, pip is missing, or the index lacks a version.
    """
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    if not lines:
        raise TrainingError("the run recorded no environment", remedy="repeat it with the packages that are here")
    with tempfile.TemporaryDirectory(prefix="tidewheel-environment-") as scratch:
        place = Path(scratch) / "venv"
        _ran([_interpreter(lock), "-m", "venv", "--without-pip", str(place)], "no virtual environment could be made")
        python = place / "bin" / "python"
        linked = _checkout(lines)
        _install(python, [line for line in lines if line != linked], Path(scratch))
        if linked:
            _link(python)
        yield python


def bare() -> dict[str, str]:
    """Return this process's variables without those that lead an interpreter to packages of another environment."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _interpreter(lock: str) -> str:
    """Return the Python of the recorded release: this one, or one on the path."""
    recorded = _RECORDED.match(lock)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if recorded is None or recorded[1] == here:
        return sys.executable
    found = shutil.which(f"python{recorded[1]}")
    if found is None:
        raise TrainingError(
            f"the run was made with Python {recorded[1]}, and only {here} is here",
            remedy=f"install python{recorded[1]}, or leave out --environment: what differs is told",
        )
    return found


def _checkout(lines: Sequence[str]) -> str:
    """Return the line of the lock that means the checkout this process runs, "" where it is an installed package."""
    line = f"{_OURS}=={metadata.version(_OURS)}"
    installed = _source() == Path(sysconfig.get_path("purelib")).resolve()
    return line if line in lines and not installed else ""


def _source() -> Path:
    return Path(tidewheel.__file__).resolve().parent.parent


def _install(python: Path, lines: Sequence[str], scratch: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise TrainingError("pip is not here to install what the run recorded", remedy="python -m ensurepip")
    wanted = scratch / "lock.txt"
    wanted.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-deps", "-r", str(wanted)]
    _ran(command, f"the {len(lines)} recorded packages could not be installed")


def _link(python: Path) -> None:
    """Let an environment import the checkout, and know its version, as an editable install would."""
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(asked, env=bare(), capture_output=True, text=True, check=True).stdout.strip())
    ours = metadata.distribution(_OURS)
    (packages / f"{_OURS}.pth").write_text(f"{_source()}\n")
    (packages / f"{_OURS}-{ours.version}.dist-info").mkdir()
    told = ours.read_text("METADATA") or ours.read_text("PKG-INFO") or ""
    (packages / f"{_OURS}-{ours.version}.dist-info" / "METADATA").write_text(told)


def _ran(command: Sequence[str], failed: str) -> None:
    done = subprocess.run(command, env=bare(), capture_output=True, text=True, check=False)
    if not done.returncode:
        return
    lacking = _LACKING.search(done.stderr)
    if lacking:
        raise TrainingError(
            f"the package index has no {lacking[1]} for this Python and machine, which the run was made with",
            remedy="name an index that has it in PIP_INDEX_URL, or leave out --environment: what differs is told",
        )
    raise TrainingError(f"{failed}: {done.stderr.strip()[-2000:] or done.stdout.strip()[-2000:]}")
