"""The same handler behind ASGI, for whoever has a server already (uvicorn, Granian) and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from tidewheel.errors import InputError, SizeError
from tidewheel.serving.transport.http import Request, Response, failure, too_large
from tidewheel.serving.transport.streaming import Streamed

if TYPE_CHECKING:
    from tidewheel.serving.transport.server import Handler

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class AsgiApp:
    """An ASGI 3 application over a handler.

    Parameters
    ----------
    handler : Handler
        The function from requests to answers that the other transports use.

    Examples
    --------
    >>> import asyncio
    >>> class Hello:
    ...     def handle(self, request: Request) -> Response:
    ...         return Response(body=b"hello")
    ...     def body_limit(self, path: str) -> int:
    ...         return 10
    ...     def bulk_limit(self, path: str) -> int:
    ...         return 0
    >>> sent = []
    >>> async def receive():
    ...     return {"type": "http.request", "body": b""}
    >>> async def send(message):
    ...     sent.append(message)
    >>> scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    >>> asyncio.run(AsgiApp(Hello())(scope, receive, send))
    >>> sent[1]["body"]
    b'hello'
    """

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; the ``lifespan`` and ``websocket`` scopes are not ours."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        began = perf_counter_ns()
        limit, bulk = self.handler.body_limit(scope["path"]), self.handler.bulk_limit(scope["path"])
        body, more = await _body(receive, limit)
        if body is None:
            return
        stream = _Parts(body, receive, bulk, more) if len(body) > limit and bulk else None
        if len(body) > limit and stream is None:
            response = too_large(limit)
        else:
            response = await self._answer(scope, body if stream is None else b"", began, stream)
        if isinstance(response, Streamed):
            failed = await _stream(response, scope, _nothing if stream is not None else receive, send)
            if failed is None:
                return
            response = failed
        headers = [(b"content-type", response.content_type), (b"content-length", str(len(response.body)).encode())]
        start = {"type": "http.response.start", "status": response.status, "headers": [*headers, *response.headers]}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})

    async def _answer(self, scope: Message, body: bytes, began: int, stream: _Parts | None) -> Response:
        headers: dict[bytes, bytes] = {}
        for key, value in scope["headers"]:
            name = bytes(key).lower()
            headers[name] = headers[name] + b", " + bytes(value) if name in headers else bytes(value)
        query = bytes(scope.get("query_string", b"")).decode("latin-1")
        try:
            request = Request(scope["method"], scope["path"], query, headers, body, began=began, stream=stream)
            answer = self.handler.handle(request)
            return answer if isinstance(answer, Response) else await answer
        except Exception as error:
            return failure(error)


async def _stream(response: Streamed, scope: Message, receive: Receive, send: Send) -> Response | None:
    """Send an answer piece by piece while the client is there; return what is to be answered instead, if anything."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        try:
            piece: bytes | None = await anext(response.pieces, b"")
        except Exception as error:
            return failure(error)
        headers = [(b"content-type", response.content_type), *response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        while scope["method"] != "HEAD" and piece is not None and not gone.done():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await anext(response.pieces, None)
        await send({"type": "http.response.body", "body": b""})
        return None
    finally:
        gone.cancel()
        await response.pieces.aclose()


async def _gone(receive: Receive) -> None:
    """Wait until the client has left: not every server makes `send` fail then."""
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)


async def _body(receive: Receive, limit: int) -> tuple[bytes | None, bool]:
    """Read the body, or a little more than `limit` of it, and whether more is to come; None when the client left."""
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None, False
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts), more


class _Parts:
    """A large body as it comes from the server in front, which holds its sender back by itself."""

    def __init__(self, begun: bytes, receive: Receive, most: int, more: bool) -> None:
        self._begun, self._receive, self._left, self._more = begun, receive, most, more

    async def read(self) -> bytes:
        """Return what has come; nothing at its end."""
        data, self._begun = self._begun, b""
        while not data and self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise InputError("the client left before the end of its body")
            data, self._more = message.get("body", b""), message.get("more_body", False)
        self._left -= len(data)
        if self._left < 0:
            raise SizeError("the body is larger than the limit (max_bulk)", remedy="send fewer events, or raise it")
        return data

    def let_go(self, number: int) -> None:
        """Count nothing: what is held is the business of the server in front."""


async def _nothing() -> Message:
    """Wait for ever: who reads the body learns that the client has left."""
    waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await waiting


async def _lifespan(receive: Receive, send: Send) -> None:
    """Say yes to start and stop: what the handler needs is opened and closed by who made it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
