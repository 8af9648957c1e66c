"""What a request and an answer are, apart from how they travel.

A :class:`Request` holds bytes and headers, a :class:`Response` a status and bytes. The handler is a function
from one to the other; the transports (our own protocol, ASGI, in process) only carry them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from functools import partial
from http import HTTPStatus

import msgspec

from tidewheel import errors
from tidewheel.serving.transport.bodies import Stream

log = logging.getLogger("tidewheel.serving")

JSON = b"application/json"
TEXT = b"text/plain; version=0.0.4; charset=utf-8"
NO_HEADERS: dict[bytes, bytes] = {}


class Limits(msgspec.Struct, frozen=True):
    """What a connection may ask of a worker. Sizes in bytes, times in seconds.

    Examples
    --------
    >>> Limits().header
    16384
    """

    header: int = 16 * 1024
    body: int = 1024 * 1024
    setting: str = ""
    """What says so, for who exceeds it."""
    bulk_body: int = 16 * 1024 * 1024
    """Largest body of ``POST /v1/events/...`` that is read whole."""
    bulk: int = 256 * 1024 * 1024
    """Largest body with many events: what is larger than the others is read, decided and answered piece by piece."""
    held: int = 256 * 1024 * 1024
    """Bytes of bodies that all connections of a worker hold together."""
    header_timeout: float = 10.0
    """From a request's first byte to the end of its headers."""
    body_timeout: float = 60.0
    """From the end of the headers to the end of the body."""
    idle_timeout: float = 75.0
    """How long a connection may wait between requests."""
    write_timeout: float = 60.0
    """How long a client may leave its answers unread."""
    pipelined: int = 64
    """Unanswered requests on one connection before its socket is no longer read."""
    requests: int = 10_000
    """Requests on one connection before it is closed, so that clients spread over the workers again."""


class Request(msgspec.Struct):
    """One request: `path` is decoded and without its query; header names are in lower case.

    Examples
    --------
    >>> Request("GET", "/healthz").header(b"accept", "any")
    'any'
    """

    method: str
    path: str
    query: str = ""
    headers: dict[bytes, bytes] = NO_HEADERS
    body: bytes = b""
    peer: str = ""
    """Address that asked, where it is known."""
    caller: str = ""
    """Name of the token that was sent; "" without one."""
    began: int = 0
    """When its first byte came, at the earliest: ns of ``perf_counter_ns``; 0 when that is not known."""
    stream: Stream | None = None
    """Its body, where that is too large for `body` and is read as it comes."""

    def header(self, name: bytes, default: str = "") -> str:
        """Return a header as text, or `default` when it was not sent."""
        value = self.headers.get(name)
        return default if value is None else value.decode("latin-1")


class Response(msgspec.Struct):
    """One answer.

    Examples
    --------
    >>> Response(body=b"{}").status
    200
    """

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Owed:
    """An answer that its maker gives later, to whoever awaits it, or at once to whom it is to be told.

    Examples
    --------
    >>> owed, told = Owed(), []
    >>> owed.then(told.append)
    >>> owed.give(Response(204))
    >>> told[0].status
    204
    """

    __slots__ = ("_answer", "_tell")

    def __init__(self) -> None:
        self._answer: Response | None = None
        self._tell: Callable[[Response], object] | None = None

    def give(self, answer: Response) -> None:
        """Answer; once, on the loop's thread. Never raises: who gives has others to answer too."""
        self._answer = answer
        if self._tell is not None:
            try:
                self._tell(answer)
            except Exception:
                log.exception("an answer could not be told")

    def then(self, tell: Callable[[Response], object]) -> None:
        """Have `tell` called with the answer when it is there: cheaper than a task that awaits it."""
        self._tell = tell
        if self._answer is not None:
            tell(self._answer)

    def __await__(self) -> Generator[asyncio.Future[Response], None, Response]:
        """Wait for the answer."""
        waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.then(partial(_settle, waiting))
        yield from waiting
        return waiting.result()


def _settle(waiting: asyncio.Future[Response], answer: Response) -> None:
    if not waiting.done():  # who waited may have left
        waiting.set_result(answer)


STATUS_OF: tuple[tuple[type[errors.TidewheelError], int], ...] = (
    (errors.SizeError, 413),
    (errors.InputError, 400),
    (errors.ClockError, 409),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.TidewheelError, 503),
)
"""The first class that fits gives the status."""


def json_response(value: object, status: int = 200) -> Response:
    """Return `value` as a JSON answer.

    Examples
    --------
    >>> json_response({"ok": True}).body
    b'{"ok":true}'
    """
    return Response(status, msgspec.json.encode(value))


def error_response(
    status: int, what: str, *, where: str = "", remedy: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Response:
    """Return a refusal as ``{"error": {"what", "where", "remedy"}}``.

    Examples
    --------
    >>> error_response(413, "the body is too large").body
    b'{"error":{"what":"the body is too large","where":"","remedy":""}}'
    """
    body = msgspec.json.encode({"error": {"what": what, "where": where, "remedy": remedy}})
    return Response(status, body, JSON, headers)


def refusal(error: errors.TidewheelError) -> Response:
    """Return the answer that says why a request was refused; 429 and 503 carry ``Retry-After``.

    Examples
    --------
    >>> refusal(errors.NotFoundError("no service 'Scor'", remedy="did you mean 'Score'?")).status
    404
    """
    status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
    retry = ((b"retry-after", b"1"),) if status in (429, 503) else ()
    return error_response(status, error.message, where=error.where, remedy=error.remedy, headers=retry)


def too_long(limit: int) -> Response:
    """Return the refusal of headers that are longer than `limit` bytes."""
    return error_response(431, f"the headers are longer than {limit} bytes")


def too_large(limit: int, setting: str = "") -> Response:
    """Return the refusal of a body that is larger than `limit` bytes; `setting` says so, where one does."""
    what, named = f"the body is larger than {limit} bytes", f" ({setting})" if setting else ""
    raising = f", or raise {setting}" if setting else ""
    return error_response(413, what + named, remedy=f"send fewer events in one request{raising}")


def failure(error: Exception) -> Response:
    """Return the answer to a request whose handling failed; only the unforeseen is logged with its trace.

    Examples
    --------
    >>> failure(errors.TidewheelError("no space left")).status
    503
    """
    if isinstance(error, errors.TidewheelError):
        return refusal(error)
    log.error("a request failed", exc_info=error)
    return error_response(500, "the server failed at this request", remedy="see the worker's log")


def reason_of(status: int) -> str:
    """Return the reason phrase of a status.

    Examples
    --------
    >>> reason_of(431)
    'Request Header Fields Too Large'
    """
    return HTTPStatus(status).phrase
