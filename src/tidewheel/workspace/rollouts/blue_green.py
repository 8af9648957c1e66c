"""Blue-green: a version is made ready in every worker beside the one that answers, and only then is all traffic moved.

Workers write what they have loaded with their numbers, twice a second; where hosts share a catalog, each host tells the
others of its own. One that can't load green, or does not get
there in time, ends the attempt: blue has answered throughout.
"""

from __future__ import annotations

import time
from contextlib import suppress

from tidewheel.errors import ConflictError, NotReadyError
from tidewheel.registry.pointers import deployments
from tidewheel.registry.pointers.deployments import Deployment
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.rollouts.hosts import loaded_everywhere

LONGEST = 300.0
"""Seconds that the workers have to load green."""
LOOK_EVERY = 0.05


def switch(stores: Stores, green: Deployment, *, longest: float = LONGEST) -> Deployment:
    """Promote a staged version once every worker has it; take it away again when one can't.

    Parameters
    ----------
    stores : Stores
    green : Deployment
        Staged: its challenger answers nobody.
    longest : float
        Seconds to wait.

    Raises
    ------
    ConflictError
        A worker can't load it, or somebody moved the pointer.
    NotReadyError
        A worker has not loaded it in time.
    """
    try:
        _wait(stores, green, longest)
    except BaseException as error:
        with suppress(ConflictError):  # somebody moved it: theirs stands
            deployments.rollback(stores.catalog, green.service, seen=green, cause=f"not made ready: {error}")
        raise
    return deployments.promote(stores.catalog, green.service, seen=green, cause=green.cause, who=green.who)


def _wait(stores: Stores, green: Deployment, longest: float) -> None:
    until = time.monotonic() + longest
    while waiting := _waiting(stores, green):
        if time.monotonic() > until:
            raise NotReadyError(
                f"{', '.join(waiting)} did not load {green.challenger} within {longest:g} s",
                remedy="see that the workers run: tidewheel status",
            )
        time.sleep(LOOK_EVERY)


def _waiting(stores: Stores, green: Deployment) -> list[str]:
    """Return the workers, on whichever host, that have not loaded green yet."""
    waiting = []
    for worker, loaded in loaded_everywhere(stores).items():
        revision, damage = loaded.get(green.service, (0, ""))
        if revision < green.revision:
            waiting.append(worker)
        elif damage:
            raise ConflictError(f"{worker} can't make {green.challenger} ready: {damage}")
    return waiting
