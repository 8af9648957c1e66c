"""Bulk decisions over HTTP: a JSON array or an Arrow stream of events in; JSON, server-sent events or Arrow out."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable
from functools import cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from tidewheel.errors import TidewheelError
from tidewheel.serving.api.arrow import arrow_rows, is_arrow
from tidewheel.serving.api.bulk import decide_rows
from tidewheel.serving.deciding.answers import Answer, decode_answer
from tidewheel.serving.deciding.desk import decoded
from tidewheel.serving.transport.http import JSON, Request, Response, refusal
from tidewheel.serving.transport.streaming import EVENTS, Streamed, event

if TYPE_CHECKING:
    from tidewheel.serving.api.bulk import BulkRow
    from tidewheel.serving.backend import WorkerBackend

ARROW = b"application/vnd.apache.arrow.stream"
SMALL_BODY = 64 * 1024
"""Larger bodies are checked in a thread, so that others' decisions need not wait for them."""
BATCH = 1024
"""Answers in one Arrow batch."""
Answers = AsyncGenerator[bytes | TidewheelError]


class Bulk:
    """Answers requests with many events.

    Parameters
    ----------
    backend : WorkerBackend
        What decides.
    """

    def __init__(self, backend: WorkerBackend) -> None:
        self._backend = backend

    async def decide(self, request: Request, service: str, now: int | None, caller: str, timeout: int = 0) -> Response:
        """Decide the events in a body, in the form that the ``Accept`` header asks for.

        A row that can't be decided is told so in its place. In JSON, 422 says that none could. `timeout` is for all of
        them together, microseconds; rows that it leaves no time for are answered by the fallback chain.

        Raises
        ------
        TidewheelError
            The body can't be read, there is no such service, the clock refuses the instant.
        """
        until = (request.began or perf_counter_ns()) + timeout * 1000 if timeout else 0
        await self._backend.settle(now)  # first: rows without a time of their own happen at the instant that is reached
        rows = await self._rows(service, request.body)
        answers = decide_rows(self._backend, service, rows, now, caller, until)
        accept = request.header(b"accept").encode()
        if EVENTS in accept:
            return Streamed(200, b"", EVENTS, (NO_STORE,), pieces=_events(answers))
        if ARROW in accept:
            return Streamed(200, b"", ARROW, pieces=_arrow(answers))
        return await _json(answers)

    async def _rows(self, service: str, body: bytes) -> list[BulkRow]:
        check, now = self._backend.serving.desk.served(service).check, self._backend.now()
        read: Callable[..., list[BulkRow]] = arrow_rows if is_arrow(body) else decoded
        if len(body) > SMALL_BODY and not self._backend.stepped:
            return await asyncio.to_thread(read, check, body, now)
        return read(check, body, now)


NO_STORE = (b"cache-control", b"no-store")


def told(answer: bytes | TidewheelError) -> bytes:
    """Return a row's answer, or its refusal in the same form as that of a whole request."""
    return answer if isinstance(answer, bytes) else refusal(answer).body


async def _json(answers: Answers) -> Response:
    found = [answer async for answer in answers]
    none = bool(found) and all(isinstance(answer, TidewheelError) for answer in found)
    return Response(422 if none else 200, b"[%b]" % b",".join(map(told, found)), JSON)


async def _events(answers: Answers) -> AsyncGenerator[bytes]:
    rows = refused = 0
    async for answer in answers:
        bad = isinstance(answer, TidewheelError)
        yield event("refused" if bad else "decision", told(answer), str(rows))
        rows += 1
        refused += bad
    yield event("end", msgspec.json.encode({"rows": rows, "refused": refused}))


async def _arrow(answers: Answers) -> AsyncGenerator[bytes]:
    import pyarrow as pa

    schema = arrow_schema()
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        batch: list[dict[str, Any]] = []
        async for answer in answers:
            batch.append(_row(answer))
            if len(batch) == BATCH:
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
                batch = []
                yield _taken(sink)
        if batch:
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
    yield _taken(sink)


def arrow_schema() -> Any:
    """Return the columns of an Arrow answer: an answer's fields, and why a row got none."""
    import pyarrow as pa

    kinds = {bool: pa.bool_(), float: pa.float64(), int: pa.int64()}
    fields = [(name, kinds.get(kind, pa.string())) for name, kind in answer_fields().items()]
    return pa.schema([*fields, ("error", pa.string())])


@cache
def answer_fields() -> dict[str, type]:
    """Return an answer's fields, each with what it holds: ``bool``, ``float``, ``int``, ``str``, or ``object``.

    Examples
    --------
    >>> fields = answer_fields()
    >>> fields["score"], fields["explored"], fields["decision"]
    (<class 'float'>, <class 'bool'>, <class 'str'>)
    """
    plain = (bool, float, int, str)
    return {
        field.name: next((kind for kind in plain if kind is field.type or kind in get_args(field.type)), object)
        for field in msgspec.structs.fields(Answer)
    }


def plain_fields(answer: Answer) -> dict[str, Any]:
    """Return an answer's fields; what is none of the plain kinds as JSON text."""
    told = msgspec.structs.asdict(answer)
    for name, kind in answer_fields().items():
        if kind is object and told[name] is not None:
            told[name] = msgspec.json.encode(told[name]).decode()
    return told


def _row(answer: bytes | TidewheelError) -> dict[str, Any]:
    if isinstance(answer, bytes):
        return plain_fields(decode_answer(answer))
    return {"error": str(answer)}


def _taken(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data
