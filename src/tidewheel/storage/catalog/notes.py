"""The outbox: what happened in the life of models and services, on its way to the event log.

A note is written in the transaction of the change it tells of, so neither is ever there without the other.
Whoever owns the log sends pending notes and marks them; one sent twice is recognised by its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from tidewheel.storage.catalog.actor import actor
from tidewheel.storage.catalog.statements import Statement
from tidewheel.storage.catalog.store import Catalog
from tidewheel.storage.catalog.tables import notes

_ADD = Statement(sa.insert(notes).returning(notes.c.seq))


class Note(msgspec.Struct, frozen=True):
    """Something that happened, such as kind ``deployment.promote`` to subject ``Score``."""

    seq: int
    kind: str
    subject: str
    body: dict[str, Any]
    at: int
    sent: int | None = None
    """When it was put into the event log; None while it waits."""


def add_note(
    connection: sa.Connection, kind: str, subject: str, body: Mapping[str, Any] | None = None, *, at: int
) -> int:
    """Write a note inside the caller's transaction; return its number. It bears the actor's name and address."""
    told, who = dict(body or {}), actor()
    if who is not None:
        told |= {"who": told.get("who") or who.who, "from": who.origin}
    text = msgspec.json.encode(told, order="sorted").decode()
    return int(_ADD.scalar(connection, {"kind": kind, "subject": subject, "body": text, "at": at}))


def note(catalog: Catalog, kind: str, subject: str, body: Mapping[str, Any] | None = None) -> int:
    """Write a note in a transaction of its own; return its number."""
    with catalog.write() as connection:
        return add_note(connection, kind, subject, body, at=catalog.now())


def list_notes(catalog: Catalog, *, subject: str = "", kind: str = "", after: int = 0, limit: int = 1000) -> list[Note]:
    """Return notes in order, oldest first, of one subject or of kinds that begin with `kind`."""
    kinds = (kind,) if kind else ()
    return _rows(catalog, _chosen(subject, kinds).where(notes.c.seq > after).order_by(notes.c.seq).limit(limit))


def latest_notes(
    catalog: Catalog, kinds: Sequence[str], *, subject: str = "", who: str = "", limit: int = 100
) -> list[Note]:
    """Return the newest notes of kinds that begin with one of `kinds`, newest first; of one person's if named."""
    query = _chosen(subject, kinds).order_by(notes.c.seq.desc())
    if who:
        said = msgspec.json.encode({"who": who}).decode()[1:-1]
        query = query.where(sa.func.replace(notes.c.body, said, "") != notes.c.body)  # LIKE is blind to case in SQLite
    return _rows(catalog, query.limit(limit))


def _chosen(subject: str, kinds: Sequence[str]) -> sa.Select[Any]:
    query = sa.select(notes)
    if subject:
        query = query.where(notes.c.subject == subject)
    if kinds:
        query = query.where(sa.or_(*(notes.c.kind.startswith(kind, autoescape=True) for kind in kinds)))
    return query


def newest_notes(catalog: Catalog, kind: str) -> dict[str, Note]:
    """Return the newest note of a kind of each subject."""
    newest = sa.select(sa.func.max(notes.c.seq)).where(notes.c.kind == kind).group_by(notes.c.subject)
    found = _rows(catalog, sa.select(notes).where(notes.c.seq.in_(newest)).order_by(notes.c.subject))
    return {note.subject: note for note in found}


def pending_notes(catalog: Catalog, limit: int = 1000) -> list[Note]:
    """Return the oldest notes that are not in the event log yet."""
    return _rows(catalog, sa.select(notes).where(notes.c.sent.is_(None)).order_by(notes.c.seq).limit(limit))


def mark_sent(catalog: Catalog, numbers: Sequence[int]) -> None:
    """Tell that notes with these numbers stand in the event log."""
    if numbers:
        with catalog.write() as connection:
            connection.execute(sa.update(notes).where(notes.c.seq.in_(numbers)).values(sent=catalog.now()))


def _rows(catalog: Catalog, query: sa.Select[Any]) -> list[Note]:
    with catalog.read() as connection:
        found = connection.execute(query).all()
    return [Note(row.seq, row.kind, row.subject, msgspec.json.decode(row.body), row.at, row.sent) for row in found]
