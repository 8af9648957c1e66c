"""Many decisions in one request: each row is decided, journalled and answered as if it had come alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import TYPE_CHECKING

from tidewheel.errors import SchemaError, TidewheelError
from tidewheel.storage.log.records import BadRow, NewEvent

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.collect.checking.checks import RowCheck
    from tidewheel.serving.backend import WorkerBackend

BulkRow = NewEvent | BadRow
SLICE = 16
"""Rows that are decided before other requests get their turn."""


async def decide_rows(
    backend: WorkerBackend, service: str, rows: Sequence[BulkRow], now: int | None, caller: str, until: int = 0
) -> AsyncGenerator[bytes | TidewheelError]:
    """Decide rows in their order; gives each row's answer as JSON, or why it got none, as soon as it is known.

    Parameters
    ----------
    backend : WorkerBackend
        What decides.
    service : str
        Which service is asked.
    rows : sequence of NewEvent or BadRow
        Checked.
    now : int or None
        The caller's instant, in a replay workspace.
    caller : str
        Who asks.
    until : int
        The deadline of them all, ns of the monotonic clock; 0 gives each row the service's own.

    Raises
    ------
    TidewheelError
        No row can be decided: the clock refused the instant, there is no such service.
    """
    await backend.settle(now)
    size = max(len(rows), 1) if backend.stepped else SLICE
    for start in range(0, len(rows), size):
        begun: list[bytes | TidewheelError | Awaitable[bytes]] = []
        for number, row in enumerate(rows[start : start + size], start):
            begun.append(_begin(backend, service, row, number, caller, until))
        answers = [await _finished(answer) for answer in begun]
        await backend.on_disk()
        for answer in answers:
            yield answer
        await asyncio.sleep(0)


def _begin(
    backend: WorkerBackend, service: str, row: BulkRow, number: int, caller: str, until: int
) -> bytes | TidewheelError | Awaitable[bytes]:
    if isinstance(row, BadRow):
        return SchemaError(row.reason, where=f"row {number}")
    try:
        return backend.decide_event(service, row, caller, until)
    except TidewheelError as error:
        return error


async def _finished(answer: bytes | TidewheelError | Awaitable[bytes]) -> bytes | TidewheelError:
    if isinstance(answer, bytes | TidewheelError):
        return answer
    try:
        return await answer
    except TidewheelError as error:
        return error


def is_bulk(body: bytes) -> bool:
    """Return whether a body holds many events: a JSON array, or an Arrow stream.

    Examples
    --------
    >>> is_bulk(b'[{"id": "t1"}]'), is_bulk(b'{"id": "t1"}')
    (True, False)
    """
    return body[:1] in (b"[", b"\xff")


def is_arrow(body: bytes) -> bool:
    """Return whether a body is an Arrow stream: it begins with the marker that JSON can't begin with."""
    return body[:4] == b"\xff\xff\xff\xff"


def arrow_rows(check: RowCheck, body: bytes, now: int, origin: str = "") -> list[BulkRow]:
    """Return the rows of an Arrow stream, each checked as if it had come alone.

    Raises
    ------
    SchemaError
        The bytes are no Arrow stream.
    """
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(body) as reader:
            table = reader.read_all()
        rows = _in_microseconds(table).to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SchemaError(f"no Arrow stream: {error}", remedy="pyarrow.ipc.new_stream writes one") from error
    return [check.check(row, now=now, origin=origin) for row in rows]


def _in_microseconds(table: pa.Table) -> pa.Table:
    """Return a table without finer times: Python has none for them."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = table.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            table = table.set_column(place, field.name, column)
    return table
