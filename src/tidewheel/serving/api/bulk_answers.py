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
from tidewheel.serving.api.bulk import SLICE, decide_rows
from tidewheel.serving.api.handler import Accepted
from tidewheel.serving.api.pieces import pieces
from tidewheel.serving.api.spool import spooled
from tidewheel.serving.deciding.answers import Answer, encode_answer
from tidewheel.serving.deciding.desk import decoded
from tidewheel.serving.transport.http import JSON, Request, Response, refusal
from tidewheel.serving.transport.streaming import EVENTS, Streamed, event

if TYPE_CHECKING:
    from tidewheel.serving.api.bulk import BulkRow
    from tidewheel.serving.backend import WorkerBackend
    from tidewheel.serving.transport.bodies import Stream

ARROW = b"application/vnd.apache.arrow.stream"
SMALL_BODY = 64 * 1024
"""Larger bodies are checked in a thread, so that others' decisions need not wait for them."""
BATCH = 1024
"""Answers in one Arrow batch."""
Answers = AsyncGenerator[Answer | TidewheelError]


class Bulk:
    """Takes requests with many events, whole or as they come.

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
        if request.stream is not None:
            return await self._decide_stream(request, request.stream, service, caller, until)
        rows = await self._rows(service, request.body)
        answers = decide_rows(self._backend, service, rows, now, caller, until)
        streamed = _streamed(request, answers)
        return await _json(answers) if streamed is None else streamed

    async def _decide_stream(self, request: Request, stream: Stream, service: str, caller: str, until: int) -> Response:
        """Decide a body's rows while it comes in. What is wrong before the first is decided refuses it all."""
        stores = self._backend.serving.stores
        self._backend.serving.desk.served(service)  # before anything is read
        bodies = pieces(stream, stores.settings.max_body)
        body = await anext(bodies, b"[]")
        rows = await self._rows(service, body)

        async def decide() -> Answers:
            nonlocal body, rows
            number = 0
            try:
                while True:
                    async for answer in decide_rows(self._backend, service, rows, None, caller, until, number):
                        yield answer
                    number += len(rows)
                    rows = []  # let go before the next ones are read
                    if (body := await anext(bodies, b"")) == b"":
                        return
                    rows = await self._rows(service, body)
            except TidewheelError as error:
                error.where = error.where or f"row {number} or later"
                yield error

        answers = decide()
        streamed = _streamed(request, answers) or Streamed(200, b"", JSON, pieces=_array(answers))
        streamed.pieces = spooled(streamed.pieces, stores.layout.run, stores.settings.max_bulk)
        return streamed

    async def append(self, request: Request, event: str, now: int | None) -> Accepted:
        """Put the events of a body in the log while it comes in.

        Raises
        ------
        TidewheelError
            The rest can't be read or taken; rows before were taken, and are known when they come again.
        """
        assert request.stream is not None
        backend, told, number = self._backend, Accepted(), 0
        backend.serving.source(event)  # before anything is read
        try:
            async for body in pieces(request.stream, backend.serving.stores.settings.max_body, lines=True):
                number += await backend.append_piece(event, body, now, told, number)
        except TidewheelError as error:
            if number:
                error.remedy = f"{error.remedy}; {number} rows before were taken: send it again, they are known".lstrip(
                    "; "
                )
            raise
        return told

    async def _rows(self, service: str, body: bytes) -> list[BulkRow]:
        check, now = self._backend.serving.desk.served(service).check, self._backend.now()
        read: Callable[..., list[BulkRow]] = arrow_rows if is_arrow(body) else decoded
        if len(body) > SMALL_BODY and not self._backend.stepped:
            return await asyncio.to_thread(read, check, body, now)
        return read(check, body, now)


NO_STORE = (b"cache-control", b"no-store")


def told(answer: Answer | TidewheelError) -> bytes:
    """Return a row's answer, or its refusal in the same form as that of a whole request."""
    return encode_answer(answer) if isinstance(answer, Answer) else refusal(answer).body


def _streamed(request: Request, answers: Answers) -> Streamed | None:
    """Return the answers in the form that is asked for; None for JSON."""
    accept = request.header(b"accept").encode()
    if EVENTS in accept:
        return Streamed(200, b"", EVENTS, (NO_STORE,), pieces=_events(answers))
    return Streamed(200, b"", ARROW, pieces=_arrow(answers)) if ARROW in accept else None


async def _array(answers: Answers) -> AsyncGenerator[bytes]:
    """Give a JSON array, some answers at a time."""
    some: list[bytes] = []
    opening = b"["
    async for answer in answers:
        some.append(told(answer))
        if len(some) == SLICE:
            yield opening + b",".join(some)
            some, opening = [], b","
    yield (opening if some or opening == b"[" else b"") + b",".join(some) + b"]"


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


def _row(answer: Answer | TidewheelError) -> dict[str, Any]:
    if isinstance(answer, Answer):
        return plain_fields(answer)
    return {"error": str(answer)}


def _taken(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data
