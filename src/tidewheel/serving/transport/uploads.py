"""Requests whose bodies are large: counted while they come in, or handed over piece by piece."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from tidewheel.errors import InputError
from tidewheel.serving.transport import wire
from tidewheel.serving.transport.bodies import BodyStream
from tidewheel.serving.transport.http import Response, refusal, too_large
from tidewheel.serving.transport.slots import Slot

if TYPE_CHECKING:
    from tidewheel.serving.transport.connection import Connection


def begin(connection: Connection, size: int) -> Response | None:
    """Hand a request over whose body, of `size` bytes, is too large to be kept; return its refusal if even so.

    The connection takes no other request after this one.
    """
    server, limit = connection.server, connection.limit
    if isinstance(connection.body, BodyStream):
        return too_large(limit, "max_bulk")
    bulk = server.target_of(connection.url).bulk
    if size > bulk or connection.ending or connection.parser is None:
        return too_large(bulk, "max_bulk") if bulk else too_large(limit, server.limits.setting)
    stream = BodyStream(connection.hold, server.held)
    for part in connection.body:
        stream.append(part)
    forget(connection)
    connection.body, connection.limit, connection.ending = stream, bulk, True
    connection.requests += 1
    slot = Slot(wire.CLOSE, False)
    alone = not connection.slots
    connection.slots.append(slot)
    answer = connection.ask(connection.parser.get_method().decode())
    if type(answer) is Response:
        connection.fill(slot, answer)
        stream.close()
        return None
    connection.wait_for(slot, cast("Awaitable[Response]", answer))
    assert slot.task is not None
    slot.task.add_done_callback(stream.close)
    if alone and connection.headers.get(b"expect", b"").lower() == b"100-continue":
        connection.out.append(wire.CONTINUE)
    return None


def is_full(connection: Connection) -> bool:
    """Whether the reader of a body is so far behind that its sender has to wait."""
    return isinstance(connection.body, BodyStream) and connection.body.full


def end(connection: Connection) -> None:
    """Say that the body of the last request has come, if it was handed over before."""
    if isinstance(connection.body, BodyStream):
        connection.body.end()


def broke(connection: Connection, response: Response) -> None:
    """Say that the rest of a body which was handed over will not come."""
    if isinstance(connection.body, BodyStream):
        connection.body.end(InputError(f"the body broke off: {response.body.decode()[:500]}"))


def count(connection: Connection) -> None:
    """Count what is held of a body that is not whole yet; refuse it when the worker holds too much."""
    server = connection.server
    if isinstance(connection.body, BodyStream):
        connection.since = connection.write_since = server.ticks
        if is_full(connection):
            connection.hold()
        return
    more, connection.held = connection.body_size - connection.held, connection.body_size
    if not server.held.add(more):
        forget(connection)
        connection.body = []
        connection.refuse(refusal(server.held.refusal()))


def settle(connection: Connection, slot: Slot) -> None:
    """Hold a body as long as its answer takes."""
    held, size = connection.server.held, connection.body_size
    forget(connection)
    if slot.task is not None:
        held.add(size)
        slot.task.add_done_callback(lambda _: held.let_go(size))


def forget(connection: Connection) -> None:
    """Count what came of a body no longer."""
    connection.server.held.let_go(connection.held)
    connection.held = 0
