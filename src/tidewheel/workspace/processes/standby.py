"""What a process does while another host has its role: it stands by, and takes over when that one is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from tidewheel.errors import LeaseError
from tidewheel.runtime.child import Life
from tidewheel.runtime.lease import HANDOVER
from tidewheel.runtime.stores import Stores

log = logging.getLogger("tidewheel.standby")

LOOK_EVERY = 1.0
T = TypeVar("T")


def when_free(life: Life, stores: Stores, take: Callable[[float], T]) -> T | None:
    """Return what `take` gives once it gets its role; None when asked to stop before.

    Parameters
    ----------
    life : Life
        Is told that the process is ready while it stands by: that is its work.
    stores : Stores
        Whether other hosts share the workspace. Where they do not, the role is free soon or never.
    take : callable
        Takes the role; its argument is how many seconds to wait for it.

    Raises
    ------
    LeaseError
        Another process of this machine keeps the role.
    """
    if not stores.catalog.shared:
        return take(HANDOVER)
    said = False
    while not life.stopping.is_set():
        try:
            return take(0.0)
        except LeaseError as error:
            if not said:
                log.info("standing by: %s", error.message)
            said = True
        life.ready()
        life.stopping.wait(LOOK_EVERY)
    return None
