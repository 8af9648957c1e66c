"""How a version is to be rolled out, and how the rollouts of a workspace stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidewheel.definitions import parse_duration
from tidewheel.definitions.language.durations import Duration
from tidewheel.errors import InputError
from tidewheel.registry.pointers.deployments import Deployment, Move, history, list_deployments
from tidewheel.registry.pointers.ramps import Ramp, Rollout, find_ramp
from tidewheel.rollout import Steering
from tidewheel.rollout.guards import Finding
from tidewheel.workspace.naming import find

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace


class RolloutStatus(msgspec.Struct, frozen=True):
    """How a service's rollout stands.

    Attributes
    ----------
    deployment : Deployment
        What stands there, since when, by whom and why.
    ramp : Ramp or None
    guards : list of Finding
        What each guard says now of the challenger; empty when there is none.
    moves : list of Move
        Newest first.
    """

    deployment: Deployment
    ramp: Ramp | None
    guards: list[Finding]
    moves: list[Move]


def rollouts(workspace: Workspace, only: str | None) -> list[RolloutStatus]:
    """Return how each service's rollout stands, or that of one.

    Raises
    ------
    NotFoundError
        The project declares no such service.
    """
    catalog, steering = workspace.stores.catalog, Steering(workspace.loop_view())
    if only is not None:
        find(workspace.project.graph.services, only, "service")
    services = {service.name: service for service in workspace.project.graph.services}
    found = []
    for deployment in list_deployments(catalog):
        if only in (None, deployment.service):
            asked = deployment.challenger and deployment.service in services
            guards = steering.findings(services[deployment.service], deployment) if asked else []
            moves = history(catalog, deployment.service)
            found.append(RolloutStatus(deployment, find_ramp(catalog, deployment), guards, moves))
    return found


def rollout_of(
    canary: float | str | None,
    ramp: Sequence[float | str],
    hold: Duration,
    shadow: bool | float | str,
    ab: float | str | None,
    blue_green: bool = False,
) -> Rollout | None:
    """Return what the options of a deploy ask for; None for all of the traffic.

    Raises
    ------
    InputError
        Two ways at once, or a share that can't be read.

    Examples
    --------
    >>> rollout_of(None, ["5%", "100%"], "2h", False, None).ramp
    Ramp(steps=(0.05, 1.0), hold=7200000000)
    >>> rollout_of(None, (), "1h", False, "90/10")
    Rollout(mode='ab', share=0.1, ramp=None)
    """
    ways = {"canary": canary or ramp, "shadow": shadow, "ab": ab, "blue-green": blue_green}
    asked = [name for name, given in ways.items() if given]
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)} at once", remedy="roll a version out in one way")
    if not asked:
        return None
    if blue_green:
        return Rollout("blue-green")
    if asked == ["shadow"]:
        return Rollout("shadow", 1.0 if shadow is True else share(shadow))
    if ab is not None:
        return Rollout("ab", _second(ab))
    steps = tuple(share(step) for step in ramp)
    start = share(canary) if canary is not None else steps[0]
    return Rollout("canary", start, Ramp(steps, parse_duration(hold)).check() if steps else None)


def share(value: float | str) -> float:
    """Read ``5%``, ``"0.05"`` or 0.05.

    Raises
    ------
    InputError
        It is none of these.
    """
    text = str(value)
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise InputError(f"{text!r} is no share", remedy="write it like 5% or 0.05") from None


def _second(weights: float | str) -> float:
    """Return the challenger's share of ``champion/challenger``, or of a plain share."""
    first, _, second = str(weights).partition("/")
    if not second:
        return share(weights)
    ours, theirs = share(second), share(first)
    if not (ours > 0.0 and theirs > 0.0):
        raise InputError(f"{weights!r} are no weights", remedy="write champion/challenger, like 50/50 or 90/10")
    return ours / (ours + theirs)
