"""Environments: names such as staging or production that point at versions, with everything that ever stood there.

An environment says which version is meant; a deployment (`tidewheel.registry.pointers.deployments`) says which version
answers a service's traffic. Moving the one does not move the other.
"""

from __future__ import annotations

import re

import msgspec
import sqlalchemy as sa

from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.pointers.approvals import missing_approvals
from tidewheel.registry.versions.names import current_user, format_name
from tidewheel.registry.versions.versions import Version, refuse_deleted
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.statements import Statement, same
from tidewheel.storage.catalog.tables import environment_history, environments

USUAL = ("development", "staging", "production")
TAKEN = frozenset({"latest", "champion", "challenger"})
"""What ``Model@...`` means already."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_HERE = same(environments.c.model, environments.c.environment)
_THERE = same(environment_history.c.model, environment_history.c.environment)
_STANDING = Statement(sa.select(environments).where(_HERE))
_LEAVE, _STAND = Statement(sa.delete(environments).where(_HERE)), Statement(sa.insert(environments))
_NEWEST = Statement(sa.select(sa.func.max(environment_history.c.revision)).where(_THERE))
_TELL = Statement(sa.insert(environment_history))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of a model stands in an environment."""

    model: str
    environment: str
    number: int
    revision: int
    """Goes up by one with each change."""
    since: int
    why: str = ""
    who: str = ""

    @property
    def version(self) -> str:
        """``Model@number``."""
        return format_name(self.model, self.number)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A row of an environment's history. None stands for an environment that was, or was left, empty."""

    seq: int
    model: str
    environment: str
    revision: int
    before: int | None
    after: int | None
    at: int
    why: str
    who: str


def promote(
    catalog: Catalog, version: Version, environment: str, *, why: str = "", who: str = "", force: bool = False
) -> Standing:
    """Make a version stand in an environment; return the pointer, unchanged when it stood there already.

    Parameters
    ----------
    environment : str
        ``development``, ``staging``, ``production``, or any name of lower-case letters, digits, ``-`` and ``_``.
    force : bool
        Also a version that did not pass its gates; the history keeps that it was forced. Development takes any.

    Raises
    ------
    InputError
        The name can't be an environment's.
    ConflictError
        The version did not pass its gates, or waits for a person.
    NotFoundError
        The version was deleted.
    """
    check_environment(environment)
    failed = [gate.gate for gate in version.gates if not gate.passed and not gate.waits]
    missing = missing_approvals(catalog, version.name, version.gates) if environment != "development" else []
    if missing:
        raise ConflictError(
            f"{version.name} is not approved ({'; '.join(missing)})",
            remedy=f"whoever is named answers by: tidewheel approve {version.name} --as NAME",
        )
    if failed and environment != "development":
        if not force:
            raise ConflictError(
                f"{version.name} did not pass its gates ({', '.join(failed)})",
                remedy=f"train a better one, or take it on yourself: "
                f"tidewheel promote {version.name} --to {environment} --force",
            )
        why = f"forced past {', '.join(failed)}: {why}".removesuffix(": ")
    return _move(catalog, version.model, environment, version.number, why, who)


def clear(catalog: Catalog, model: str, environment: str, *, why: str = "", who: str = "") -> None:
    """Leave an environment empty.

    Raises
    ------
    NotFoundError
        Nothing stands there.
    """
    if find_standing(catalog, model, environment) is None:
        raise NotFoundError(f"no version of {model} stands in {environment!r}")
    _move(catalog, model, environment, None, why, who)


def _move(catalog: Catalog, model: str, environment: str, number: int | None, why: str, who: str) -> Standing:
    who = who or current_user()
    here = _here(model, environment)
    with catalog.write() as connection:
        row = _STANDING.first(connection, here)
        before = None if row is None else Standing(**row)
        if before is not None and before.number == number:
            return before
        if number is not None:
            refuse_deleted(connection, model, number)
        revision = (_NEWEST.scalar(connection, here) or 0) + 1  # an emptied environment goes on counting
        key = {"model": model, "environment": environment, "revision": revision}
        now, told = catalog.now(), {"why": why, "who": who}
        _LEAVE.run(connection, here)
        if number is not None:
            _STAND.run(connection, {**key, "number": number, "since": now, **told})
        step = {"before": None if before is None else before.number, "after": number}
        _TELL.run(connection, {**key, **step, "at": now, **told})
        add_note(connection, "environment.moved", model, key | step | told, at=now)
    return Standing(
        model=model, environment=environment, number=number or 0, revision=revision, since=now, why=why, who=who
    )


def _here(model: str, environment: str) -> dict[str, str]:
    return {"of_model": model, "of_environment": environment}


def find_standing(catalog: Catalog, model: str, environment: str) -> Standing | None:
    """Return what stands in an environment, or None."""
    found = catalog.first(_STANDING, _here(model, environment))
    return None if found is None else Standing(**found)


def list_environments(catalog: Catalog, model: str = "") -> list[Standing]:
    """Return what stands where, by model; the usual environments first, in the order in which a version goes."""
    query = sa.select(environments)
    if model:
        query = query.where(environments.c.model == model)
    with catalog.read() as connection:
        found = [Standing(**plain(row)) for row in connection.execute(query)]
    return sorted(found, key=lambda standing: (standing.model, *_order(standing.environment)))


def environment_changes(catalog: Catalog, model: str = "", environment: str = "", limit: int = 1000) -> list[Change]:
    """Return what was moved, newest first: of one model or environment, or of all."""
    query = sa.select(environment_history).order_by(environment_history.c.seq.desc()).limit(limit)
    for column, wanted in (("model", model), ("environment", environment)):
        if wanted:
            query = query.where(environment_history.c[column] == wanted)
    with catalog.read() as connection:
        return [Change(**plain(row)) for row in connection.execute(query)]


def check_environment(name: str) -> str:
    """Return `name` when it can be an environment's.

    Raises
    ------
    InputError
        It is no lower-case word, or means something else already.

    Examples
    --------
    >>> check_environment("eu-staging")
    'eu-staging'
    """
    if name in TAKEN:
        raise InputError(f"{name!r} is an alias already", remedy=f"choose another, such as {', '.join(USUAL)}")
    if _NAME.fullmatch(name) is None:
        raise InputError(
            f"{name!r} can't name an environment", remedy="write a lower-case word: letters, digits, - and _"
        )
    return name


def _order(environment: str) -> tuple[int, str]:
    return (USUAL.index(environment) if environment in USUAL else len(USUAL), environment)
