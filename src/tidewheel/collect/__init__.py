"""The way in for events: row checks, files, imports, the appender, flush to the lake, one view of all history.

Names are loaded when first used, so that a serving worker, which only checks rows, loads no Arrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidewheel.collect.appending.appender import Appender
    from tidewheel.collect.appending.decision_index import DecisionIndex
    from tidewheel.collect.checking.checks import RowCheck, check_row, decode_event
    from tidewheel.collect.importing.imports import ImportSummary, import_file
    from tidewheel.collect.importing.readers import FileOptions
    from tidewheel.collect.keeping.decisions import Decisions
    from tidewheel.collect.keeping.flush import FlushSummary, flush
    from tidewheel.collect.keeping.history import History

_HOMES = {
    "Appender": "appending.appender",
    "DecisionIndex": "appending.decision_index",
    "Decisions": "keeping.decisions",
    "FileOptions": "importing.readers",
    "FlushSummary": "keeping.flush",
    "History": "keeping.history",
    "ImportSummary": "importing.imports",
    "RowCheck": "checking.checks",
    "check_row": "checking.checks",
    "decode_event": "checking.checks",
    "flush": "keeping.flush",
    "import_file": "importing.imports",
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
