"""Who acts, for the record: set around what is done for somebody else, such as a caller of the control plane."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Actor(NamedTuple):
    """Somebody for whom this process acts: a token's name, and the address that asked."""

    who: str
    origin: str = ""


_ACTOR: ContextVar[Actor | None] = ContextVar("tidewheel_actor", default=None)
actor = _ACTOR.get
"""Return the actor of the moment; None where the process acts for its own user."""


@contextmanager
def acting(who: str, origin: str = "") -> Iterator[None]:
    """Do what is done inside for somebody: notes of it bear their name and where they asked from.

    Examples
    --------
    >>> with acting("ci", "10.0.0.7"):
    ...     actor()
    Actor(who='ci', origin='10.0.0.7')
    """
    before = _ACTOR.set(Actor(who, origin))
    try:
        yield
    finally:
        _ACTOR.reset(before)
