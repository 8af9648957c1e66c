"""A gang: processes that work side by side and talk to each other, begun anew as a whole when one of them dies."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tidewheel.errors import EngineError

RETRIES = 3
"""Times that a gang is begun anew because a member died."""
GRACE = 5.0
"""Seconds in which, after one member raised, another may show that it died, which is then the reason."""


@dataclass(frozen=True)
class Member:
    """One of a gang, as its work is told.

    Attributes
    ----------
    rank : int
        Its place, from 0.
    peers : tuple of str
        ``host:port`` of every member by rank; each may listen at its own.
    """

    rank: int
    peers: tuple[str, ...]

    @property
    def host(self) -> str:
        """Where this member is."""
        return self.peers[self.rank].rpartition(":")[0]

    @property
    def port(self) -> int:
        """A port that nothing listened at when the gang began."""
        return int(self.peers[self.rank].rpartition(":")[2])


@dataclass(frozen=True)
class Outcome:
    """What came of one member: a result, an error, or neither, when it was ended because another failed."""

    result: Any = None
    error: BaseException | None = None
    died: bool = False


def until_whole(once: Callable[[], Sequence[Outcome]]) -> list[Any]:
    """Run a gang until no member dies; return its results by rank.

    An error that is raised while another member dies is the others' losing touch with it: the gang begins anew.

    Raises
    ------
    EngineError
        Members died `RETRIES` times more than once.
    BaseException
        What the first member that failed by itself raised.

    Examples
    --------
    >>> tries = iter([[Outcome(died=True), Outcome(error=OSError("peer is gone"))], [Outcome(1), Outcome(2)]])
    >>> until_whole(lambda: next(tries))
    [1, 2]
    """
    for _ in range(1 + RETRIES):
        outcomes = once()
        if any(outcome.died for outcome in outcomes):
            continue
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return [outcome.result for outcome in outcomes]
    raise EngineError(
        f"a worker died in each of {1 + RETRIES} tries", remedy="look for what kills it: memory is the likeliest"
    )


def held_port() -> socket.socket:
    """Return a socket bound to a free port, which is nobody else's until it is closed."""
    found = socket.socket()
    found.bind(("", 0))
    return found
