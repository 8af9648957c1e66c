"""Makes this folder's helper modules importable by name; an empty log and an empty store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with closing(EventLog.open(tmp_path / "log", sync="second")) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore.open(tmp_path / "state", 2)) as opened:
        yield opened
