"""Makes this folder's helper modules importable by name, and runs independent of how busy the machine is."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn on one thread: by default their number, which is part of a fit's key, follows the machine's load."""
    monkeypatch.setattr(importlib.import_module("tidewheel.training.train"), "threads", lambda: 1)
