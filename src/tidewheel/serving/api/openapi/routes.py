"""``/openapi.json`` and ``/docs``."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from tidewheel.serving.api.openapi.document import document
from tidewheel.serving.transport.http import Request, Response, error_response, json_response

if TYPE_CHECKING:
    from tidewheel.serving.api.handler import Handler
    from tidewheel.serving.backend import WorkerBackend

HTML = b"text/html; charset=utf-8"
POLICY = (
    b"content-security-policy",
    b"default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'",
)


class Description:
    """Answers for the document and its page.

    Parameters
    ----------
    handler : Handler
        Says who may read.
    backend : WorkerBackend
        What is described.
    """

    def __init__(self, handler: Handler, backend: WorkerBackend) -> None:
        self._handler = handler
        self._backend = backend

    def document(self, request: Request) -> Response:
        """Return the OpenAPI document of what is served now."""
        if (refused := _unfit(request, "/openapi.json") or self._handler.may(request, "read")) is not None:
            return refused
        guard = self._handler.guard
        return json_response(document(self._backend, tokens=guard is not None and guard.any))

    def page(self, request: Request) -> Response:
        """Return the page, which asks for the document itself, with a token if need be."""
        page = files("tidewheel.serving.api.openapi").joinpath("docs.html").read_bytes()
        return _unfit(request, "/docs") or Response(200, page, HTML, (POLICY,))


def _unfit(request: Request, path: str) -> Response | None:
    if request.path != path:
        return error_response(404, f"no route {request.path[:200]!r}", remedy=f"did you mean {path}?")
    if request.method not in ("GET", "HEAD"):
        return error_response(405, f"{path} takes GET, not {request.method}", headers=((b"allow", b"GET, HEAD"),))
    return None
