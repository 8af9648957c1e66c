"""One HTTP/1.1 connection: bytes in, requests to the handler, answers out in order.

llhttp (through httptools) parses; this class adds what a server must: limits, deadlines, ``Expect``, pipelining in
order, back-pressure and an orderly end. Deadlines are counted in the server's ticks, so that a request costs no timer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

import httptools

from tidewheel.serving.transport import uploads, wire
from tidewheel.serving.transport.admission import QUIET
from tidewheel.serving.transport.bodies import COUNTED, BodyStream
from tidewheel.serving.transport.deadlines import BODY, HEADERS, IDLE, LINGER
from tidewheel.serving.transport.http import Owed, Request, Response, error_response, failure, too_long
from tidewheel.serving.transport.slots import Slot
from tidewheel.serving.transport.streaming import Streamed, send

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tidewheel.serving.transport.server import HttpServer

MOST_UNREAD = 4 * 1024 * 1024
"""How much a refused client may go on sending before it is cut off."""


class _Refused(Exception):
    """Leaves the parser: the answer is known before the request is complete."""


class Connection(asyncio.Protocol):
    """The protocol object of one client; lives on the loop's thread."""

    __slots__ = (
        "began", "body", "body_size", "ending", "flushing", "half", "head_fed", "head_size", "headers", "held",
        "limit", "out", "parser", "paused", "peer", "phase", "read_at", "refused", "requests", "server",
        "since", "slots", "transport", "unread", "url", "write_since",
    )  # fmt: skip

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.phase = IDLE
        self.since = self.write_since = server.ticks
        self.requests = 0
        self.slots: deque[Slot] = deque()
        self.out: list[bytes] = []
        self.paused = False
        self.ending = self.flushing = self.half = False
        self.refused: Response | None = None
        self.unread = self.read_at = self.held = 0
        self.on_message_begin()
        self.phase = IDLE

    # --- asyncio -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the server's open connections."""
        self.transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else ""
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; nobody waits any more for what is still due to it."""
        self.server.connections.discard(self)
        self.transport = None
        self.parser = None
        uploads.forget(self)
        for slot in self.slots:
            if slot.task is not None:
                slot.task.cancel()
        self.slots.clear()

    def data_received(self, data: bytes) -> None:
        """Parse what came, answer what is complete, write once."""
        if self.phase == LINGER or self.parser is None:
            self._discard(len(data))
            return
        admission, now = self.server.admission, perf_counter_ns()
        self.read_at = admission.turn(now)
        if now - self.read_at > admission.quiet and self._refuse_whole(data):
            return
        unfinished = self.requests if self.phase == HEADERS else -1
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end()
        except httptools.HttpParserError as error:
            self.refuse(self.refused or error_response(400, f"this is not HTTP/1.1: {error}"))
        if self.phase == HEADERS and self.requests == unfinished:
            self.head_fed += len(data)
            if self.head_fed > self.server.limits.header:
                self.refuse(too_long(self.server.limits.header))
        if self.phase == BODY:
            uploads.count(self)
        self.flush()

    def eof_received(self) -> bool:
        """Answer what is under way to a client that has stopped sending, then close."""
        if not self.slots or self.parser is None or self.transport is None:
            return False
        self._end()
        # A TLS connection has no half that could stay open.
        self.half = self.transport.can_write_eof() and self.parser.get_http_version() != "1.0"
        self.probe()
        return self.transport.can_write_eof()

    def probe(self) -> None:
        """Learn whether a client that sends no more has gone: then the second of these writes fails."""
        if self.half and self.slots and not self.slots[0].begun and self.transport is not None:
            self.transport.write(wire.CONTINUE)

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its answers."""
        self.paused = True
        self.write_since = self.server.ticks
        self.hold()

    def resume_writing(self) -> None:
        """Go on reading."""
        self.paused = False
        self.hold()

    # --- httptools -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start a request with nothing in it."""
        self.phase = HEADERS
        self.since = self.server.ticks
        self.began = self.read_at
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.head_size = self.head_fed = 0
        self.body: list[bytes] | BodyStream = []
        self.body_size = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request's target."""
        self.url += url
        self.head_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; after the body it is a trailer, which is counted and forgotten."""
        self.head_size += len(name) + len(value) + 4
        if self.head_size > self.server.limits.header:
            self._stop(too_long(self.server.limits.header))
        if self.phase == HEADERS:
            name = name.lower()
            earlier = self.headers.get(name)
            self.headers[name] = value if earlier is None else earlier + b", " + value

    def on_headers_complete(self) -> None:
        """Refuse a body that is announced too large; tell a waiting client to send it otherwise."""
        self.phase = BODY
        headers = self.headers
        if self.head_size > self.server.limits.header:
            self._stop(too_long(self.server.limits.header))
        length = headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in headers:
            return
        self.since = self.server.ticks
        self.limit = self.server.limit_of(self.url)
        if length is not None and int(length) > self.limit:
            self._over(int(length))
        elif headers.get(b"expect", b"").lower() == b"100-continue":
            self._put(wire.CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self.body_size += len(body)
        if self.body_size > self.limit:
            self._over(self.body_size)
        self.body.append(body)

    def _over(self, size: int) -> None:
        """Take a body piece by piece that is too large to be kept; leave the parser where it is too large for that."""
        refused = uploads.begin(self, size)
        if refused is not None:
            self._stop(refused)

    def on_message_complete(self) -> None:
        """Hand the request over and put its answer in its place."""
        parser = self.parser
        if self.ending or parser is None:
            uploads.end(self)
            return
        self.phase = IDLE
        self.requests += 1
        server = self.server
        method = parser.get_method().decode()
        connection = b""
        if server.draining or self.requests >= server.limits.requests or not parser.should_keep_alive():
            connection = wire.CLOSE
            self.ending = True
        elif self.headers.get(b"connection", b"").lower() == b"keep-alive":
            connection = wire.KEEP
        slot = Slot(connection, method == "HEAD")
        self.slots.append(slot)
        answer = self.ask(method)
        if type(answer) is Response:
            self.fill(slot, answer)
        elif type(answer) is Owed:
            answer.then(partial(self._deliver, slot))
        else:
            self.wait_for(slot, cast("Awaitable[Response]", answer))
        if self.body_size > COUNTED or self.held:
            uploads.settle(self, slot)

    # --- requests and answers ------------------------------------------------------------------

    def wait_for(self, slot: Slot, answer: Awaitable[Response]) -> None:
        """Finish an answer that takes its time."""
        slot.task = self.server.spawn(self._wait(slot, answer))

    def ask(self, method: str) -> Response | Awaitable[Response]:
        """Call the handler; whatever it raises becomes an answer."""
        try:
            path, query, _, _ = self.server.target_of(self.url)
        except UnicodeDecodeError:
            return error_response(400, "the path is not UTF-8", remedy="percent-encode the path as UTF-8")
        admission, waited = self.server.admission, perf_counter_ns() - self.read_at
        if waited > QUIET and admission.refuses(waited, path, self.headers):
            return admission.refusal()
        body = self.body
        if isinstance(body, BodyStream):
            request = Request(method, path, query, self.headers, b"", self.peer, began=self.began, stream=body)
        else:
            request = Request(method, path, query, self.headers, b"".join(body), self.peer, began=self.began)
        try:
            return self.server.handler.handle(request)
        except Exception as error:
            return failure(error)

    def _refuse_whole(self, data: bytes) -> bool:
        """Refuse what was read without a look into it, where it is one plain request and comes too late."""
        server = self.server
        busy = self.phase != IDLE or self.slots or self.ending or self.paused or server.draining
        last = self.requests + 1 >= server.limits.requests
        if busy or last or (answer := server.admission.refuse_whole(data, server.date)) is None:
            return False
        self.requests += 1
        self.since = server.ticks
        self.out.append(answer)
        self.flush()
        return True

    def _deliver(self, slot: Slot, response: Response) -> None:
        """Send an answer that was owed, if the client is still there."""
        if (transport := self.transport) is None:
            return
        try:
            self.fill(slot, response)
            self.flush()
        except Exception:
            transport.abort()  # rather than leave the client waiting for what never comes
            raise

    async def _wait(self, slot: Slot, answer: Awaitable[Response]) -> None:
        """Finish an answer that takes its time, in its place."""
        try:
            response = await answer
            if isinstance(response, Streamed):
                await send(self, slot, response)
                return
        except Exception as error:
            response = failure(error)
        self.fill(slot, response)
        if not self.flushing:
            # Answers that end in one turn of the loop leave in one write.
            self.flushing = True
            asyncio.get_running_loop().call_soon(self.flush)

    def fill(self, slot: Slot, response: Response) -> None:
        """Give a place its bytes, and collect what is now complete from the front."""
        if self.server.draining and not slot.connection:
            slot.connection = wire.CLOSE
            self.ending = True
        slot.data = wire.encode(response, self.server.date, slot.connection, bodiless=slot.bodiless)
        self._collect()

    def advance(self) -> None:
        """Send what is complete from the front."""
        self._collect()
        self.flush()

    def _collect(self) -> None:
        slots = self.slots
        while slots and (data := slots[0].data) is not None:
            self.out.append(data)
            slots.popleft()

    def _put(self, data: bytes) -> None:
        """Add bytes behind the answers that are still due."""
        if not self.slots:
            self.out.append(data)
            return
        slot = Slot(b"", False)
        slot.data = data
        self.slots.append(slot)

    def flush(self) -> None:
        """Write what is ready, in one call; end the connection when nothing more is due."""
        self.flushing = False
        transport, out = self.transport, self.out
        if transport is None:
            return
        if out:
            transport.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()
        if len(self.slots) > self.server.limits.pipelined:
            self.hold()
        elif self.ending and not self.slots:
            self._close()
        elif not transport.is_reading():
            self.hold()

    def hold(self) -> None:
        """Read from the socket only while the client takes its answers and has few of them due."""
        if (transport := self.transport) is None or transport.is_closing():
            return
        # Who sends a body that is taken as it comes may read its answers later: they wait on disk.
        comes = isinstance(self.body, BodyStream) and not self.body.ended
        busy = (uploads.is_full(self) if comes else self.paused) or len(self.slots) > self.server.limits.pipelined
        if busy and transport.is_reading():
            transport.pause_reading()
        elif not busy and not transport.is_reading():
            transport.resume_reading()

    # --- the end -------------------------------------------------------------------------------

    def _stop(self, response: Response) -> None:
        """Leave the parser with an answer."""
        self.refused = response
        raise _Refused

    def refuse(self, response: Response) -> None:
        """Answer a broken request behind the ones before it; nothing after it can be understood."""
        if self.ending:
            uploads.broke(self, response)
            return
        self.server.refused += 1
        slot = Slot(wire.CLOSE, False)
        self.slots.append(slot)
        self._end()
        self.fill(slot, response)

    def _end(self) -> None:
        """Take no more requests; the connection closes after the answers that are due."""
        self.ending = True
        self.phase = LINGER
        self.since = self.server.ticks

    def _close(self) -> None:
        """Close, in a way that a client still sending gets to read its answer."""
        if (transport := self.transport) is None:
            return
        if not transport.can_write_eof() or (self.refused is None and self.phase not in (LINGER, BODY)):
            transport.close()  # TLS has no half-closed connections
        elif not transport.is_closing():
            self.phase, self.since = LINGER, self.server.ticks
            transport.write_eof()

    def _discard(self, size: int) -> None:
        """Drop what a refused client still sends, within reason."""
        self.unread += size
        if self.unread > MOST_UNREAD and self.transport is not None:
            self.transport.abort()

    def drain(self) -> None:
        """Close now if nothing is under way; else say ``Connection: close`` in the last answer."""
        if self.phase == IDLE and not self.slots and self.transport is not None:
            self.transport.close()
