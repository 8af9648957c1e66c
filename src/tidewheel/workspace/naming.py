"""How callers name things: declarations by class or name, instants by datetime, text or microseconds."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tidewheel.definitions import microseconds
from tidewheel.errors import InputError, NotFoundError

Named = str | type
"""Wherever a name is accepted, the class is too."""
Instant = Any
"""A datetime with a zone, RFC 3339 text, or int64 microseconds."""


def name_of(thing: Named) -> str:
    """Return the name of a declaration given as itself or by name."""
    return thing if isinstance(thing, str) else thing.__name__


def to_instant(moment: Instant) -> int:
    """Return a moment as int64 microseconds UTC.

    Raises
    ------
    InputError
        A time without a zone, or text that is no RFC 3339 time.

    Examples
    --------
    >>> to_instant("1970-01-01T00:00:01Z")
    1000000
    """
    if isinstance(moment, datetime):
        return microseconds(moment)
    if isinstance(moment, int):
        return moment
    from tidewheel.serving.api.instants import instant_of

    try:
        return instant_of(moment)
    except ValueError as error:
        raise InputError(
            f"can't read {moment!r} as a time", remedy="write it like 2026-03-01T12:00:00Z, with a zone"
        ) from error


def find(things: Iterable[Any], name: str, what: str) -> Any:
    """Return the declaration called `name`.

    Raises
    ------
    NotFoundError
        There is none; the error names the likely one.
    """
    known = {thing.name: thing for thing in things}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known)) or 'none'}"
    if what == "view":
        remedy += "; one counts once a model or service reaches it"
    raise NotFoundError(f"the project declares no {what} {name!r}", remedy=remedy)
