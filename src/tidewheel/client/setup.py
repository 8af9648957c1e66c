"""What all calls of a client share."""

from __future__ import annotations

import select
import ssl
from collections import deque
from typing import Generic, Protocol, TypeVar

import msgspec

from tidewheel.client.http1 import Address, address_of, context_of
from tidewheel.client.retries import Budget
from tidewheel.errors import ConfigError, DefinitionError, DeniedError, UnreachableError

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
    ) -> None:
        self._address = address_of(url)
        self._context = context_of(self._address, context)
        self._setup = setup_of(token, deadline, caller)
        self._budget = Budget()
        self._idle: deque[C] = deque()


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
