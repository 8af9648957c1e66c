"""A project opened: its definitions and settings, and the rooms below wired to them.

`open_workspace` is what ``tw.open`` calls. The processes of ``tidewheel up`` live here too:
``stream`` folds the log, ``keeper`` does what is due, ``up`` supervises them and the serving workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidewheel.workspace.opening import open_workspace
    from tidewheel.workspace.workspace import Workspace

__all__ = ["Workspace", "open_workspace"]


def __getattr__(name: str) -> object:
    """Import on first use: a stream worker is of this room and needs neither."""
    from importlib import import_module

    homes = {"open_workspace": "tidewheel.workspace.opening", "Workspace": "tidewheel.workspace.workspace"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(homes[name]), name)
