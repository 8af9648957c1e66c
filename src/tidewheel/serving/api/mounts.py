"""What a worker answers beside the routes of its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidewheel.serving.api.bulk_answers import Bulk
from tidewheel.serving.api.following import Following
from tidewheel.serving.api.guard import is_loopback
from tidewheel.serving.api.oip.repository import Repository
from tidewheel.serving.api.oip.rest import May, Rest
from tidewheel.serving.api.openapi.routes import Description
from tidewheel.serving.transport.http import Request, Response, error_response

if TYPE_CHECKING:
    from tidewheel.registry.tokens import Scope
    from tidewheel.serving.api.handler import Handler
    from tidewheel.serving.backend import WorkerBackend


def mount(handler: Handler, backend: WorkerBackend) -> Handler:
    """Give a handler the other protocols' routes; returns it."""
    may = administrated(handler, backend.serving.stores.settings.host)
    handler.bulk = Bulk(backend)
    handler.plain["/v1/decisions"] = ("GET", "read", Following(backend).handle)
    description = Description(handler, backend)
    handler.mounts["openapi.json"] = description.document
    handler.mounts["docs"] = description.page
    handler.mounts["v2"] = Rest(Repository(backend), may, handler.limits.bulk_body).handle
    return handler


def administrated(handler: Handler, host: str) -> May:
    """Return the handler's `may`, closed for administration without a token where others than this machine ask."""
    local = is_loopback(host)

    def may(request: Request, scope: Scope) -> Response | None:
        refused = handler.may(request, scope)
        if refused is None and scope == "admin" and not local and not request.caller:
            return error_response(403, f"{request.path[:200]} needs a token", remedy="make one with --scope admin")
        return refused

    return may
