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
from tidewheel.registry.canonical import canonical
from tidewheel.registry.pointers.approvals import request
from tidewheel.registry.runs.runs import Metric, Verdict
from tidewheel.registry.versions.names import current_user, format_name, member_of, parse_name
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.statements import Statement, same
from tidewheel.storage.catalog.tables import deleted_versions, deployments, environments, runs, versions

_made = sa.select(versions.c.number).where(same(versions.c.run)).scalar_subquery()
_newest = sa.select(sa.func.max(versions.c.number)).where(same(versions.c.model)).scalar_subquery()
_BEFORE = Statement(sa.select(runs.c.model, _made.label("made"), _newest.label("newest")).where(same(runs.c.id)))
_ADD = Statement(sa.insert(versions))
_ONE = Statement(sa.select(versions).where(same(versions.c.model, versions.c.number)))
_STANDING = Statement(sa.select(environments.c.number).where(same(environments.c.model, environments.c.environment)))
_GIVEN_UP = sa.exists().where(
    deleted_versions.c.model == versions.c.model, deleted_versions.c.number == versions.c.number
)
_LATEST = Statement(
    sa.select(versions).where(same(versions.c.model), ~_GIVEN_UP).order_by(versions.c.number.desc()).limit(1)
)
_DELETED = Statement(sa.select(deleted_versions).where(same(deleted_versions.c.model, deleted_versions.c.number)))
_read_metrics, _read_gates = msgspec.json.Decoder(list[Metric]).decode, msgspec.json.Decoder(list[Verdict]).decode


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
    version = Version(
        model=model,
        number=_newest_before(connection, model, run) + 1,
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
    _ADD.run(connection, row)
    request(connection, version.name, run, version.gates, at=at)
    told = {"version": version.name, "run": run, "bundle": bundle, "passed": version.passed, "who": version.who}
    add_note(connection, "version.registered", model, told, at=at)
    return version


def _newest_before(connection: sa.Connection, model: str, run: str) -> int:
    """Return the number of a model's newest version, once it is sure that a run may make the next."""
    found = _BEFORE.first(connection, {"of_id": run, "of_run": run, "of_model": model})
    if found is None or found["model"] != model:
        what = "there is none" if found is None else f"it is a run of {found['model']}"
        raise NotFoundError(f"no run {run!r} of {model}: {what}", remedy="`tidewheel runs` lists them")
    if found["made"] is not None:
        raise ConflictError(f"run {run} is {format_name(model, found['made'])} already")
    return int(found["newest"] or 0)


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
        if which in ("", "latest"):
            row = _LATEST.first(connection, {"of_model": model})
        else:
            number = _number(connection, model, which)
            row = _ONE.first(connection, {"of_model": model, "of_number": number})
        if row is None:
            raise _missing(connection, model, name)
        if not deleted:
            refuse_deleted(connection, model, row["number"])
    return _version(row)


def version_of_run(catalog: Catalog, run: str) -> Version | None:
    """Return the version that a run made, also one that was deleted; None when it made none."""
    with catalog.read() as connection:
        row = connection.execute(sa.select(versions).where(versions.c.run == run)).first()
    return None if row is None else _version(plain(row))


def _number(connection: sa.Connection, model: str, which: str) -> int:
    if which.isdigit():
        return int(which)
    if which in ("champion", "challenger"):
        return _pointed(connection, model, which)
    number = _STANDING.scalar(connection, {"of_model": model, "of_environment": which})
    if number is None:
        raise NotFoundError(
            f"{model} has no environment and no alias {which!r}",
            remedy=f"use latest, champion, challenger or a number; or tidewheel promote {model}@1 --to {which}",
        )
    return int(number)


def refuse_deleted(connection: sa.Connection, model: str, number: int) -> None:
    """Raise NotFoundError, inside the caller's transaction, when a version was deleted."""
    gone = _DELETED.first(connection, {"of_model": model, "of_number": number})
    if gone is not None:
        day = datetime.fromtimestamp(gone["at"] / 1e6, tz=UTC).strftime("%Y-%m-%d")
        said = f"{format_name(model, number)} was deleted by {gone['who']} on {day}"
        raise NotFoundError(f"{said}: {gone['why']}" if gone["why"] else said, remedy=f"see tidewheel versions {model}")


def deleted_names(catalog: Catalog) -> set[str]:
    """Return the versions that were deleted."""
    with catalog.read() as connection:
        found = connection.execute(sa.select(deleted_versions.c.model, deleted_versions.c.number)).all()
    return {format_name(row.model, row.number) for row in found}


def _pointed(connection: sa.Connection, model: str, which: str) -> int:
    rows = connection.execute(sa.select(deployments.c.service, deployments.c[which])).all()
    found = {name: row[0] for row in rows if (name := member_of(row[1], model))}
    if not found:
        raise NotFoundError(f"no service has a {which} of {model}", remedy=f"deploy one: tidewheel deploy {model}@1")
    if len(found) > 1:
        said = ", ".join(f"{service}: {version}" for version, service in sorted(found.items()))
        raise ConflictError(f"services differ on the {which} of {model} ({said})", remedy="name the version")
    return int(next(iter(found)).split("@")[1])


def list_versions(catalog: Catalog, model: str = "", limit: int = 1000) -> list[Version]:
    """Return versions, newest first, without those that were deleted."""
    query = sa.select(versions).order_by(versions.c.created.desc(), versions.c.number.desc()).limit(limit)
    query = query.where(~_GIVEN_UP)
    if model:
        query = query.where(versions.c.model == model)
    with catalog.read() as connection:
        return [_version(plain(row)) for row in connection.execute(query)]


def _version(row: dict[str, Any]) -> Version:
    return Version(**row | {"metrics": _read_metrics(row["metrics"]), "gates": _read_gates(row["gates"])})


def _missing(connection: sa.Connection, model: str, name: str) -> NotFoundError:
    query = sa.select(versions.c.number).where(versions.c.model == model, ~_GIVEN_UP).order_by(versions.c.number)
    known = [format_name(model, number) for number in connection.execute(query).scalars()]
    remedy = f"there are: {', '.join(known)}" if known else f"make one: tidewheel train {model}"
    if not known:
        models = connection.execute(sa.select(versions.c.model).distinct()).scalars()
        close = difflib.get_close_matches(model, list(models), n=1)
        remedy = f"did you mean {close[0]}?" if close else remedy
    return NotFoundError(f"no version {name}", remedy=remedy)
