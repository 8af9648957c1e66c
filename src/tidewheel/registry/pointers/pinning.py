"""Versions of a fallback chain's models: pinned when the service is deployed, so that a rollback brings them back."""

from __future__ import annotations

import msgspec

from tidewheel.definitions import ir
from tidewheel.errors import ConflictError
from tidewheel.registry.pointers.approvals import missing_approvals
from tidewheel.registry.services import ServiceVersion
from tidewheel.registry.versions.versions import Version, list_versions
from tidewheel.storage.catalog import Catalog


def pinned(catalog: Catalog, service: ir.Service) -> ir.Service:
    """Return a service whose fallback models are pinned to their newest versions that may be served.

    Raises
    ------
    ConflictError
        A model has none.
    """
    links = [
        msgspec.structs.replace(link, version=_newest(catalog, service, link.model)) if link.kind == "model" else link
        for link in service.fallback
    ]
    return msgspec.structs.replace(service, fallback=tuple(links))


def unpinned(service: ir.Service) -> ir.Service:
    """Return a service as it was declared."""
    links = [msgspec.structs.replace(link, version="") for link in service.fallback]
    return msgspec.structs.replace(service, fallback=tuple(links))


def pins_of(service: ir.Service) -> list[str]:
    """Return the versions that a deployed service's fallback chain names, as ``Quick@2``."""
    return [link.version for link in service.fallback if link.version]


def standing_in(version: ServiceVersion, model: str) -> ServiceVersion:
    """Return a service version in which another model stands alone for its own."""
    alone = msgspec.structs.replace(version.service, model=model, combine=None, score_view=None, stored=None)
    return msgspec.structs.replace(version, service=alone)


def _newest(catalog: Catalog, service: ir.Service, model: str) -> str:
    for version in list_versions(catalog, model):
        if _may_be_served(catalog, version):
            return version.name
    raise ConflictError(
        f"no version of {model}, to which {service.name} falls back, may be served",
        remedy=f"train one that passes its gates: tidewheel train {model}",
    )


def _may_be_served(catalog: Catalog, version: Version) -> bool:
    passed = all(gate.passed or gate.waits for gate in version.gates)
    return bool(version.bundle) and passed and not missing_approvals(catalog, version.name, version.gates)
