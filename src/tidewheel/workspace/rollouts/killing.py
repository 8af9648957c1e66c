"""Switching something off, and on again: first the file, which always works, then the catalog, if it can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tidewheel.errors import NotFoundError, TidewheelError
from tidewheel.registry.pointers import deployments
from tidewheel.registry.pointers.switching import tell
from tidewheel.registry.versions.names import current_user, parse_name
from tidewheel.registry.versions.versions import list_versions
from tidewheel.runtime.kill_switch import EXPERIMENT, Killed, KillSwitch
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog import Catalog

KILL, UNKILL = "switch.kill", "switch.unkill"
"""Kinds of the notes that other hosts follow."""


class Thrown(NamedTuple):
    """What is off now, and why the catalog could not be told; "" when it was."""

    off: list[Killed]
    untold: str


def kill(stores: Stores, name: str, why: str) -> Thrown:
    """Switch off a service, a model, a version (``Fraud@3``), or a service's experiment (``Score/experiment``).

    Raises
    ------
    InputError
        The name is none.
    NotFoundError
        The catalog can be read, and knows no such thing; nothing is switched off.
    """
    model, number = parse_name(name.removesuffix(EXPERIMENT))
    entry = Killed(name, at=stores.clock.now(), who=current_user(), why=why)
    with _switch(stores) as switch:
        switch.kill(entry)
        try:
            _check_known(stores.catalog, name, model, number)
            tell(stores.catalog, "kill", name, why)
        except NotFoundError:
            switch.unkill(name)
            raise
        except TidewheelError as error:
            return Thrown(switch.entries(), str(error))
        return Thrown(switch.entries(), "")


def unkill(stores: Stores, name: str, why: str) -> Thrown:
    """Switch something on again.

    Raises
    ------
    NotFoundError
        It is not switched off.
    """
    with _switch(stores) as switch:
        was_off, untold = switch.unkill(name), ""
        try:
            was_off = tell(stores.catalog, "unkill", name, why, noted=was_off) or was_off
        except TidewheelError as error:
            untold = str(error)
        off = switch.entries()
    if not was_off and not untold:
        known = ", ".join(entry.name for entry in off) or "nothing"
        raise NotFoundError(f"{name!r} is not switched off", remedy=f"switched off: {known}")
    return Thrown(off, untold)


def killed(stores: Stores) -> list[Killed]:
    """Return what is switched off on this machine."""
    with _switch(stores) as switch:
        return switch.entries()


@contextmanager
def _switch(stores: Stores) -> Iterator[KillSwitch]:
    switch = KillSwitch(stores.layout.kill_switch)
    try:
        yield switch
    finally:
        switch.close()


def _check_known(catalog: Catalog, name: str, model: str, number: str) -> None:
    services = {deployment.service for deployment in deployments.list_deployments(catalog)}
    if model in services and not number:
        return
    versions = list_versions(catalog, model) if not name.endswith(EXPERIMENT) else []
    if not any(number in ("", str(version.number)) for version in versions):
        known = ", ".join(sorted(services)) or "nothing"
        raise NotFoundError(f"no deployed service, model or version {name!r}", remedy=f"deployed: {known}")
