"""The way in for events: row checks, files, imports, the appender, flush to the lake, one view of all history.

Names are loaded when first used, so that a serving worker, which only checks rows, loads no Arrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidewheel.collect.appender import Appender
    from tidewheel.collect.checks import RowCheck, check_row, decode_event
    from tidewheel.collect.decision_index import DecisionIndex
    from tidewheel.collect.decisions import Decisions
    from tidewheel.collect.flush import FlushSummary, flush
    from tidewheel.collect.history import History
    from tidewheel.collect.imports import ImportSummary, import_file
    from tidewheel.collect.readers import FileOptions

_HOMES = {
    "Appender": "appender",
    "DecisionIndex": "decision_index",
    "Decisions": "decisions",
    "FileOptions": "readers",
    "FlushSummary": "flush",
    "History": "history",
    "ImportSummary": "imports",
    "RowCheck": "checks",
    "check_row": "checks",
    "decode_event": "checks",
    "flush": "flush",
    "import_file": "imports",
}
__all__ = [
    "Appender",
    "DecisionIndex",
    "Decisions",
    "FileOptions",
    "FlushSummary",
    "History",
    "ImportSummary",
    "RowCheck",
    "check_row",
    "decode_event",
    "flush",
    "import_file",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"tidewheel.collect.{_HOMES[name]}"), name)
