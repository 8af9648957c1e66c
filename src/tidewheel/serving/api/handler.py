"""The request path as a function of bytes and headers: one route table, JSON in and out, errors that say what to do.

The handler knows HTTP and nothing of deciding; the :class:`Backend` behind it knows deciding and nothing of HTTP. Every
transport (our own protocol, ASGI, a test) calls the same :meth:`Handler.handle`.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from tidewheel.errors import InputError, NotFoundError, TidewheelError
from tidewheel.serving.api.bulk import is_bulk
from tidewheel.serving.api.instants import instant_of
from tidewheel.serving.transport.admission import TIMEOUT, timeout_of
from tidewheel.serving.transport.http import TEXT, Limits, Request, Response, error_response, json_response, refusal
from tidewheel.storage.journal.decisions import LOAD_TEST

if TYPE_CHECKING:
    from tidewheel.registry.tokens import Scope
    from tidewheel.serving.api.guard import Guard

Answering = Response | Awaitable[Response]
NOW = b"tidewheel-now"
CALLER = b"tidewheel-caller"
BULK, PIECES = ("/v1/events/", "/v2/"), ("/v1/services/", "/v1/events/")


class Accepted(msgspec.Struct):
    """What became of events that were posted: each is in the log, was there before, or lies in quarantine."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: list[dict[str, Any]] = []


class Backend(Protocol):
    """What a worker can do; raises :class:`~tidewheel.errors.TidewheelError` where it can't."""

    def services(self) -> list[str]:
        """Return the names of the services that answer here."""
        ...

    def events(self) -> list[str]:
        """Return the names of the event types that are taken here."""
        ...

    def features(self) -> list[str]:
        """Return the names of the feature sets that are read here."""
        ...

    def read(self, features: str, body: bytes) -> bytes:
        """Return the features of some entities as JSON."""
        ...

    def decide(
        self, service: str, body: bytes, now: int | None, caller: str, began: int = 0, timeout: int = 0
    ) -> bytes | Awaitable[bytes]:
        """Decide one event and return the answer's JSON; at once, or when what it waits for is there.

        The deadline counts from `began` (ns of the monotonic clock; 0 for now), and is the service's own or what the
        caller gives: `timeout` microseconds.
        """
        ...

    async def append(self, event: str, body: bytes, now: int | None) -> Accepted:
        """Put one event or many in the log; returns when they are on disk."""
        ...

    async def explain(self, decision_id: str) -> object:
        """Return the explanation of one decision."""
        ...

    def ready(self) -> str:
        """Return why the worker is not ready; "" when it is."""
        ...

    def status(self) -> object:
        """Return the worker's state for people."""
        ...

    def snapshots(self) -> object:
        """Return every worker's counters, for who compares two looks at them."""
        ...

    def metrics(self) -> bytes:
        """Return the counters in Prometheus' text format."""
        ...


class BulkDeciding(Protocol):
    """Decides many events of one request."""

    async def decide(self, request: Request, service: str, now: int | None, caller: str, timeout: int) -> Response:
        """Return the answers; raises what keeps all rows from being decided."""
        ...

    async def append(self, request: Request, event: str, now: int | None) -> Accepted:
        """Put the events of a large body in the log, piece by piece; raises what keeps the rest from being logged."""
        ...


class Gathering(Protocol):
    """Decides the events of many requests together."""

    def ask(self, service: str, body: bytes, caller: str, began: int, timeout: int) -> Awaitable[Response] | None:
        """Return what will give the answer; None where the backend is to be asked. As `Backend.decide`."""
        ...


class Handler:
    """Answers requests for one backend.

    Parameters
    ----------
    backend : Backend
        What the routes call.
    limits : Limits, optional
        For the sizes of bodies.
    guard : Guard, optional
        Says who may; without one everybody may.
    """

    def __init__(self, backend: Backend, limits: Limits | None = None, guard: Guard | None = None) -> None:
        self.backend = backend
        self.limits = limits or Limits()
        self.guard = guard
        self.bulk: BulkDeciding | None = None
        """Takes bodies with many events, where there is one."""
        self.turn: Gathering | None = None
        """Decides together what is asked in one turn of the loop, where there is one."""
        self.mounts: dict[str, Callable[[Request], Answering]] = {}
        """By the first part of a path: what answers there, beside the routes of this class."""
        self.plain: dict[str, tuple[str, Scope | None, Callable[[Request], Answering]]] = {
            "/healthz": ("GET", None, self._alive),
            "/livez": ("GET", None, self._alive),
            "/readyz": ("GET", None, self._ready),
            "/startupz": ("GET", None, self._started),
            "/v1/status": ("GET", "read", lambda request: json_response(self.backend.status())),
            "/v1/numbers": ("GET", "read", lambda request: json_response(self.backend.snapshots())),
            "/metrics": ("GET", "read", lambda request: Response(200, self.backend.metrics(), TEXT)),
        }
        """By path: the method, the scope that it takes, and what answers."""
        self._named: dict[str, tuple[str, Scope, Callable[[Request, str], Answering]]] = {
            "services": ("POST", "decide", self._decide),
            "events": ("POST", "ingest", self._append),
            "features": ("POST", "read", lambda request, name: Response(200, self.backend.read(name, request.body))),
            "decisions": ("GET", "read", self._explain),
        }

    def may(self, request: Request, scope: Scope) -> Response | None:
        """Return None when a request may do what needs `scope`, else the refusal; asked before each route."""
        return None if self.guard is None else self.guard.may(request, scope)

    def handle(self, request: Request) -> Answering:
        """Return the answer, or what to await for it. Never raises what the caller did wrong.

        Parameters
        ----------
        request : Request
            What came.

        Returns
        -------
        Response or Awaitable[Response]
            A response at once wherever nothing has to be waited for.
        """
        path = request.path
        parts = path.split("/")
        if len(parts) == 4 and parts[1] == "v1" and parts[0] == "" and parts[2] in self._named:
            method, scope, named = self._named[parts[2]]
            if request.method == method and parts[3]:
                if self.guard is not None and (refused := self.guard.may(request, scope)) is not None:
                    return refused
                try:
                    return named(request, parts[3])
                except TidewheelError as error:
                    return self._refused(error)
            return self._not_allowed(request, method) if parts[3] else self._nowhere(path)
        if path in self.plain:
            method, needs, plain = self.plain[path]
            if request.method in (method, "HEAD"):
                return (self.may(request, needs) if needs else None) or plain(request)
            return self._not_allowed(request, method)
        if parts[0] == "" and len(parts) > 1 and parts[1] in self.mounts:
            return self.mounts[parts[1]](request)
        return self._nowhere(path)

    def body_limit(self, path: str) -> int:
        """Return the largest body that `path` takes: events and tensors may come in bulk."""
        return self.limits.bulk_body if path.startswith(BULK) else self.limits.body

    def bulk_limit(self, path: str) -> int:
        """Return the largest body that `path` takes piece by piece: what decides or logs many events does."""
        return self.limits.bulk if self.bulk is not None and path.startswith(PIECES) else 0

    # --- the routes ----------------------------------------------------------------------------

    def _decide(self, request: Request, service: str) -> Answering:
        headers = request.headers
        now = _instant(headers[NOW]) if NOW in headers else None
        caller = _caller(request) if CALLER in headers else request.caller
        timeout = _timeout(headers) if TIMEOUT in headers else 0
        if self.bulk is not None and (request.stream is not None or is_bulk(request.body)):
            return self._answered(self.bulk.decide(request, service, now, caller, timeout))
        if self.turn is not None and now is None:
            owed = self.turn.ask(service, request.body, caller, request.began, timeout)
            if owed is not None:
                return owed
        answer = self.backend.decide(service, request.body, now, caller, request.began, timeout)
        if type(answer) is bytes:
            return Response(200, answer)
        return self._decided(cast("Awaitable[bytes]", answer))

    async def _decided(self, answer: Awaitable[bytes]) -> Response:
        try:
            return Response(200, await answer)
        except TidewheelError as error:
            return self._refused(error)

    async def _answered(self, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except TidewheelError as error:
            return self._refused(error)

    async def _append(self, request: Request, event: str) -> Response:
        try:
            now = _instant(request.headers[NOW]) if NOW in request.headers else None
            if request.stream is not None and self.bulk is not None:
                outcome = await self.bulk.append(request, event, now)
            else:
                outcome = await self.backend.append(event, request.body, now)
        except TidewheelError as error:
            return self._refused(error)
        nothing_good = outcome.quarantined and not outcome.accepted and not outcome.duplicates
        return json_response(outcome, 422 if nothing_good else 200)

    async def _explain(self, request: Request, decision_id: str) -> Response:
        try:
            return json_response(await self.backend.explain(decision_id))
        except TidewheelError as error:
            return self._refused(error)

    def _alive(self, request: Request) -> Response:
        return Response(200, b'{"alive":true}')

    def _ready(self, request: Request) -> Response:
        why = self.backend.ready()
        if not why:
            return Response(200, b'{"ready":true}')
        return error_response(503, why, remedy="ask again in a second", headers=((b"retry-after", b"1"),))

    def _started(self, request: Request) -> Response:
        """Answer a start-up probe: a worker that drains has started."""
        return self._ready(request) if self.backend.ready() == "loading" else Response(200, b'{"started":true}')

    # --- refusals ------------------------------------------------------------------------------

    def _refused(self, error: TidewheelError) -> Response:
        return refusal(error)

    def _not_allowed(self, request: Request, method: str) -> Response:
        allow = ((b"allow", b"GET, HEAD" if method == "GET" else method.encode()),)
        return error_response(405, f"{request.path} takes {method}, not {request.method}", headers=allow)

    def _nowhere(self, path: str) -> Response:
        if self.guard is not None and self.guard.any:
            return error_response(404, f"no route {path[:200]!r}")  # names of services are not for everybody
        known = [
            *self.plain,
            *(f"/v1/services/{name}" for name in self.backend.services()),
            *(f"/v1/events/{name}" for name in self.backend.events()),
            *(f"/v1/features/{name}" for name in self.backend.features()),
        ]
        likely = difflib.get_close_matches(path, known, n=1, cutoff=0.5)
        remedy = f"did you mean {likely[0]}?" if likely else f"the routes are {', '.join(sorted(known)[:12])}"
        return error_response(404, f"no route {path[:200]!r}", remedy=remedy)


def unknown(kind: str, name: str, names: list[str]) -> NotFoundError:
    """Return the error for a name that is not there, with the likely one.

    Examples
    --------
    >>> str(unknown("service", "Scor", ["Score"]))
    "no service 'Scor'; did you mean 'Score'?"
    """
    likely = difflib.get_close_matches(name, names, n=1)
    remedy = f"did you mean {likely[0]!r}?" if likely else f"there are {', '.join(sorted(names)) or 'none'}"
    return NotFoundError(f"no {kind} {name[:100]!r}", remedy=remedy)


def _timeout(headers: dict[bytes, bytes]) -> int:
    """Read the ``x-request-timeout-ms`` header, as microseconds."""
    try:
        return timeout_of(headers)
    except ValueError as error:
        raise InputError(
            f"can't read the timeout: {error}", where="header x-request-timeout-ms", remedy="send whole milliseconds"
        ) from error


def _caller(request: Request) -> str:
    """Return who asks: by the token, else as said; a load test is told apart in either case."""
    said = request.header(CALLER)[:200]
    return f"{request.caller} ({said})" if request.caller and said == LOAD_TEST else request.caller or said


def _instant(value: bytes) -> int:
    """Read the ``tidewheel-now`` header: microseconds since 1970, or RFC 3339 with a zone."""
    try:
        return instant_of(value.decode("ascii"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"can't read the instant {value[:60]!r}",
            where="header tidewheel-now",
            remedy="send microseconds since 1970, or a time such as 2013-09-01T12:00:00Z",
        ) from error
