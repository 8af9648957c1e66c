"""Answers that are sent piece by piece, as they become known: chunked, at the client's pace, ended when it leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from tidewheel.serving.transport import wire
from tidewheel.serving.transport.http import Response

if TYPE_CHECKING:
    from tidewheel.serving.transport.connection import Connection
    from tidewheel.serving.transport.slots import Slot

log = logging.getLogger("tidewheel.serving")

EVENTS = b"text/event-stream"
LOOK_AGAIN = 0.01
"""Seconds between looks at a client that does not read, or at the answers before this one."""


class Streamed(Response, kw_only=True):
    """An answer whose body comes in pieces. What goes wrong before the first piece is an answer like any other.

    Attributes
    ----------
    pieces : async generator of bytes
        Closed when the client leaves. One that waits for long gives ``b""`` from time to time.
    endless : bool
        It ends when the server drains, since it never would by itself.
    """

    pieces: AsyncGenerator[bytes]
    endless: bool = False


async def send(connection: Connection, slot: Slot, response: Streamed) -> None:
    """Send an answer in its place among those of its connection.

    Raises
    ------
    Exception
        What the generator raised before anything was sent.
    """
    pieces = response.pieces
    try:
        first = await anext(pieces, b"")
        await _until(connection, lambda: connection.slots[0] is slot)
        transport, parser = connection.transport, connection.parser
        if transport is None or parser is None:
            return
        chunked = parser.get_http_version() != "1.0"
        if not chunked or connection.server.draining:
            slot.connection, connection.ending = wire.CLOSE, True
        connection.advance()
        slot.begun = True
        transport.write(wire.head(response, connection.server.date, slot.connection, chunked=chunked))
        if not slot.bodiless:
            await _send_pieces(connection, response, first, chunked)
            slot.data = b"0\r\n\r\n" if chunked else b""
        else:
            slot.data = b""
    finally:
        await pieces.aclose()
    connection.advance()


async def _send_pieces(connection: Connection, response: Streamed, first: bytes, chunked: bool) -> None:
    piece: bytes | None = first
    while piece is not None and connection.transport is not None:
        if piece:
            connection.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await _until(connection, lambda: not connection.paused)
        if response.endless and connection.server.draining:
            return
        try:
            piece = await anext(response.pieces, None)
        except Exception as error:
            # The client must not take for whole what is not: it sees the connection break.
            log.error("a streamed answer failed on its way", exc_info=error)
            if connection.transport is not None:
                connection.transport.abort()
            return


async def _until(connection: Connection, true: Callable[[], bool]) -> None:
    """Wait until something is true, or the client is gone."""
    while connection.transport is not None and not true():
        await asyncio.sleep(LOOK_AGAIN)


def event(name: str, data: bytes, identity: str = "") -> bytes:
    r"""Return a server-sent event; `data` is one line.

    Examples
    --------
    >>> event("decision", b"{}", "3")
    b'event: decision\nid: 3\ndata: {}\n\n'
    """
    told = b"id: %b\n" % identity.encode() if identity else b""
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), told, data)
