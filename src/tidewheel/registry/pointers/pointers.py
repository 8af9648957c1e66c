"""Deployments: one row a service points at what answers. To promote, to ramp, to roll back is to move the row.

Each move is one transaction that also writes a row of history and a note for the event log. A move is made
from the row as its maker saw it: when another got in between, it raises instead of undoing the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.versions.names import current_user, members_of, parse_name
from tidewheel.registry.versions.versions import refuse_deleted
from tidewheel.storage.catalog import Catalog, touch
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import deployment_history, deployments, service_versions, versions

Mode = Literal["none", "canary", "shadow", "ab", "blue-green"]
Action = Literal[
    "deploy", "canary", "shadow", "ab", "blue-green", "ramp", "promote", "rollback", "drop", "kill", "revive"
]


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What a service points at. ``""`` stands for no version; a service of rules alone has no champion.

    Of several models a line-up is pointed at, one version of each: ``Fraud@3+Net@2``.
    """

    service: str
    revision: int
    """Goes up by one with each move."""
    service_version: str
    champion: str = ""
    previous: str = ""
    """The champion before, to which :func:`rollback` returns; it stays loaded."""
    previous_service_version: str = ""
    challenger: str = ""
    challenger_service_version: str = ""
    share: float = 0.0
    """Part of the units that the challenger answers; in a shadow, of those that it scores unheard."""
    mode: Mode = "none"
    salt: str = ""
    """Says, with the unit, who is in the share; the same while a canary is ramped up."""
    killed: bool = False
    """True: the fallback chain's last link answers everything."""
    since: int = 0
    cause: str = ""
    who: str = ""

    @property
    def versions(self) -> tuple[str, ...]:
        """Model versions that a worker has to keep loaded."""
        named = (self.champion, self.challenger, self.previous)
        return tuple(dict.fromkeys(name for lineup in named for name in members_of(lineup)))


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a service's history."""

    seq: int
    service: str
    revision: int
    action: Action
    before: Deployment | None
    after: Deployment
    at: int
    cause: str
    who: str


def get_deployment(catalog: Catalog, service: str) -> Deployment:
    """Return what `service` points at.

    Raises
    ------
    NotFoundError
        It was never deployed.
    """
    found = find_deployment(catalog, service)
    if found is None:
        raise NotFoundError(f"nothing is deployed for {service}", remedy="deploy a version: tidewheel deploy Model@1")
    return found


def find_deployment(catalog: Catalog, service: str) -> Deployment | None:
    """Return what `service` points at, or None before its first deployment."""
    with catalog.read() as connection:
        return _current(connection, service)


def list_deployments(catalog: Catalog) -> list[Deployment]:
    """Return every service's pointer, by name."""
    with catalog.read() as connection:
        rows = connection.execute(sa.select(deployments).order_by(deployments.c.service)).all()
    return [Deployment(**plain(row)) for row in rows]


def history(catalog: Catalog, service: str = "", limit: int = 1000) -> list[Move]:
    """Return moves, newest first, of one service or of all."""
    query = sa.select(deployment_history).order_by(deployment_history.c.seq.desc()).limit(limit)
    if service:
        query = query.where(deployment_history.c.service == service)
    with catalog.read() as connection:
        return [_move(row) for row in connection.execute(query)]


def move(
    catalog: Catalog,
    action: Action,
    before: Deployment | None,
    after: Deployment,
    *,
    cause: str = "",
    who: str = "",
    notes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Deployment:
    """Write `after` in place of `before`, if `before` is still what stands there.

    `notes`, by kind, are written in the same transaction.

    Raises
    ------
    ConflictError
        The pointer was moved since `before` was read.
    NotFoundError
        A version that `after` names does not exist.
    """
    revision = before.revision + 1 if before is not None else 1
    who = who or current_user()
    with catalog.write() as connection:
        now = catalog.now()
        after = msgspec.structs.replace(after, revision=revision, since=now, cause=cause, who=who)
        _check_versions(connection, after)
        _write(connection, before, after)
        row = {"service": after.service, "revision": revision, "action": action, "at": now, "cause": cause, "who": who}
        told = {name: msgspec.json.encode(value).decode() for name, value in (("before", before), ("after", after))}
        connection.execute(sa.insert(deployment_history).values(**row, **told))
        body = {name: getattr(after, name) for name in ("champion", "challenger", "share", "killed", "service_version")}
        note = {"action": action, "revision": revision, "cause": cause, "who": who, **body}
        for kind, told_too in {f"deployment.{action}": note, **(notes or {})}.items():
            add_note(connection, kind, after.service, told_too, at=now)
        touch(connection)
    return after


def _write(connection: sa.Connection, before: Deployment | None, after: Deployment) -> None:
    values = msgspec.structs.asdict(after)
    current = _current(connection, after.service)
    if before is None and current is None:
        connection.execute(sa.insert(deployments).values(**values))
        return
    if before is None or current is None or current.revision != before.revision:
        raise ConflictError(
            f"{after.service} was moved meanwhile: {current.who} did it ({current.champion})"
            if current is not None
            else f"{after.service} is no longer deployed",
            remedy="look at `tidewheel status`, and do it again if it still makes sense",
        )
    connection.execute(sa.update(deployments).where(deployments.c.service == after.service).values(**values))


def _current(connection: sa.Connection, service: str) -> Deployment | None:
    row = connection.execute(sa.select(deployments).where(deployments.c.service == service)).first()
    return None if row is None else Deployment(**plain(row))


def _check_versions(connection: sa.Connection, deployment: Deployment) -> None:
    for name in deployment.versions:
        model, number = parse_name(name)
        query = sa.select(versions.c.number).where(versions.c.model == model, versions.c.number == int(number or 0))
        if not number.isdigit() or connection.execute(query).first() is None:
            raise NotFoundError(f"no version {name}", remedy=f"`tidewheel runs {model}` lists what was trained")
        refuse_deleted(connection, model, int(number))
    for digest in (deployment.service_version, deployment.challenger_service_version):
        query = sa.select(service_versions.c.service).where(service_versions.c.digest == digest)
        owner = connection.execute(query).scalar() if digest else deployment.service
        if owner != deployment.service:
            raise NotFoundError(f"{digest} is no version of the service {deployment.service}")


def check_share(share: float) -> float:
    """Return `share` when it can be a canary's.

    Raises
    ------
    InputError
        It is not above 0 and at most 1.
    """
    if not 0.0 < share <= 1.0:
        raise InputError(f"a share of {share:g} of the traffic", remedy="give a share above 0 and at most 1, like 5%")
    return share


def _move(row: Any) -> Move:
    values = plain(row)
    values |= {name: msgspec.json.decode(values[name]) for name in ("before", "after")}
    return msgspec.convert(values, Move)
