"""Many decisions in one request: each row is answered as if it had come alone, for less time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from tidewheel.errors import SchemaError, ServingError, TidewheelError
from tidewheel.serving.deciding.answers import Answer
from tidewheel.storage.log.records import BadRow, NewEvent

if TYPE_CHECKING:
    from tidewheel.serving.backend import Coming, WorkerBackend

log = logging.getLogger("tidewheel.serving")

BulkRow = NewEvent | BadRow
SLICE = 32
"""Rows that are decided before other requests get their turn."""


async def decide_rows(
    backend: WorkerBackend,
    service: str,
    rows: Sequence[BulkRow],
    now: int | None,
    caller: str,
    until: int = 0,
    first: int = 0,
) -> AsyncGenerator[Answer | TidewheelError]:
    """Decide rows in their order; gives each row's answer, or why it got none, as soon as it is known.

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
    first : int
        Number of the first row.

    Raises
    ------
    TidewheelError
        No row can be decided: the clock refused the instant, there is no such service.
    """
    await backend.settle(now)
    size = max(len(rows), 1) if backend.stepped else SLICE
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        events = [row for row in some if isinstance(row, NewEvent)]
        decided = iter(backend.decide_events(service, events, caller, until))
        begun = [
            SchemaError(row.reason, where=f"row {number}") if isinstance(row, BadRow) else next(decided)
            for number, row in enumerate(some, first + start)
        ]
        answers = [await _finished(answer) for answer in begun]
        await backend.on_disk()
        for answer in answers:
            yield answer
        await asyncio.sleep(0)


async def _finished(answer: Coming) -> Answer | TidewheelError:
    if isinstance(answer, Answer):
        return answer
    try:
        if isinstance(answer, Exception):
            raise answer
        return await answer
    except TidewheelError as error:
        return error
    except Exception:
        log.exception("a row could not be decided")
        return ServingError("the server failed at this row", remedy="see the worker's log")


def is_bulk(body: bytes) -> bool:
    """Return whether a body holds many events: a JSON array, or an Arrow stream.

    Examples
    --------
    >>> is_bulk(b'[{"id": "t1"}]'), is_bulk(b'{"id": "t1"}')
    (True, False)
    """
    return body[:1] in (b"[", b"\xff")
