"""The id that a caller gave a request, in every JSON log line that it leads to."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from tidewheel.runtime.logs import log_fields
from tidewheel.serving.transport.http import Request, Response, failure

if TYPE_CHECKING:
    from tidewheel.serving.transport.server import Handler

REQUEST_ID = b"x-request-id"
LONGEST = 128


class Identified:
    """A handler whose log lines bear the ``X-Request-Id`` of the request that is handled.

    Parameters
    ----------
    handler : Handler
        Answers.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.body_limit = handler.body_limit
        self.bulk_limit = handler.bulk_limit

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Return the handler's answer; what it raises is logged here, where the id is known."""
        if REQUEST_ID not in request.headers:
            return self._handler.handle(request)
        fields = {**log_fields.get(), "request_id": request.header(REQUEST_ID)[:LONGEST]}
        before = log_fields.set(fields)
        try:
            answer = self._handler.handle(request)
        except Exception as error:
            answer = failure(error)
        finally:
            log_fields.reset(before)
        return answer if isinstance(answer, Response) else self._later(fields, answer)

    async def _later(self, fields: dict[str, str], answer: Awaitable[Response]) -> Response:
        # A task of its own runs this, in a copy of the context: nothing has to be put back.
        log_fields.set(fields)
        try:
            return await answer
        except Exception as error:
            return failure(error)
