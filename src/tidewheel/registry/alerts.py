"""Open alerts: one row while a thing is wrong, however often it is seen; closed when it is right again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import alerts


class Alert(msgspec.Struct, frozen=True):
    """Something wrong with a service: `kind` such as ``drift``, `subject` such as a feature's name."""

    seq: int
    service: str
    kind: str
    subject: str
    message: str
    detail: dict[str, Any]
    opened: int
    seen: int
    times: int
    closed: int | None


def raise_alert(
    catalog: Catalog,
    service: str,
    kind: str,
    subject: str,
    message: str,
    detail: Mapping[str, Any] | None = None,
) -> Alert:
    """Open an alert, or see an open one of the same service, kind and subject again."""
    now = catalog.now()
    values = {"message": message, "detail": msgspec.json.encode(dict(detail or {}), order="sorted").decode()}
    with catalog.write() as connection:
        same = sa.and_(
            alerts.c.service == service,
            alerts.c.kind == kind,
            alerts.c.subject == subject,
            alerts.c.closed.is_(None),
        )
        again = connection.execute(sa.update(alerts).where(same).values(seen=now, times=alerts.c.times + 1, **values))
        if again.rowcount == 0:
            row = {"service": service, "kind": kind, "subject": subject, "opened": now, "seen": now, "times": 1}
            connection.execute(sa.insert(alerts).values(**row, **values))
            told = {"kind": kind, "subject": subject, "message": message, "detail": dict(detail or {})}
            add_note(connection, f"alert.{kind}", service, told, at=now)
        return _alert(connection.execute(sa.select(alerts).where(same)).one())


def close_alert(catalog: Catalog, service: str, kind: str, subject: str) -> bool:
    """Close the open alert of a service, kind and subject; return False when there is none."""
    now = catalog.now()
    with catalog.write() as connection:
        same = sa.and_(alerts.c.service == service, alerts.c.kind == kind, alerts.c.subject == subject)
        query = sa.update(alerts).where(same, alerts.c.closed.is_(None)).values(closed=now)
        closed = connection.execute(query).rowcount > 0
        if closed:
            add_note(connection, f"alert.{kind}.closed", service, {"kind": kind, "subject": subject}, at=now)
    return closed


def list_alerts(catalog: Catalog, service: str = "", *, only_open: bool = False) -> list[Alert]:
    """Return alerts, oldest first."""
    query = sa.select(alerts).order_by(alerts.c.seq)
    if service:
        query = query.where(alerts.c.service == service)
    if only_open:
        query = query.where(alerts.c.closed.is_(None))
    with catalog.read() as connection:
        return [_alert(row) for row in connection.execute(query)]


def _alert(row: Any) -> Alert:
    return Alert(**(plain(row) | {"detail": msgspec.json.decode(row.detail)}))
