"""What people say about a version after it was made: tags to find it by, notes, and that it is given up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from tidewheel.definitions.ir import Service
from tidewheel.errors import ConflictError, InputError
from tidewheel.registry.pointers.pinning import pins_of
from tidewheel.registry.versions.names import current_user, format_name, members_of
from tidewheel.registry.versions.versions import Version, refuse_deleted
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.tables import (
    deleted_versions,
    deployments,
    environments,
    service_versions,
    version_notes,
    version_tags,
)

PINNED = "pinned"
"""The tag that keeps a version from being deleted; its value says for what."""
_TAG = re.compile(r"[A-Za-z_][\w-]*")


class VersionNote(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person wrote about a version."""

    version: str
    text: str
    at: int
    who: str


def tag(
    catalog: Catalog, version: Version, tags: Mapping[str, str], *, remove: tuple[str, ...] = (), who: str = ""
) -> dict[str, str]:
    """Set tags of a version, and take some away; return all that it has now.

    Raises
    ------
    InputError
        A name that is no word, or one to take away that is not there.
    """
    who = who or current_user()
    for name in tags:
        if _TAG.fullmatch(name) is None:
            raise InputError(f"{name!r} can't name a tag", remedy="write name=value, the name a word such as team")
    with catalog.write() as connection:
        refuse_deleted(connection, version.model, version.number)
        known = _tags(connection, version)
        for name in remove:
            if name not in known:
                raise InputError(f"{version.name} has no tag {name!r}", remedy=f"it has: {', '.join(known) or 'none'}")
        for name in {*remove, *tags}:
            connection.execute(sa.delete(version_tags).where(_mine(version_tags, version), version_tags.c.tag == name))
        now = catalog.now()
        key = {"model": version.model, "number": version.number, "at": now, "who": who}
        for name, value in tags.items():
            connection.execute(sa.insert(version_tags).values(**key, tag=name, value=value))
        body = {"version": version.name, "tags": dict(tags), "removed": list(remove), "who": who}
        add_note(connection, "version.tagged", version.model, body, at=now)
        return _tags(connection, version)


def tags_of(catalog: Catalog, version: Version) -> dict[str, str]:
    """Return a version's tags, by name."""
    with catalog.read() as connection:
        return _tags(connection, version)


def all_tags(catalog: Catalog) -> dict[str, dict[str, str]]:
    """Return the tags of every version that has any, by its name."""
    found: dict[str, dict[str, str]] = {}
    with catalog.read() as connection:
        for row in connection.execute(sa.select(version_tags).order_by(version_tags.c.tag)):
            found.setdefault(format_name(row.model, row.number), {})[row.tag] = row.value
    return found


def note(catalog: Catalog, version: Version, text: str, *, who: str = "") -> VersionNote:
    """Write a note about a version; it stays as it is written."""
    if not text.strip():
        raise InputError("the note is empty", where=version.name)
    written = VersionNote(version=version.name, text=text.strip(), at=catalog.now(), who=who or current_user())
    with catalog.write() as connection:
        refuse_deleted(connection, version.model, version.number)
        row = {"model": version.model, "number": version.number}
        connection.execute(sa.insert(version_notes).values(**row, text=written.text, at=written.at, who=written.who))
    return written


def notes_of(catalog: Catalog, version: Version) -> list[VersionNote]:
    """Return what was written about a version, oldest first."""
    query = sa.select(version_notes).where(_mine(version_notes, version)).order_by(version_notes.c.seq)
    with catalog.read() as connection:
        return [
            VersionNote(version=version.name, text=row.text, at=row.at, who=row.who)
            for row in connection.execute(query)
        ]


def delete(catalog: Catalog, version: Version, *, why: str = "", who: str = "") -> None:
    """Give a version up: nothing answers for its name any more. Its record stays; its files go with ``tidewheel gc``.

    Raises
    ------
    ConflictError
        A service points at it or falls back to it (the one before counts: it is a rollback away), an environment does,
        or it is pinned.
    NotFoundError
        It was deleted already.
    """
    who = who or current_user()
    with catalog.write() as connection:  # the only writer: a deploy comes wholly before or wholly after
        refuse_deleted(connection, version.model, version.number)
        users = _users(connection, version)
        if users:
            raise ConflictError(
                f"{version.name} can't be deleted: {'; '.join(name for name, _ in users)}", remedy=users[0][1]
            )
        now = catalog.now()
        row = {"model": version.model, "number": version.number, "at": now, "why": why, "who": who}
        connection.execute(sa.insert(deleted_versions).values(**row))
        add_note(
            connection, "version.deleted", version.model, {"version": version.name, "why": why, "who": who}, at=now
        )


def _users(connection: sa.Connection, version: Version) -> list[tuple[str, str]]:
    """Return who needs a version, each with what to do about it."""
    found = []
    for row in connection.execute(sa.select(deployments).order_by(deployments.c.service)):
        for role, said in (("champion", "serves it"), ("challenger", "has it as canary"), ("previous", "keeps it")):
            if version.name in members_of(getattr(row, role)):
                tail = " for a rollback" if role == "previous" else ""
                remedy = "deploy another version (twice, when it is the one before)"
                found.append((f"{row.service} {said}{tail}", remedy))
        if version.name in _fallbacks(connection, row):
            found.append((f"{row.service} falls back to it", "deploy the service anew with a newer version"))
    here = sa.select(environments.c.environment).where(_mine(environments, version))
    for name in connection.execute(here.order_by(environments.c.environment)).scalars():
        found.append((f"it stands in {name}", f"tidewheel environments {version.model} --clear {name}"))
    pinned = _tags(connection, version).get(PINNED)
    if pinned is not None:
        found.append((f"it is pinned: {pinned}".removesuffix(": "), f"tidewheel tag {version.name} --remove {PINNED}"))
    return found


def _fallbacks(connection: sa.Connection, row: sa.Row[Any]) -> list[str]:
    """Return the versions that the fallback chains of a deployment name."""
    digests = (row.service_version, row.challenger_service_version, row.previous_service_version)
    query = sa.select(service_versions.c.definition).where(service_versions.c.digest.in_(digests))
    frozen = [msgspec.json.decode(text, type=Service) for text in connection.execute(query).scalars()]
    return [name for service in frozen for name in pins_of(service)]


def _tags(connection: sa.Connection, version: Version) -> dict[str, str]:
    query = sa.select(version_tags).where(_mine(version_tags, version)).order_by(version_tags.c.tag)
    return {row.tag: row.value for row in connection.execute(query)}


def _mine(table: sa.Table, version: Version) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.model == version.model, table.c.number == version.number)
