"""The packages of a run, installed anew."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tidewheel.errors import TrainingError
from tidewheel.training.lineage import environment_lock
from tidewheel.workspace.models.environment import bare, fresh_environment

HERE = f"# python {sys.version_info.major}.{sys.version_info.minor}.0 on x86_64\n"


def made(lock: str) -> Path:
    with fresh_environment(lock) as python:
        return python


def test_a_version_that_the_index_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(TrainingError, match=r"the package index has no lightgbm==99\.0 for this Python") as raised:
        made(f"{HERE}lightgbm==99.0\n")
    assert "PIP_INDEX_URL" in raised.value.remedy


def test_a_run_that_recorded_nothing() -> None:
    with pytest.raises(TrainingError, match="recorded no environment"):
        made("")


def test_a_python_that_is_not_here() -> None:
    with pytest.raises(TrainingError, match=r"Python 3\.2, and only"):
        made("# python 3.2.9 on x86_64\nnumpy==2.0.0\n")


def test_a_checkout_is_known_in_the_new_environment_and_nothing_else_is() -> None:
    version = metadata.version("tidewheel")
    assert f"tidewheel=={version}" in environment_lock().decode()
    asked = "import importlib.metadata as m, tidewheel; print(*{(d.name, d.version) for d in m.distributions()})"
    with fresh_environment(f"{HERE}tidewheel=={version}\n") as python:
        told = subprocess.run([python, "-P", "-c", asked], env=bare(), capture_output=True, text=True, check=False)
    assert told.stdout == f"('tidewheel', '{version}')\n", told.stderr
    assert not python.exists()
