"""Who may ask: tokens checked on the request path from a map in memory, and how often each may.

The map follows the catalog beside the path. When the catalog can't be reached the last map holds. A workspace in which
no token was ever made answers everybody; the first one closes it, and it stays closed when all are revoked.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from tidewheel.errors import ConfigError, TidewheelError
from tidewheel.registry.tokens import PURPOSE, SCOPES, TOPIC, Scope, Token, list_tokens
from tidewheel.serving.transport.http import Request, Response, error_response
from tidewheel.storage.catalog.store import system_clock

if TYPE_CHECKING:
    from tidewheel.runtime.config import Settings
    from tidewheel.storage.catalog import Catalog

log = logging.getLogger("tidewheel.serving")

BEARER = b"bearer "
TOKEN = "make a token: tidewheel tokens create NAME"
LOOK_AGAIN = 5.0
"""Seconds after which the tokens are read again, whether or not the catalog said that they changed."""


class Bucket:
    """Lets so many requests a second through, and as many at once as come in a second.

    Examples
    --------
    >>> bucket = Bucket(2.0, at=0.0)
    >>> [bucket.take(0.0), bucket.take(0.0), bucket.take(0.0), bucket.take(0.5)]
    [0.0, 0.0, 0.5, 0.0]
    """

    __slots__ = ("at", "left", "most", "rate")

    def __init__(self, rate: float, at: float) -> None:
        self.rate = rate
        self.most = self.left = max(rate, 1.0)
        self.at = at

    def take(self, now: float) -> float:
        """Take one; return 0, or the seconds until there is one."""
        left = min(self.most, self.left + (now - self.at) * self.rate)
        self.at = now
        if left < 1.0:
            self.left = left
            return (1.0 - left) / self.rate
        self.left = left - 1.0
        return 0.0


class _Known:
    """A token as the path needs it."""

    __slots__ = ("bucket", "name", "scopes", "until")

    def __init__(self, token: Token, until: float, bucket: Bucket | None) -> None:
        self.name = token.name
        self.scopes = frozenset(SCOPES if "admin" in token.scopes else token.scopes)
        self.until = until
        self.bucket = bucket


class Guard:
    """Says whether a request may have what it asks for.

    Parameters
    ----------
    catalog : Catalog
        Holds the tokens.
    open : bool
        Whether callers without a token are answered though there are tokens.
    workers : int
        How many share a token's rate.

    Raises
    ------
    TidewheelError
        The tokens can't be read.
    """

    def __init__(self, catalog: Catalog, *, open: bool = False, workers: int = 1) -> None:
        self._catalog = catalog
        self._always_open = open
        self._workers = workers
        self._watch = catalog.watch(TOPIC)
        self._known: dict[bytes, _Known] = {}
        self._buckets: dict[str, Bucket] = {}
        self.any = False
        """Whether a token was ever made."""
        self._next = 0.0
        self.load()

    def load(self) -> None:
        """Read the tokens.

        Raises
        ------
        TidewheelError
            They can't be read.
        """
        found, now = list_tokens(self._catalog), system_clock()
        known: dict[bytes, _Known] = {}
        for token in found:
            bucket = self._bucket_of(token)
            for digest in token.digests(now):
                ends = [instant for instant in (token.expires, _grace(token, digest)) if instant is not None]
                known[bytes.fromhex(digest)] = _Known(token, min(ends, default=math.inf), bucket)
        self._known, self.any = known, bool(found)
        self._next = time.monotonic() + LOOK_AGAIN

    def _bucket_of(self, token: Token) -> Bucket | None:
        """Return a token's bucket: the same one, as full as it was, until its rate changes."""
        if not token.rate:
            return None
        rate, bucket = token.rate / self._workers, self._buckets.get(token.name)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[token.name] = Bucket(rate, time.monotonic())
        return bucket

    def follow(self) -> None:
        """Read the tokens again if they changed; keep those at hand when the catalog can't be reached."""
        try:
            if self._watch.changed() or time.monotonic() >= self._next:
                self.load()
        except TidewheelError as error:
            self._next = time.monotonic() + LOOK_AGAIN
            log.warning("the tokens can't be read again, those known hold: %s", error)

    def may(self, request: Request, scope: Scope) -> Response | None:
        """Return None when a request may, with its `caller` set; else the refusal."""
        sent = request.headers.get(b"authorization")
        if sent is None and self._always_open:
            return None
        if not self.any:
            return None if self._always_open else of_another_site(request)
        if sent is None or sent[:7].lower() != BEARER:
            return _unknown("no token was sent")
        known = self._known.get(blake2b(sent[7:], digest_size=32, key=PURPOSE).digest())
        if known is None or known.until <= system_clock():
            return _unknown("the token is not known, or no longer good")
        request.caller = known.name
        if scope not in known.scopes:
            scopes = ", ".join(sorted(known.scopes))
            return error_response(403, f"the token {known.name!r} may not {scope}", remedy=f"its scopes: {scopes}")
        if known.bucket is not None and (wait := known.bucket.take(time.monotonic())):
            return _too_often(known, wait)
        return None

    def close(self) -> None:
        """Stop following."""
        self._watch.close()


def _grace(token: Token, digest: str) -> int | None:
    return token.previous_until if digest == token.previous else None


def _unknown(what: str) -> Response:
    remedy = "send Authorization: Bearer TOKEN; make one: tidewheel tokens create NAME"
    return error_response(401, what, remedy=remedy, headers=((b"www-authenticate", b"Bearer"),))


def _too_often(known: _Known, wait: float) -> Response:
    retry = ((b"retry-after", str(math.ceil(wait)).encode()),)
    return error_response(429, f"the token {known.name!r} asks more often than it may", headers=retry)


def of_another_site(request: Request) -> Response | None:
    """Return the refusal of another site's page, which a browser lets ask this machine.

    It names its origin; or it was loaded by a name that has since been made to lead here, and asks for that host.

    Examples
    --------
    >>> here = {b"host": b"localhost:8700", b"origin": b"http://localhost:8700"}
    >>> of_another_site(Request("POST", "/", "", here)) is None
    True
    >>> of_another_site(Request("POST", "/", "", here | {b"origin": b"https://elsewhere.example"})).status
    403
    >>> of_another_site(Request("GET", "/", "", {b"host": b"elsewhere.example:8700"})).status
    403
    """
    host = request.headers.get(b"host", b"")
    if host and not _leads_here(host):
        return error_response(403, f"asked for as {host[:100].decode('latin-1')!r}", remedy=TOKEN)
    if b"origin" in request.headers and request.headers[b"origin"].partition(b"://")[2] != host:
        return error_response(403, "a page of another site asked", remedy=TOKEN)
    return None


@lru_cache(64)
def _leads_here(host: bytes) -> bool:
    """Return whether a ``Host`` header names this machine and can't be made to name another."""
    name = host.decode("latin-1")
    return is_loopback(name.rpartition("]")[0].strip("[") if name.startswith("[") else name.partition(":")[0])


def is_loopback(host: str) -> bool:
    """Return whether a host can be reached from this machine alone.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_open(guard: Guard, settings: Settings) -> None:
    """Refuse to listen off this machine where no token was ever made, unless `open` is set.

    Raises
    ------
    ConfigError
        It would answer anybody.
    """
    if not (guard.any or settings.open or is_loopback(settings.host)):
        raise ConfigError(
            f"host = {settings.host!r} would answer anybody on the network, and there are no tokens",
            where="tidewheel.toml",
            remedy="make one: tidewheel tokens create NAME --scope decide,ingest; or, behind a gateway that checks "
            "who asks, set open = true",
        )
