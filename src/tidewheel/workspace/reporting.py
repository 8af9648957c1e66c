"""A service's report, from a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError
from tidewheel.monitoring.build import By, VersionFacts, build_report
from tidewheel.monitoring.report import Happening, Report
from tidewheel.outcomes import COLUMNS, Joined, Lists, join_lists, join_outcomes
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.models.bundles import load_manifest
from tidewheel.registry.models.scoring import view_columns
from tidewheel.registry.parity import newest_checks
from tidewheel.registry.pointers.deployments import Move, find_deployment, history
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.names import members_of
from tidewheel.registry.versions.versions import get_version
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.features.reading import decisions

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace


def report(workspace: Workspace, name: str, by: By, since: int | None, versions: bool = True) -> Report:
    """Return a service's report, with outcomes as they are known now."""
    stores, service = workspace.stores, workspace.service(name)
    lists = None
    if service.ranking is None:
        joined = joined_decisions(workspace, name, since or 0)
    else:
        lists = joined_lists(workspace, name, since or 0)
        joined = lists.joined
    if not versions:
        joined = _as_one(joined)
    served = sorted({model for model in joined.decisions["model"].to_pylist() if model})
    model = next((model for model in workspace.project.graph.models if model.name == service.model), None)
    found = build_report(
        joined,
        service,
        model.metrics if model is not None else (),
        {version: _facts(stores, version) for version in served},
        happenings(stores, name, since or 0),
        as_of=stores.clock.now(),
        by=by,
        lists=lists,
    )
    return replace(found, parity=newest_checks(stores.catalog).get(name))


def _as_one(joined: Joined) -> Joined:
    """Return the same decisions as if one version had answered them all."""
    table = joined.decisions
    same = pa.array([""] * table.num_rows, pa.string())
    return replace(joined, decisions=table.set_column(table.schema.get_field_index("model"), "model", same))


def joined_decisions(
    workspace: Workspace, name: str, since: int, columns: Sequence[str] = COLUMNS, model: str = ""
) -> Joined:
    """Return a service's decisions since an instant, with their outcomes as known now.

    The outcomes are those of the service's model, or of another `model` of its line-up.

    Raises
    ------
    NotFoundError
        The service was never deployed.
    """
    stores = workspace.stores
    deployment = find_deployment(stores.catalog, name)
    if deployment is None:
        raise NotFoundError(f"{name} is not deployed", remedy="deploy a version: tidewheel deploy MODEL@1")
    frozen = load_service(stores.catalog, deployment.service_version)
    where = next((one.where for one in frozen.graph.models if one.name == (model or frozen.service.model)), None)
    read = ("states",) if isinstance(where, ir.View) else ()
    table = decisions(stores).scan((*columns, *read), service=name, since=since)
    return join_outcomes(workspace.history, frozen.graph, frozen.service, table, stores.clock.now(), model)


def joined_lists(workspace: Workspace, name: str, since: int) -> Lists:
    """Return the items of a service's lists since an instant, with their outcomes as known now."""
    stores, joined = workspace.stores, joined_decisions(workspace, name, since, (*COLUMNS, "items"))
    deployment = find_deployment(stores.catalog, name)
    assert deployment is not None
    frozen = load_service(stores.catalog, deployment.service_version)
    return join_lists(workspace.history, frozen.graph, frozen.service, joined, stores.clock.now())


def happenings(stores: Stores, service: str, since: int) -> list[Happening]:
    """Return a service's moves and alerts, by time."""
    moves = [Happening(move.at, move.action, _told(move)) for move in history(stores.catalog, service)]
    alerts = [
        Happening(alert.opened, f"alert: {alert.kind}", alert.message) for alert in list_alerts(stores.catalog, service)
    ]
    return sorted((found for found in [*moves, *alerts] if found.at >= since), key=lambda found: found.at)


def _told(move: Move) -> str:
    now = (
        f"{move.after.challenger} gets {move.after.share:.0%}"
        if move.after.challenger
        else f"{move.after.champion} answers"
    )
    return f"{now}; {move.cause}" if move.cause else now


def _facts(stores: Stores, version: str) -> VersionFacts:
    """Return what is known of a version; of a line-up its first member's view, whose rows decisions hold."""
    first, *others = members_of(version)
    manifest = load_manifest(stores.artifacts, get_version(stores.catalog, first, deleted=True).bundle)
    profile = msgspec.structs.replace(manifest.profile, score=None) if others else manifest.profile
    return VersionFacts(view_columns(manifest), profile)
