"""The moves that people and guards make: deploy, roll out beside the champion, promote, rollback, kill."""

from __future__ import annotations

import msgspec

from tidewheel.errors import ConflictError, InputError
from tidewheel.registry.pointers.pointers import (
    Deployment,
    Move,
    check_share,
    find_deployment,
    get_deployment,
    history,
    list_deployments,
    move,
)
from tidewheel.registry.pointers.ramps import RAMP, Rollout, ramp_body
from tidewheel.registry.versions.names import members_of
from tidewheel.registry.versions.versions import deleted_names
from tidewheel.storage.catalog import Catalog

__all__ = [
    "Deployment",
    "Move",
    "canary",
    "deploy",
    "find_deployment",
    "get_deployment",
    "history",
    "kill",
    "list_deployments",
    "promote",
    "roll_out",
    "rollback",
]

EVERY = 1_000_000
"""More moves than a service makes in its life."""


def deploy(
    catalog: Catalog, service: str, champion: str, service_version: str, *, cause: str = "", who: str = ""
) -> Deployment:
    """Make `champion` answer all of `service`'s traffic; a canary that is going on ends.

    Parameters
    ----------
    champion : str
        ``Model@3``; "" for a service of rules alone.
    service_version : str
        Digest of the frozen service (``services.freeze_service``).

    Returns
    -------
    Deployment
        The pointer as it stands now; unchanged when it stood so already.

    Raises
    ------
    NotFoundError
        There is no such version.
    ConflictError
        Another moved the pointer at the same time.
    """
    before = find_deployment(catalog, service)
    if before is None:
        first = Deployment(service=service, revision=1, service_version=service_version, champion=champion)
        return move(catalog, "deploy", None, first, cause=cause, who=who)
    same = (before.champion, before.service_version) == (champion, service_version)
    if same and not before.challenger:
        return before
    after = _without_challenger(before)
    if not same:
        after = msgspec.structs.replace(
            after,
            champion=champion,
            service_version=service_version,
            previous=before.champion,
            previous_service_version=before.service_version,
        )
    return move(catalog, "deploy", before, after, cause=cause, who=who)


def canary(
    catalog: Catalog,
    service: str,
    challenger: str,
    share: float,
    *,
    service_version: str = "",
    cause: str = "",
    who: str = "",
) -> Deployment:
    """Let `challenger` answer a share of the units; calling it again with another share ramps it.

    As `roll_out` with a canary.
    """
    how = Rollout("canary", share)
    return roll_out(catalog, service, challenger, how, service_version=service_version, cause=cause, who=who)


def roll_out(
    catalog: Catalog,
    service: str,
    challenger: str,
    how: Rollout,
    *,
    service_version: str = "",
    seen: Deployment | None = None,
    cause: str = "",
    who: str = "",
) -> Deployment:
    """Put `challenger` beside the champion; calling it again with another share ramps it.

    A unit that was in the share stays in it when the share is raised.

    Parameters
    ----------
    how : Rollout
        ``canary`` and ``ab`` answer a share of the units, ``shadow`` is scored unheard, ``blue-green`` is made
        ready everywhere and answers nobody yet.
    service_version : str
        The frozen service that the challenger answers with; the champion's when "".
    seen : Deployment, optional
        The pointer as it was judged: one that was moved since is left alone.

    Raises
    ------
    InputError
        The share is out of range, the ramp makes no sense, or the challenger is the champion.
    NotFoundError
        The service has no champion yet, or there is no such version.
    ConflictError
        Another challenger stands there, or another moved the pointer at the same time.
    """
    share = 0.0 if how.mode == "blue-green" else check_share(how.share)
    before = seen or get_deployment(catalog, service)
    if challenger == before.champion and (service_version or before.service_version) == before.service_version:
        raise InputError(f"{challenger} is the champion of {service} already")
    if before.challenger and before.challenger != challenger:
        raise ConflictError(
            f"{before.challenger} has a {before.mode} on {service}",
            remedy=f"end it first: tidewheel rollback {service}, or tidewheel deploy {before.challenger}",
        )
    goes_on = bool(before.challenger) and before.mode == how.mode
    after = msgspec.structs.replace(
        before,
        challenger=challenger,
        challenger_service_version=service_version or before.challenger_service_version or before.service_version,
        share=share,
        mode=how.mode,
        salt=before.salt if goes_on else f"{challenger}/{before.revision + 1}",
    )
    notes = {RAMP: ramp_body(after, how.ramp.check())} if how.ramp is not None else None
    return move(catalog, "ramp" if goes_on else how.mode, before, after, cause=cause, who=who, notes=notes)


def promote(
    catalog: Catalog, service: str, *, seen: Deployment | None = None, cause: str = "", who: str = ""
) -> Deployment:
    """Make the challenger the champion; `seen` as in `roll_out`.

    Raises
    ------
    ConflictError
        There is no challenger, or another moved the pointer at the same time.
    """
    before = seen or get_deployment(catalog, service)
    if not before.challenger:
        raise ConflictError(
            f"{service} has no challenger to promote", remedy="start one: tidewheel deploy M@2 --canary 5%"
        )
    after = msgspec.structs.replace(
        _without_challenger(before),
        champion=before.challenger,
        service_version=before.challenger_service_version,
        previous=before.champion,
        previous_service_version=before.service_version,
    )
    return move(catalog, "promote", before, after, cause=cause, who=who)


def rollback(
    catalog: Catalog, service: str, *, seen: Deployment | None = None, cause: str = "", who: str = ""
) -> Deployment:
    """Drop the challenger when there is one; else return to the champion before.

    Rolling back again goes further back, never forward to what was just left. `seen` as in `roll_out`.

    Raises
    ------
    ConflictError
        There is nothing to return to, or another moved the pointer at the same time.
    """
    before = seen or get_deployment(catalog, service)
    if before.challenger:
        return move(catalog, "drop", before, _without_challenger(before), cause=cause, who=who)
    if not before.previous_service_version:
        raise ConflictError(
            f"{service} has no version before {before.champion or before.service_version}",
            remedy="deploy another: tidewheel deploy Model@N",
        )
    older = _older(catalog, service)
    after = msgspec.structs.replace(
        before,
        champion=before.previous,
        service_version=before.previous_service_version,
        previous=older[0],
        previous_service_version=older[1],
    )
    return move(catalog, "rollback", before, after, cause=cause, who=who)


def _older(catalog: Catalog, service: str) -> tuple[str, str]:
    """Return the release two below the one that stands: deployments and promotions pile up, rollbacks take off.

    One with a version that was deleted since is passed over, as if it had never stood there.
    """
    pile: list[tuple[str, str]] = []
    gone = deleted_names(catalog)
    for entry in reversed(history(catalog, service, limit=EVERY)):
        release = (entry.after.champion, entry.after.service_version)
        if entry.action not in ("deploy", "promote", "rollback"):
            continue
        while entry.action == "rollback" and pile and pile[-1] != release:
            pile.pop()
        if pile[-1:] != [release] and gone.isdisjoint(members_of(release[0])):
            pile.append(release)
    return pile[-3] if len(pile) >= 3 else ("", "")


def kill(catalog: Catalog, service: str, on: bool = True, *, cause: str = "", who: str = "") -> Deployment:
    """Let the last link of the fallback chain answer everything, or (``on=False``) end that."""
    before = get_deployment(catalog, service)
    if before.killed == on:
        return before
    after = msgspec.structs.replace(before, killed=on)
    return move(catalog, "kill" if on else "revive", before, after, cause=cause, who=who)


def _without_challenger(deployment: Deployment) -> Deployment:
    return msgspec.structs.replace(
        deployment, challenger="", challenger_service_version="", share=0.0, mode="none", salt=""
    )
