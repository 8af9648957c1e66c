"""API tokens: who may ask for what, and how often. The catalog keeps a hash, never the token.

A token is 256 random bits, so there is no dictionary to guess it from: a fast hash, keyed by its purpose, is the right
one (a slow one, as passwords need, would cost each request milliseconds and add nothing).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa

from tidewheel.collect.checking.values import LATEST
from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.versions.names import current_user
from tidewheel.storage.catalog import Catalog, touch
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.store import system_clock
from tidewheel.storage.catalog.tables import tokens

Scope = Literal["ingest", "decide", "read", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
TOPIC = "tokens"
"""What watchers of the catalog follow."""
PREFIX = "tw_"
GRACE = 86_400_000_000
"""How long the token before a rotation stays good: a day."""
PURPOSE = b"tidewheel api token 1"
"""Key of the hash, so that it is good for nothing else."""
_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}")


class Token(msgspec.Struct, frozen=True):
    """What is known of a token. Instants are µs UTC of the machine's clock: a replayed one says nothing of trust."""

    name: str
    scopes: tuple[Scope, ...]
    digest: str
    previous: str
    previous_until: int | None
    rate: float
    """Requests a second over all workers of a host; 0 for no limit."""
    created: int
    expires: int | None
    revoked: int | None
    who: str

    def digests(self, now: int) -> list[str]:
        """Return the hashes that are good at an instant."""
        if self.revoked is not None or (self.expires is not None and self.expires <= now):
            return []
        graced = self.previous and (self.previous_until or 0) > now
        return [self.digest, *([self.previous] if graced else [])]

    def state(self, now: int) -> str:
        """Return how it stands: active, expired or revoked."""
        return "revoked" if self.revoked is not None else "active" if self.digests(now) else "expired"


class NewToken(msgspec.Struct, frozen=True):
    """A token just made: the only time that it can be read."""

    token: Token
    secret: str


def digest_of(secret: str | bytes) -> str:
    """Return the hash under which a token is known.

    Examples
    --------
    >>> len(digest_of("tw_example")), digest_of("tw_example") == digest_of(b"tw_example")
    (64, True)
    """
    data = secret.encode() if isinstance(secret, str) else secret
    return hashlib.blake2b(data, digest_size=32, key=PURPOSE).hexdigest()


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """Read ``decide,ingest``.

    Raises
    ------
    InputError
        A name is no scope, or there is none.

    Examples
    --------
    >>> parse_scopes("ingest, decide")
    ('ingest', 'decide')
    """
    named = [part.strip() for part in text.split(",") if part.strip()]
    for name in named or [""]:
        if name not in SCOPES:
            raise InputError(f"no scope {name!r}", remedy=f"scopes: {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in named)


def parse_rate(text: str) -> float:
    """Read requests a second: ``100/s``, ``600/min`` or a number.

    Raises
    ------
    InputError
        It is neither.

    Examples
    --------
    >>> parse_rate("100/s"), parse_rate("600/min"), parse_rate("2.5")
    (100.0, 10.0, 2.5)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/(s|min|h))?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise InputError(f"can't read the rate {text!r}", remedy="write it like 100/s or 600/min")
    return float(match[1]) / {"s": 1, "min": 60, "h": 3600}[match[2] or "s"]


def create_token(
    catalog: Catalog, name: str, scopes: Sequence[Scope], *, expires: int | None = None, rate: float = 0.0
) -> NewToken:
    """Make a token, and return it: it is shown this once.

    Parameters
    ----------
    name : str
        Who it is for; the `caller` of their decisions.
    scopes : sequence
        What it may do.
    expires : int, optional
        When it ends, µs UTC.
    rate : float
        Requests a second; 0 for no limit.

    Raises
    ------
    ConflictError
        There is one of this name, in use or revoked: a name in old records goes on meaning one caller.
    InputError
        The name has other characters than letters, digits, ``.``, ``-`` and ``_``; or it ends before it begins.
    """
    if _NAME.fullmatch(name) is None:
        raise InputError(f"{name!r} can't name a token", remedy="a letter, then letters, digits, '.', '-' or '_'")
    secret, now = PREFIX + secrets.token_urlsafe(32), system_clock()
    if expires is not None and not now < expires <= LATEST:
        said = "have ended already" if expires <= now else "end after the year 9999"
        raise InputError(f"the token would {said}", remedy="give a time ahead, such as --expires 90d")
    made = Token(name, tuple(scopes), digest_of(secret), "", None, rate, now, expires, None, current_user())
    with catalog.write() as connection:
        if _find(connection, name) is not None:
            raise ConflictError(
                f"there is a token {name!r} already", remedy=f"take another name, or: tidewheel tokens rotate {name}"
            )
        row = msgspec.structs.asdict(made) | {"scopes": ",".join(made.scopes)}
        connection.execute(sa.insert(tokens).values(**row))
        _tell(catalog, connection, "created", name, scopes=list(made.scopes), expires=expires, rate=rate)
    return NewToken(made, secret)


def rotate_token(catalog: Catalog, name: str, *, grace: int = GRACE) -> NewToken:
    """Give a token a new secret; the one before stays good for `grace` µs, so that callers can change over.

    Raises
    ------
    NotFoundError
        There is none of this name.
    ConflictError
        It is revoked.
    InputError
        The grace is negative, or has no end.
    """
    secret, now = PREFIX + secrets.token_urlsafe(32), system_clock()
    if not 0 <= grace <= LATEST - now:
        raise InputError(f"a grace of {grace} µs", remedy="give one such as --grace 1d")
    with catalog.write() as connection:
        before = _living(connection, name)
        values: dict[str, Any] = {"digest": digest_of(secret), "previous": before.digest, "previous_until": now + grace}
        connection.execute(sa.update(tokens).where(tokens.c.name == name).values(**values))
        _tell(catalog, connection, "rotated", name, grace=grace)
    return NewToken(msgspec.structs.replace(before, **values), secret)


def revoke_token(catalog: Catalog, name: str) -> Token:
    """End a token now; workers refuse it within a second.

    Raises
    ------
    NotFoundError
        There is none of this name.
    ConflictError
        It is revoked already.
    """
    now = system_clock()
    with catalog.write() as connection:
        before = _living(connection, name)
        connection.execute(sa.update(tokens).where(tokens.c.name == name).values(revoked=now))
        _tell(catalog, connection, "revoked", name)
    return msgspec.structs.replace(before, revoked=now)


def list_tokens(catalog: Catalog) -> list[Token]:
    """Return every token that was ever made, by name."""
    with catalog.read() as connection:
        return [_token(row) for row in connection.execute(sa.select(tokens).order_by(tokens.c.name))]


def shown(token: Token, now: int) -> dict[str, Any]:
    """Return what may be told of a token: all but its hashes."""
    told = msgspec.to_builtins(token)
    return {k: v for k, v in told.items() if k not in ("digest", "previous")} | {"state": token.state(now)}


def _living(connection: sa.Connection, name: str) -> Token:
    found = _find(connection, name)
    if found is None:
        known = connection.execute(sa.select(tokens.c.name).order_by(tokens.c.name)).scalars().all()
        raise NotFoundError(f"no token {name!r}", remedy=f"there are: {', '.join(known) or 'none'}")
    if found.revoked is not None:
        raise ConflictError(f"the token {name!r} is revoked", remedy="make another: tidewheel tokens create NAME")
    return found


def _find(connection: sa.Connection, name: str) -> Token | None:
    row = connection.execute(sa.select(tokens).where(tokens.c.name == name)).first()
    return None if row is None else _token(row)


def _token(row: Any) -> Token:
    return Token(**(plain(row) | {"scopes": tuple(row.scopes.split(","))}))


def _tell(catalog: Catalog, connection: sa.Connection, what: str, name: str, **told: Any) -> None:
    add_note(connection, f"token.{what}", name, {"who": current_user(), **told}, at=catalog.now())
    touch(connection, TOPIC)
