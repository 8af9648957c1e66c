"""What each store promises. An implementation is one that passes its suite in `tidewheel.testing`.

Common to all: errors are those of `tidewheel.errors`; a call that raises has changed nothing;
what a call acknowledged survives a process killed at any moment, and (unless said otherwise) a
power loss. Instants are µs UTC, offsets and positions start at 0 for "nothing yet".
"""

from __future__ import annotations

from tidewheel.storage.protocols.artifacts import Artifacts
from tidewheel.storage.protocols.journal import Journal
from tidewheel.storage.protocols.lake import Bound, HistoryLake
from tidewheel.storage.protocols.log import Log
from tidewheel.storage.protocols.state import State, StateBatch, StateSnapshot, StateWriter

__all__ = [
    "Artifacts",
    "Bound",
    "HistoryLake",
    "Journal",
    "Log",
    "State",
    "StateBatch",
    "StateSnapshot",
    "StateWriter",
]
