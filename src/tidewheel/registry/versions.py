"""Model versions: ``Fraud@3`` is one bundle and one run, for ever."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
import sqlalchemy.exc

from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.registry.approvals import request
from tidewheel.registry.canonical import canonical
from tidewheel.registry.names import current_user, format_name, parse_name
from tidewheel.registry.runs import Metric, Verdict
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import deleted_versions, deployments, environments, runs, versions


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable version of a model."""

    model: str
    number: int
    run: str
    bundle: str
    """Artifact that holds all that serving needs."""
    view: str
    """Digest of the view it was trained on."""
    definition: str
    """Digest of the model's declaration."""
    metrics: list[Metric]
    gates: list[Verdict]
    who: str
    created: int

    @property
    def name(self) -> str:
        """``Model@number``."""
        return format_name(self.model, self.number)

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def good(self) -> bool:
        """Whether every gate passed that asks how good it is."""
        return all(gate.passed for gate in self.gates if gate.blessing == "good")

    @property
    def servable(self) -> bool:
        """Whether it has a bundle, and every gate passed that asks whether it can be served."""
        return bool(self.bundle) and all(gate.passed for gate in self.gates if gate.blessing == "servable")


def register(catalog: Catalog, model: str, **given: Any) -> Version:
    """Make the next version of `model` from a run and its bundle; see `add_version`."""
    with catalog.write() as connection:
        return add_version(connection, model, at=catalog.now(), **given)


def add_version(
    connection: sa.Connection,
    model: str,
    *,
    at: int,
    run: str,
    bundle: str,
    view: str = "",
    definition: str = "",
    metrics: Sequence[Metric] = (),
    gates: Sequence[Verdict] = (),
    who: str = "",
) -> Version:
    """Make the next version of `model` from a run and its bundle, in the caller's transaction.

    Raises
    ------
    NotFoundError
        There is no such run.
    ConflictError
        The run made a version already.
    """
    _check_run(connection, model, run)
    last = connection.execute(sa.select(sa.func.max(versions.c.number)).where(versions.c.model == model)).scalar()
    version = Version(
        model=model,
        number=(last or 0) + 1,
        run=run,
        bundle=bundle,
        view=view,
        definition=definition,
        metrics=list(metrics),
        gates=list(gates),
        who=who or current_user(),
        created=at,
    )
    row = msgspec.structs.asdict(version)
    row |= {"metrics": canonical(version.metrics).decode(), "gates": canonical(version.gates).decode()}
    connection.execute(sa.insert(versions).values(**row))
    request(connection, version.name, run, version.gates, at=at)
    told = {"version": version.name, "run": run, "bundle": bundle, "passed": version.passed}
    add_note(connection, "version.registered", model, told, at=at)
    return version


def _check_run(connection: sa.Connection, model: str, run: str) -> None:
    trained = connection.execute(sa.select(runs.c.model).where(runs.c.id == run)).scalar()
    if trained != model:
        what = "there is none" if trained is None else f"it is a run of {trained}"
        raise NotFoundError(f"no run {run!r} of {model}: {what}", remedy="`tidewheel runs` lists them")
    made = connection.execute(sa.select(versions.c.number).where(versions.c.run == run)).scalar()
    if made is not None:
        raise ConflictError(f"run {run} is {format_name(model, made)} already")


def get_version(catalog: Catalog, name: str, *, deleted: bool = False) -> Version:
    """Return a version by name.

    Parameters
    ----------
    name : str
        ``Fraud@3``; ``Fraud`` or ``Fraud@latest`` for the newest; ``Fraud@champion`` or ``Fraud@challenger``
        for the one that a service points at; ``Fraud@staging`` for the one that stands in an environment.
    deleted : bool
        Also one that was deleted, by its number: what it decided is still on record.

    Raises
    ------
    NotFoundError
        There is none.
    ConflictError
        Services that share the model point at different ones.
    """
    model, which = parse_name(name)
    with catalog.read() as connection:
        query = sa.select(versions).where(versions.c.model == model).order_by(versions.c.number.desc()).limit(1)
        if which in ("", "latest"):
            query = query.where(~_given_up())
        else:
            query = query.where(versions.c.number == _number(connection, model, which))
        row = connection.execute(query).first()
        if row is None:
            raise _missing(connection, model, name)
        if not deleted:
            refuse_deleted(connection, model, row.number)
    return _version(row)


def version_of_run(catalog: Catalog, run: str) -> Version | None:
    """Return the version that a run made, also one that was deleted; None when it made none."""
    with catalog.read() as connection:
        row = connection.execute(sa.select(versions).where(versions.c.run == run)).first()
    return None if row is None else _version(row)


def _number(connection: sa.Connection, model: str, which: str) -> int:
    if which.isdigit():
        return int(which)
    if which in ("champion", "challenger"):
        return _pointed(connection, model, which)
    here = sa.and_(environments.c.model == model, environments.c.environment == which)
    number = connection.execute(sa.select(environments.c.number).where(here)).scalar()
    if number is None:
        raise NotFoundError(
            f"{model} has no environment and no alias {which!r}",
            remedy=f"use latest, champion, challenger or a number; or tidewheel promote {model}@1 --to {which}",
        )
    return int(number)


def refuse_deleted(connection: sa.Connection, model: str, number: int) -> None:
    """Raise NotFoundError, inside the caller's transaction, when a version was deleted."""
    mine = sa.and_(deleted_versions.c.model == model, deleted_versions.c.number == number)
    gone = connection.execute(sa.select(deleted_versions).where(mine)).first()
    if gone is not None:
        day = datetime.fromtimestamp(gone.at / 1e6, tz=UTC).strftime("%Y-%m-%d")
        said = f"{format_name(model, number)} was deleted by {gone.who} on {day}"
        raise NotFoundError(f"{said}: {gone.why}" if gone.why else said, remedy=f"see tidewheel versions {model}")


def _given_up() -> sa.Exists:
    mine = sa.and_(deleted_versions.c.model == versions.c.model, deleted_versions.c.number == versions.c.number)
    return sa.exists().where(mine)


def _pointed(connection: sa.Connection, model: str, which: str) -> int:
    rows = connection.execute(sa.select(deployments.c.service, deployments.c[which])).all()
    found = {row[1]: row[0] for row in rows if row[1].startswith(f"{model}@")}
    if not found:
        raise NotFoundError(f"no service has a {which} of {model}", remedy=f"deploy one: tidewheel deploy {model}@1")
    if len(found) > 1:
        said = ", ".join(f"{service}: {version}" for version, service in sorted(found.items()))
        raise ConflictError(f"services differ on the {which} of {model} ({said})", remedy="name the version")
    return int(next(iter(found)).split("@")[1])


def list_versions(catalog: Catalog, model: str = "", limit: int = 1000) -> list[Version]:
    """Return versions, newest first, without those that were deleted."""
    query = sa.select(versions).order_by(versions.c.created.desc(), versions.c.number.desc()).limit(limit)
    query = query.where(~_given_up())
    if model:
        query = query.where(versions.c.model == model)
    with catalog.read() as connection:
        return [_version(row) for row in connection.execute(query)]


def _version(row: Any) -> Version:
    values = plain(row)
    values |= {name: msgspec.json.decode(values[name]) for name in ("metrics", "gates")}
    return msgspec.convert(values, Version)


def _missing(connection: sa.Connection, model: str, name: str) -> NotFoundError:
    query = sa.select(versions.c.number).where(versions.c.model == model, ~_given_up()).order_by(versions.c.number)
    known = [format_name(model, number) for number in connection.execute(query).scalars()]
    remedy = f"there are: {', '.join(known)}" if known else f"make one: tidewheel train {model}"
    if not known:
        models = connection.execute(sa.select(versions.c.model).distinct()).scalars()
        close = difflib.get_close_matches(model, list(models), n=1)
        remedy = f"did you mean {close[0]}?" if close else remedy
    return NotFoundError(f"no version {name}", remedy=remedy)
