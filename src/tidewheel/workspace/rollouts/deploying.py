"""Moving pointers through a workspace: what is deployed is frozen first, and its features have caught up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from tidewheel.definitions import ir, reachable, state_id
from tidewheel.errors import ConflictError, NotFoundError, NotReadyError
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.models.bundles import graphs_of
from tidewheel.registry.parity import newest_checks
from tidewheel.registry.pointers import deployments, thresholds
from tidewheel.registry.pointers.approvals import missing_approvals
from tidewheel.registry.pointers.deployments import Deployment
from tidewheel.registry.pointers.pinning import pinned, pins_of
from tidewheel.registry.pointers.ramps import Rollout
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.names import members_of, with_members
from tidewheel.registry.versions.versions import Version, get_version
from tidewheel.runtime.lease import holder_of
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.features.groups import choose_groups, groups_of, keep_groups
from tidewheel.workspace.naming import find
from tidewheel.workspace.rollouts.blue_green import switch
from tidewheel.workspace.rollouts.killing import killed
from tidewheel.workspace.summaries import Status

LONGEST_WAIT = 3600.0
"""Seconds that a deploy waits for the stream to catch up with a new version's features."""


def deploy(
    stores: Stores,
    graph: ir.Graph,
    name: str,
    only: str | None,
    how: Rollout | None,
    *,
    force: bool = False,
    cause: str = "",
    who: str = "",
    sync: Callable[[], object],
) -> list[Deployment]:
    """Point services at a version (or at their own rules, for a service without a model).

    Parameters
    ----------
    name : str
        ``Fraud@3``, several versions as ``Fraud@3+Net@2``, or a service of rules alone.
    only : str, optional
        Just this service.
    how : Rollout, optional
        Beside the champion; whole when not given.
    sync : callable
        Folds features in this process, where no stream worker does.
    """
    rules_alone = next((s for s in graph.services if s.name == name and not s.model), None)
    versions = [] if rules_alone is not None else [_deployable(stores, one, force) for one in members_of(name)]
    services = [rules_alone] if rules_alone is not None else _services_of(graph, versions, only)
    lineups = _lineups(stores, services, versions)
    services = [service for service in services if service.name in lineups]
    part = reachable(graph, [service.name for service in services])
    services = [pinned(stores.catalog, service) for service in services]
    named = [one for names in lineups.values() for one in members_of(names)]
    named += [one for service in services for one in pins_of(service)]
    bundles = [get_version(stores.catalog, one).bundle for one in named]
    needed = [part, *graphs_of(stores.artifacts, bundles)]
    for reached in needed:
        keep_groups(stores.catalog, reached)
    sync()
    for reached in needed:
        _wait_for_features(stores, reached)
    moved = [_point(stores, graph, service, lineups[service.name], how, cause, who) for service in services]
    if how is not None and how.mode == "blue-green":
        moved = [switch(stores, staged) for staged in moved]
    choose_groups(stores.catalog, stores.artifacts)
    return moved


def _deployable(stores: Stores, name: str, force: bool) -> Version:
    version = get_version(stores.catalog, name)
    failed = [gate for gate in version.gates if not gate.passed and not gate.waits]
    if not version.bundle:
        raise ConflictError(
            f"{version.name} can't be served: its estimator has no neutral form",
            remedy=f"see tidewheel show {version.name}; train one of the estimators that docs/training.md lists",
        )
    if failed and not force:
        told = "; ".join(f"{gate.gate}: {gate.detail}" for gate in failed)
        raise ConflictError(
            f"{version.name} did not pass its gates ({told})",
            remedy=f"train a better one, or take it on yourself: tidewheel deploy {version.name} --force",
        )
    missing = missing_approvals(stores.catalog, version.name, version.gates)
    if missing:  # --force takes a failed gate on oneself; it does not speak for somebody else
        raise ConflictError(
            f"{version.name} is not approved ({'; '.join(missing)})",
            remedy=f"whoever is named answers by: tidewheel approve {version.name} --as NAME",
        )
    return version


def _services_of(graph: ir.Graph, versions: Sequence[Version], only: str | None) -> list[ir.Service]:
    models = {version.model for version in versions}
    found = [service for service in graph.services if models <= set(service.members) and only in (None, service.name)]
    if not found:
        named = " and ".join(sorted(models))
        which = f"service {only!r} with the model {named}" if only else f"service with the model {named}"
        raise NotFoundError(f"the project declares no {which}", remedy="declare one: class S(tw.Service, on=Event)")
    return found


def _lineups(stores: Stores, services: Sequence[ir.Service], versions: Sequence[Version]) -> dict[str, str]:
    """Return services' line-ups with some versions moved; the other members stay as they stand.

    A service that was never deployed and needs versions that are not named is left out, unless there is no other.
    """
    moved, found = [version.name for version in versions], {}
    missing: dict[str, list[str]] = {}
    for service in services:
        standing = deployments.find_deployment(stores.catalog, service.name)
        lineup, lacking = with_members(standing.champion if standing is not None else "", moved, service.members)
        if lacking:
            missing[service.name] = lacking
        else:
            found[service.name] = lineup
    if not found:
        name, lacking = min(missing.items(), key=lambda item: len(item[1]))
        whole = "+".join([*moved, *(f"{model}@1" for model in lacking)])
        raise ConflictError(
            f"{name} also needs a version of {' and '.join(lacking)}",
            remedy=f"deploy them together: tidewheel deploy {whole}",
        )
    return found


def _point(
    stores: Stores, graph: ir.Graph, service: ir.Service, name: str, how: Rollout | None, cause: str, who: str
) -> Deployment:
    frozen = freeze_service(stores.catalog, service, reachable(graph, [service.name])).digest
    if how is None:
        return deployments.deploy(stores.catalog, service.name, name, frozen, cause=cause, who=who)
    return deployments.roll_out(stores.catalog, service.name, name, how, service_version=frozen, cause=cause, who=who)


def _wait_for_features(stores: Stores, graph: ir.Graph) -> None:
    """Wait until the states that a version reads have folded all that is logged now.

    Raises
    ------
    NotReadyError
        They have not within `LONGEST_WAIT`.
    """
    states = {state_id(group): group.name for group in groups_of(graph)}
    target, until = stores.log.head() - 1, time.monotonic() + LONGEST_WAIT
    while behind := [name for state, name in states.items() if stores.state.offset(state) < target]:
        if time.monotonic() > until:
            raise NotReadyError(
                f"features have not caught up: {', '.join(sorted(behind))}", remedy="see tidewheel log status"
            )
        time.sleep(0.05)


def rollback(stores: Stores, graph: ir.Graph, name: str, cause: str) -> list[Deployment]:
    """Take services back: the one called `name`, or those of the model called so.

    Raises
    ------
    NotFoundError
        Nothing that is deployed has this name.
    """
    deployed = {deployment.service for deployment in deployments.list_deployments(stores.catalog)}
    model = name.partition("@")[0]
    services = (
        [name] if name in deployed else [s.name for s in graph.services if model in s.members and s.name in deployed]
    )
    if not services:
        known = ", ".join(sorted(deployed)) or "nothing"
        raise NotFoundError(f"no deployed service or model {name!r}", remedy=f"deployed: {known}")
    moved = [deployments.rollback(stores.catalog, service, cause=cause) for service in services]
    choose_groups(stores.catalog, stores.artifacts)
    return moved


def current_thresholds(stores: Stores, graph: ir.Graph, service: str) -> tuple[tuple[str, float], ...]:
    """Return what a service decides by now: its declared thresholds with those set at run time over them."""
    declared = find(graph.services, service, "service").thresholds
    turned = thresholds.get_thresholds(stores.catalog, service)
    return thresholds.effective(declared, turned.levels if turned is not None else {}, service=service)


def turn_thresholds(stores: Stores, graph: ir.Graph, service: str, levels: Mapping[str, float], cause: str) -> None:
    """Set thresholds over those that are set; an empty mapping goes back to the declared ones."""
    declared = find(graph.services, service, "service").thresholds
    before = thresholds.get_thresholds(stores.catalog, service) if levels else None
    wanted = {**(before.levels if before is not None else {}), **levels}
    thresholds.set_thresholds(stores.catalog, service, wanted, declared=declared, cause=cause)


def status(stores: Stores, history: bool) -> Status:
    """Return what is served, open alerts, and who runs the workspace."""
    holder = holder_of(stores.layout.leases / "up")
    return Status(
        deployments=deployments.list_deployments(stores.catalog),
        alerts=list_alerts(stores.catalog, only_open=True),
        history=deployments.history(stores.catalog) if history else [],
        running=f"{holder.role} ({holder.describe()})" if holder is not None else "",
        parity=list(newest_checks(stores.catalog).values()),
        killed=killed(stores),
    )
