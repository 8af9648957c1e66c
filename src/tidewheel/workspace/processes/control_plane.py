"""The control plane: the calls that change what serves, over HTTP, for callers with the scope ``admin``.

The same server as the data plane's, with another handler on a port of its own. Who asked, and from where, stands in
the note of every change; an attempt that was refused leaves a note as well.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from tidewheel.errors import TidewheelError
from tidewheel.registry.audit import note_refused
from tidewheel.registry.versions.names import current_user
from tidewheel.runtime.stores import Stores
from tidewheel.serving.api.guard import Guard
from tidewheel.serving.transport.http import Request, Response, error_response, failure
from tidewheel.storage.catalog.actor import acting
from tidewheel.workspace.processes import control_calls as calls
from tidewheel.workspace.processes.control_calls import Asked, Call

log = logging.getLogger("tidewheel.control")

BODY = 64 * 1024
READERS = 4


class Route(NamedTuple):
    """A call, and what its change is called in the audit; "" for one that changes nothing."""

    call: Call
    action: str = ""


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/v1/status"): Route(calls.status),
    ("GET", "/v1/deployments"): Route(calls.list_deployments),
    ("POST", "/v1/deployments"): Route(calls.deploy, "deployment.deploy"),
    ("GET", "/v1/deployments/*"): Route(calls.history),
    ("POST", "/v1/deployments/*/promote"): Route(calls.promote, "deployment.promote"),
    ("POST", "/v1/deployments/*/rollback"): Route(calls.rollback, "deployment.rollback"),
    ("GET", "/v1/thresholds/*"): Route(calls.thresholds),
    ("PUT", "/v1/thresholds/*"): Route(calls.turn_thresholds, "thresholds.set"),
    ("GET", "/v1/killed"): Route(calls.list_killed),
    ("POST", "/v1/kill"): Route(calls.throw_switch, "switch.kill"),
    ("POST", "/v1/revive"): Route(calls.revive, "switch.unkill"),
    ("GET", "/v1/alerts"): Route(calls.alerts),
    ("GET", "/v1/audit"): Route(calls.audited),
    ("GET", "/v1/tokens"): Route(calls.tokens),
    ("POST", "/v1/tokens"): Route(calls.make_token, "token.created"),
    ("POST", "/v1/tokens/*/rotate"): Route(calls.rotate, "token.rotated"),
    ("DELETE", "/v1/tokens/*"): Route(calls.revoke, "token.revoked"),
}
"""By method and path; ``*`` is a name."""
_PROBES = ("/healthz", "/livez", "/readyz")


class ControlHandler:
    """From a request to its answer, for those who may.

    Parameters
    ----------
    stores : Stores
        What is changed.
    guard : Guard
        Says who may.
    """

    def __init__(self, stores: Stores, guard: Guard) -> None:
        self._stores = stores
        self._guard = guard
        # A deployment may wait long for its features, and whoever pulls the kill switch must not wait with it.
        self._moves = ThreadPoolExecutor(1, thread_name_prefix="control-move")
        self._others = ThreadPoolExecutor(READERS, thread_name_prefix="control")

    def body_limit(self, path: str) -> int:
        """Return the largest body."""
        return BODY

    def bulk_limit(self, path: str) -> int:
        """Take no body piece by piece."""
        return 0

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer a probe at once, and everything else from a thread."""
        if request.path in _PROBES and request.method in ("GET", "HEAD"):
            return Response(200, b'{"alive":true}')
        pattern, name = _split(request.path)
        route = ROUTES.get((request.method, pattern))
        if (refused := self._guard.may(request, "admin")) is not None:
            if route is not None and route.action and request.caller:
                return self._refuse(request, route.action, name, refused)
            return refused
        if route is None:
            return _nowhere(request, pattern)
        return self._run(route, request, name)

    def close(self) -> None:
        """Wait for what is under way."""
        for pool in (self._moves, self._others):
            pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self, route: Route, request: Request, name: str) -> Response:
        slow = route.call is calls.deploy
        asked = Asked(name, dict(parse_qsl(request.query)), request.body)
        with acting(request.caller or current_user(), request.peer):
            context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._moves if slow else self._others, context.run, self._do, route, asked)

    def _do(self, route: Route, asked: Asked) -> Response:
        try:
            return Response(200, msgspec.json.encode(route.call(self._stores, asked)))
        except TidewheelError as error:
            if route.action:
                self._note(route.action, asked.name, str(error))
            return failure(error)

    async def _refuse(self, request: Request, action: str, name: str, refused: Response) -> Response:
        with acting(request.caller, request.peer):
            context = contextvars.copy_context()
        why, loop = f"refused with {refused.status}", asyncio.get_running_loop()
        await loop.run_in_executor(self._others, context.run, self._note, action, name, why)
        return refused

    def _note(self, action: str, name: str, why: str) -> None:
        try:
            note_refused(self._stores.catalog, action, name, why)
        except TidewheelError as error:
            log.warning("a refused %s of %s could not be noted: %s", action, name, error)


def _split(path: str) -> tuple[str, str]:
    """Return a path with its name as ``*``, and the name.

    >>> _split("/v1/tokens/shop/rotate"), _split("/v1/tokens")
    (('/v1/tokens/*/rotate', 'shop'), ('/v1/tokens', ''))
    """
    parts = path.split("/")
    if len(parts) < 4 or not parts[3]:
        return path, ""
    name, parts[3] = parts[3], "*"
    return "/".join(parts), name


def _nowhere(request: Request, pattern: str) -> Response:
    methods = sorted(method for method, path in ROUTES if path == pattern)
    if methods:
        allow = ((b"allow", ", ".join(methods).encode()),)
        return error_response(405, f"{request.path} takes {', '.join(methods)}", headers=allow)
    known = ", ".join(sorted({path for _, path in ROUTES}))
    return error_response(404, f"no route {request.path[:200]!r}", remedy=f"the routes are {known}")
