"""What all calls of a client share."""

from __future__ import annotations

import select
import ssl
import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from tidewheel.client.calls import Call
from tidewheel.client.http1 import Address, address_of, context_of
from tidewheel.client.retries import RETRY_SHARE, Tries
from tidewheel.errors import ConfigError, DefinitionError, DeniedError, UnreachableError
from tidewheel.resending import Budget, hedge_of

TIMEOUT = "X-Request-Timeout-Ms"
MOST_IDLE = 32
"""Connections that are kept for the next call."""
C = TypeVar("C")
"""A connection."""


class HasFileno(Protocol):
    """A socket of any kind."""

    def fileno(self) -> int:
        """Return its descriptor."""
        ...


class Caller(Generic[C]):
    """What a client is made of, whether it waits or is awaited."""

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        deadline: str | float = 10.0,
        caller: str = "",
        context: ssl.SSLContext | None = None,
        retry_share: float = RETRY_SHARE,
        hedge: str | float = "",
        hedge_share: float = 0.05,
    ) -> None:
        self._address = address_of(url)
        self._context = context_of(self._address, context)
        self._setup = setup_of(token, deadline, caller)
        self._budget = Budget(retry_share)
        self._hedge = hedge_of(hedge, hedge_share)
        self.resent = Counter[str]()
        """How often calls were sent again: ``retry``; ``hedge`` beside the first, ``hedge won`` where it answered."""
        self._idle: deque[C] = deque()

    def _tries(self, deadline: str | float | None, repeatable: bool) -> Tries:
        return Tries(self._budget, self._setup.seconds(deadline), repeatable)

    def _again(
        self, tries: Tries, *, status: int = 0, headers: Mapping[str, str] | None = None, fresh: bool = True
    ) -> float | None:
        """Return the seconds to wait before the next try; None when there is to be none. As `Tries.again`."""
        pause = tries.again(status=status, headers=headers, fresh=fresh)
        self.resent["retry"] += bool(pause)
        return pause

    def _answered(self, tries: Tries) -> None:
        """Count a call that was answered."""
        self._budget.earn()
        if self._hedge is not None:
            self._hedge.note(time.monotonic() - tries.began)

    def _delay(self, call: Call[Any], tries: Tries) -> float | None:
        """Return the seconds after which a call is sent a second time; None when it is not."""
        delay = self._hedge.delay if self._hedge is not None and call.hedged and call.repeatable else None
        return None if delay is None or time.monotonic() + delay >= tries.until else delay

    def _takes_hedge(self) -> bool:
        taken = self._hedge is not None and self._hedge.take()
        self.resent["hedge"] += taken
        return taken


class Setup(msgspec.Struct, frozen=True):
    """A client's deadline, and the headers of its calls."""

    usual: float
    fixed: dict[str, str]

    def seconds(self, deadline: str | float | None) -> float:
        """Return how long a call may take."""
        return self.usual if deadline is None else seconds_of(deadline)

    def headers(self, left: float) -> dict[str, str]:
        """Return the headers of a try that has so many seconds left."""
        return {**self.fixed, TIMEOUT: str(min(max(int(left * 1000), 1), 3_600_000))}


def setup_of(token: str, deadline: str | float, caller: str) -> Setup:
    """Return what a client was given, checked."""
    fixed = {"Content-Type": "application/json"}
    if token:
        fixed["Authorization"] = f"Bearer {token}"
    if caller:
        fixed["tidewheel-caller"] = caller
    return Setup(seconds_of(deadline), fixed)


def seconds_of(deadline: str | float) -> float:
    """Return a deadline in seconds.

    Raises
    ------
    ConfigError
        It is none.

    Examples
    --------
    >>> seconds_of("250ms"), seconds_of(2)
    (0.25, 2.0)
    """
    if isinstance(deadline, str):
        from tidewheel.definitions.language.durations import parse_duration

        try:
            return parse_duration(deadline) / 1e6
        except (DefinitionError, ValueError) as error:
            raise ConfigError(f"deadline {deadline!r}: {error}") from error
    if not deadline > 0:
        raise ConfigError(f"deadline {deadline!r}", remedy='give seconds, or text such as "250ms"')
    return float(deadline)


def unreachable(address: Address, error: Exception) -> UnreachableError | DeniedError:
    """Return the error for a server that does not answer."""
    where = f"{address.host}:{address.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return DeniedError(f"the server's certificate is not trusted: {error.verify_message}", where=where)
    return UnreachableError(f"the server does not answer: {error}", where=where, remedy="is it running? tidewheel up")


def is_over(connection: HasFileno) -> bool:
    """Return whether the server has closed a connection on which nothing was asked: then there is something to read."""
    looking = select.poll()
    looking.register(connection, select.POLLIN)
    return bool(looking.poll(0))
