"""What is switched off, told to the catalog: for other hosts, and for the audit."""

from __future__ import annotations

from tidewheel.registry.pointers import deployments
from tidewheel.registry.versions.names import current_user
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import note


def tell(catalog: Catalog, what: str, name: str, why: str, who: str = "", *, noted: bool = True) -> bool:
    """Move a service's pointer and return whether it moved; leave a note that other hosts follow, if so or `noted`."""
    before = deployments.find_deployment(catalog, name)
    moved = before is not None and deployments.kill(catalog, name, what == "kill", cause=why) != before
    if moved or noted:
        note(catalog, f"switch.{what}", name, {"why": why, "who": who or current_user()})
    return moved
