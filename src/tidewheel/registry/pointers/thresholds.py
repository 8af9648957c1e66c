"""Thresholds that are turned while a service runs: versioned, followed by every worker within a second."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec
import sqlalchemy as sa

from tidewheel.errors import InputError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.versions.names import current_user
from tidewheel.storage.catalog import Catalog, touch
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.tables import thresholds

Declared = Sequence[tuple[str, float]]
"""(action, lowest score) by rising score, as ``ir.Service.thresholds``."""


class Thresholds(msgspec.Struct, frozen=True):
    """Scores set at run time for some or all of a service's actions, over the declared ones."""

    service: str
    version: int
    levels: dict[str, float]
    at: int
    cause: str
    who: str


def set_thresholds(
    catalog: Catalog,
    service: str,
    levels: Mapping[str, float],
    *,
    declared: Declared | None = None,
    cause: str = "",
    who: str = "",
) -> Thresholds:
    """Turn a service's thresholds; an empty mapping goes back to the declared ones.

    Parameters
    ----------
    levels : mapping
        Lowest score of an action, for the actions to change.
    declared : sequence, optional
        The service's own thresholds: given, `levels` is checked against them.

    Raises
    ------
    InputError
        An action that the service does not have, a score that is no finite number, or scores out of order.
    """
    for action, score in levels.items():
        if not math.isfinite(score):
            raise InputError(f"{action}={score!r} is no finite number", where=f"thresholds of {service}")
    if declared is not None:
        effective(declared, levels, service=service)
    with catalog.write() as connection:
        newest = sa.select(sa.func.max(thresholds.c.version)).where(thresholds.c.service == service)
        version = (connection.execute(newest).scalar() or 0) + 1
        row = Thresholds(service, version, dict(levels), catalog.now(), cause, who or current_user())
        values = msgspec.structs.asdict(row) | {"levels": canonical(row.levels).decode()}
        connection.execute(sa.insert(thresholds).values(**values))
        told = {"version": version, "levels": row.levels, "cause": cause, "who": row.who}
        add_note(connection, "thresholds.set", service, told, at=row.at)
        touch(connection)
    return row


def get_thresholds(catalog: Catalog, service: str) -> Thresholds | None:
    """Return the thresholds set last, or None when nobody turned any."""
    found = threshold_history(catalog, service, limit=1)
    return found[0] if found else None


def threshold_history(catalog: Catalog, service: str, limit: int = 100) -> list[Thresholds]:
    """Return the thresholds that were set, newest first."""
    query = sa.select(thresholds).where(thresholds.c.service == service)
    with catalog.read() as connection:
        rows = connection.execute(query.order_by(thresholds.c.version.desc()).limit(limit)).all()
    return [
        Thresholds(row.service, row.version, msgspec.json.decode(row.levels), row.at, row.cause, row.who)
        for row in rows
    ]


def effective(declared: Declared, levels: Mapping[str, float], *, service: str = "") -> tuple[tuple[str, float], ...]:
    """Return the declared thresholds with `levels` over them.

    Examples
    --------
    >>> effective((("allow", 0.0), ("review", 0.6), ("block", 0.95)), {"review": 0.5})
    (('allow', 0.0), ('review', 0.5), ('block', 0.95))
    """
    known = [action for action, _ in declared]
    for action in levels:
        if action not in known:
            raise InputError(
                f"no action {action!r}", where=f"thresholds of {service}", remedy=f"its actions: {', '.join(known)}"
            )
    result = tuple((action, float(levels.get(action, score))) for action, score in declared)
    for (low, first), (high, second) in pairwise(result):
        if first >= second:
            raise InputError(
                f"{low}={first} is not below {high}={second}",
                where=f"thresholds of {service}",
                remedy=f"keep the order: {' < '.join(known)}",
            )
    return result
