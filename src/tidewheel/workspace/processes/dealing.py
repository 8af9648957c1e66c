"""The process that deals the log out by entity, one of all hosts: members of the group get from it what they fold."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from tidewheel.errors import LeaseError, UnreachableError
from tidewheel.features.folding.dealer import Dealer
from tidewheel.runtime.doorbell import Doorbell
from tidewheel.runtime.stores import open_stores
from tidewheel.workspace.processes.group import log_id, topic_of
from tidewheel.workspace.processes.standby import when_free
from tidewheel.workspace.processes.stream import BELL, IDLE, LOOK_EVERY, PAUSE, live_plans

if TYPE_CHECKING:
    from tidewheel.runtime.child import Life
    from tidewheel.runtime.lease import Lease
    from tidewheel.runtime.shared_lease import SharedLease
    from tidewheel.runtime.stores import Stores
    from tidewheel.storage.catalog import Watch

log = logging.getLogger("tidewheel.dealer")
ROLE = "dealer of events"


def run(life: Life, folder: str, env: str) -> None:
    """Deal until asked to stop, woken by the doorbell of whoever appends."""
    stores = open_stores(folder, env or None)
    bell = Doorbell(stores.layout.bells, f"{BELL}-dealer")
    try:
        lease = when_free(life, stores, lambda wait: stores.hold("dealer", ROLE, wait=wait))
        if lease is None:
            return
        with lease:
            while not life.stopping.is_set():
                try:
                    deal(life, stores, lease, bell)
                except UnreachableError as error:
                    log.warning("nothing is dealt, and what is folded is read from the log: %s", error)
                    life.ready()
                    life.stopping.wait(PAUSE)
    finally:
        bell.close()
        stores.close()


def deal(life: Life, stores: Stores, lease: Lease | SharedLease, bell: Doorbell) -> None:
    """Deal from where the topic ends until asked to stop.

    Raises
    ------
    UnreachableError
        The broker does not answer.
    LeaseError
        Another host deals now.
    """
    watch, topic = stores.catalog.watch(), topic_of(stores)
    try:
        dealer = Dealer(stores.log, log_id(stores), topic, *live_plans(stores.catalog))
        log.info("dealing from offset %d to %d partitions", dealer.next, topic.partitions)
        life.ready()
        _deal_on(life, stores, lease, bell, dealer, watch)
    finally:
        topic.close()
        watch.close()


def _deal_on(
    life: Life, stores: Stores, lease: Lease | SharedLease, bell: Doorbell, dealer: Dealer, watch: Watch
) -> None:
    look_at = 0.0
    while not life.stopping.is_set():
        if lease.taken:
            raise LeaseError("another host deals events now", where=str(lease.path))
        if time.monotonic() >= look_at:
            if watch.changed():
                dealer.plan(*live_plans(stores.catalog))
            look_at = time.monotonic() + LOOK_EVERY
        if not dealer.step():
            bell.wait(IDLE)
