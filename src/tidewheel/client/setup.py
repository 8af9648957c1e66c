"""What all calls of a client share."""

from __future__ import annotations

import ssl

import msgspec

from tidewheel.client.http1 import Address
from tidewheel.errors import ConfigError, DefinitionError, DeniedError, UnreachableError

TIMEOUT = "X-Request-Timeout-Ms"


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
        from tidewheel.definitions.durations import parse_duration

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
