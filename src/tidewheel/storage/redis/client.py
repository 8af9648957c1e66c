"""Connections to a Redis or Valkey server, and what its errors mean here."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import urlsplit

from tidewheel.errors import ConfigError, ConflictError, FullError, MissingExtraError, StorageError, UnreachableError

Client = Any
"""A ``redis.Redis``, whose own annotations give bytes or text or a coroutine for everything."""

READ_SECONDS = 0.1
"""How long a read, and with it a decision, waits for the server; ``?socket_timeout=`` in the URL wins."""
CONNECT_SECONDS = 1.0
"""How long a connection for writes takes at most; one for reads has the time of a read: a decision waits for it."""
BACKGROUND_SECONDS = 5.0
"""How long a read waits that no decision waits for: a look at the stream's lag, a deploy."""
WRITE_SECONDS = 60.0
"""How long a micro-batch, which may hold millions of bytes, waits."""
SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")


def is_redis(url: str) -> bool:
    """Tell whether a URL names a Redis or Valkey server."""
    return "://" in url and url.split("://", 1)[0] in SCHEMES


def without_password(url: str) -> str:
    """Return a URL as messages may show it.

    Examples
    --------
    >>> without_password("redis://me:secret@cache:6379/1")
    'redis://cache:6379/1'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def connect(url: str, seconds: float | None = None) -> Client:
    """Return a client; nothing is sent yet.

    Parameters
    ----------
    url : str
    seconds : float, optional
        How long a call may take, whatever the URL says; `READ_SECONDS` when neither says.

    Raises
    ------
    MissingExtraError, ConfigError
    """
    if importlib.util.find_spec("redis") is None:
        raise MissingExtraError(
            "state on Redis or Valkey needs the package redis",
            where="tidewheel.toml: state",
            remedy="pip install 'tidewheel[redis]'",
        )
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # An idle connection may have been closed, so one more attempt; a server that is silent is not asked twice. Reads,
    # which come by the thousand, have a budget for that (`tidewheel.storage.redis.reads`).
    again = Retry(NoBackoff(), 0 if seconds is None else 1, supported_errors=(redis.ConnectionError,))
    try:
        pool = redis.ConnectionPool.from_url(
            url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,
            socket_timeout=READ_SECONDS,
            socket_connect_timeout=READ_SECONDS if seconds is None else CONNECT_SECONDS,
            retry=again,
            decode_responses=False,
        )
    except ValueError as error:
        raise ConfigError(
            f"not a Redis URL ({error})",
            where="tidewheel.toml: state",
            remedy='write it like state = "redis://127.0.0.1:6379/0"',
        ) from error
    if seconds is not None:
        pool.connection_kwargs["socket_timeout"] = seconds
    return redis.Redis(connection_pool=pool)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the client's errors inside the block into ours."""
    import redis

    try:
        yield
    except redis.RedisError as error:
        raise_for(error, where)


def raise_for(error: Exception, where: str) -> NoReturn:
    """Raise the error of ours that says what one of the client means.

    Raises
    ------
    UnreachableError
        No answer, or the server is still loading.
    FullError
        The server is at its `maxmemory`, or can't write to its disk.
    ConflictError
        Another writer changed what a transaction watched.
    StorageError
        Anything else, such as a wrong password or a read-only replica.
    """
    import redis

    cause = error.__context__ if isinstance(error, redis.WatchError) else error
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        remedy = "put user and password into the URL, with all commands on the namespace's keys allowed"
        raise StorageError(f"the server refuses this user ({error})", where=where, remedy=remedy) from error
    if isinstance(cause, redis.ConnectionError | redis.TimeoutError):
        raise UnreachableError(
            f"the server does not answer ({cause})", where=where, remedy="start it, or see that it is not overloaded"
        ) from error
    if isinstance(error, redis.WatchError):
        raise ConflictError("another process wrote here in the meantime", where=where) from error
    if isinstance(error, redis.exceptions.OutOfMemoryError) or "MISCONF" in str(error):
        raise FullError(f"no space ({error})", where=where, remedy="raise its maxmemory, or free its disk") from error
    if isinstance(error, redis.ReadOnlyError):
        raise StorageError("a read-only replica", where=where, remedy="name the primary in the URL") from error
    raise StorageError(str(error) or type(error).__name__, where=where) from error
