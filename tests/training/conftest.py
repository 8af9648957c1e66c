"""Makes this folder's helper modules importable by name, and runs independent of how busy the machine is."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold still what keys of steps take from the machine, and what may change while the tests run.

    The number of threads follows the machine's load, and tidewheel's own files may be edited or checked out anew.
    """
    from training_world import CODE

    monkeypatch.setattr(importlib.import_module("tidewheel.training.train"), "threads", lambda: 1)
    monkeypatch.setattr(importlib.import_module("tidewheel.training.keys"), "own_code", lambda: CODE)
