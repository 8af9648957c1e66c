"""What a connection has time for: headers, bodies, answers that nobody reads, and nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidewheel.serving.transport.http import error_response

if TYPE_CHECKING:
    from tidewheel.serving.transport.connection import Connection

IDLE, HEADERS, BODY, LINGER = range(4)
"""Phases of a connection: between requests, in one, and after the last."""
LINGERS = 2.0


def expire(connection: Connection, ticks: int) -> None:
    """Look at a connection's deadlines, at a tick of the server's."""
    server, transport, phase = connection.server, connection.transport, connection.phase
    limits, waited = server.limits, (ticks - connection.since) * server.tick
    if transport is None:
        return
    if connection.paused and (ticks - connection.write_since) * server.tick > limits.write_timeout:
        transport.abort()
    elif phase == LINGER:
        connection.probe()
        if waited > LINGERS and not connection.slots:
            transport.abort()
    elif phase == IDLE:
        if waited > limits.idle_timeout and not connection.slots:
            transport.close()
    elif transport.is_reading() and waited > (limits.header_timeout if phase == HEADERS else limits.body_timeout):
        part = "headers" if phase == HEADERS else "body"
        connection.refuse(error_response(408, f"the {part} did not come in time"))
        connection.flush()
