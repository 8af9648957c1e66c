"""Forgetting an entity in an open workspace, and finishing what a killed process began."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tidewheel.collect.keeping.redactions import PENDING
from tidewheel.errors import BusyError
from tidewheel.runtime.lease import holder_of
from tidewheel.runtime.stores import Stores

if TYPE_CHECKING:
    from tidewheel.governance.proof import ErasureReport
    from tidewheel.workspace.opened import Opened

log = logging.getLogger("tidewheel.workspace")
ROLE = "an erasure"
WAITS = 60.0
"""Seconds for which an opening that finds an unfinished erasure waits to have the workspace alone."""


def forget(workspace: Opened, subject: str, progress: Any = None) -> ErasureReport:
    """Forget an entity, then fold the states again from what is left."""
    from tidewheel.governance.forgetting import forget as forget_in

    up = holder_of(workspace.stores.layout.leases / "up")
    if up is not None:
        raise BusyError(
            f"{ROLE} needs the workspace for itself, and `tidewheel up` runs ({up.describe()})",
            where=str(workspace.stores.layout.root),
            remedy=f"stop it (kill {up.pid}), forget, and start it again",
        )
    workspace.publish()
    workspace.put_down()
    with workspace.stores.alone(ROLE):
        report = forget_in(workspace.stores, subject, progress=progress)
    workspace.sync()
    return report


def finish_erasure(stores: Stores) -> None:
    """Finish an erasure that was begun and killed, before anything else is done with the workspace."""
    if not (stores.layout.erasures / PENDING).exists():
        return
    from tidewheel.governance.forgetting import pending_erasure, resume

    with stores.alone(ROLE, wait=WAITS):
        if pending_erasure(stores) is not None:
            log.warning("finishing an erasure that was interrupted")
            resume(stores)
