"""The process of ``tidewheel up`` that keeps what is a host's own: its decisions, its kill switch, word of its workers.

It imports neither the user's module nor a learner.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext

from tidewheel.errors import TidewheelError
from tidewheel.runtime.child import Life
from tidewheel.runtime.stores import Stores, open_stores
from tidewheel.workspace.events.incoming import flush_decisions
from tidewheel.workspace.rollouts.hosts import TellingHosts
from tidewheel.workspace.rollouts.switching import Mirroring

log = logging.getLogger("tidewheel.journal")


def run(life: Life, folder: str, env: str) -> None:
    """Bring this host's decisions to the lake until asked to stop, and a last time then."""
    stores = open_stores(folder, env or None)
    try:
        with Mirroring(stores), TellingHosts(stores) if stores.catalog.shared else nullcontext():
            life.ready()
            while not life.stopping.wait(stores.settings.flush_every / 1e6):
                _flush(stores)
            _flush(stores)
    finally:
        stores.close()


def _flush(stores: Stores) -> None:
    try:
        flush_decisions(stores)
    except (TidewheelError, OSError) as error:
        log.warning("flush: %s", error)
