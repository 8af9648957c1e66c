"""What can be asked, as data: a request and how its answer is read. The clients only carry it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from tidewheel import errors

T = TypeVar("T")
BATCH = 512 * 1024
"""Bytes of rows in one request."""
EVENTS, ARROW = "text/event-stream", "application/vnd.apache.arrow.stream"


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service's answer to one event; see ``docs/serving.md``."""

    decision_id: str
    service: str
    event_id: str
    decision: str = ""
    score: float | None = None
    model: str = ""
    arm: str = ""
    rule: str = ""
    fallback: str = ""
    reason: str = ""
    explored: bool = False
    age: float | None = None
    items: list[dict[str, Any]] = []
    """What a ranking service chose, best first."""


class Appended(msgspec.Struct, frozen=True):
    """What became of events: each is in the log, was there before, or lies in quarantine."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: list[dict[str, Any]] = []

    def __add__(self, other: Appended) -> Appended:
        """Return the sum of two batches."""
        quarantined = [*self.quarantined, *other.quarantined]
        return Appended(self.accepted + other.accepted, self.duplicates + other.duplicates, quarantined)


class Features(msgspec.Struct, frozen=True):
    """Live features: a column of values each, one an entity."""

    features: dict[str, list[Any]]
    instants: list[Any] = []
    offsets: list[Any] = []


class Call(msgspec.Struct, Generic[T]):
    """A request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[int, Mapping[str, str], bytes], T]
    body: bytes = b""
    headers: dict[str, str] = {}
    repeatable: bool = True
    hedged: bool = False
    """Whether it may be sent a second time while the first is not answered: only what is small."""


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # a numpy number
        return value.item()
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode


def named(thing: str | type) -> str:
    """Return the name of a service or an event, given by name or as its class."""
    return thing if isinstance(thing, str) else thing.__name__


def encoded(event: Any) -> bytes:
    """Return an event as JSON: a mapping, or an instance of a declared event.

    Raises
    ------
    InputError
        It can't be written as JSON.
    """
    if not isinstance(event, Mapping):
        from tidewheel.definitions.events.rows import values_of

        at = getattr(event, "at", None)
        event = {**values_of(event), **({} if at is None else {"at": at})}
    try:
        return _encode(event)
    except (TypeError, ValueError) as error:
        raise errors.InputError(f"the event can't be written as JSON: {error}") from error


class Batch(NamedTuple):
    """Rows that fit in one request: their bytes, and the place of the first."""

    body: bytes
    first: int


def batches(events: Iterable[Any]) -> Iterator[Batch]:
    """Return the events in as few bodies as a server takes them: JSON arrays, or Arrow streams for a table."""
    return _arrow_batches(events) if is_table(events) else _json_batches(events)


def _json_batches(events: Iterable[Any]) -> Iterator[Batch]:
    rows: list[bytes] = []
    size = first = 0
    for event in events:
        row = encoded(event)
        if rows and size + len(row) > BATCH:
            yield Batch(b"[%b]" % b",".join(rows), first)
            first += len(rows)
            rows, size = [], 0
        rows.append(row)
        size += len(row) + 1
    if rows:
        yield Batch(b"[%b]" % b",".join(rows), first)


def _arrow_batches(table: Any) -> Iterator[Batch]:
    import io

    import pyarrow as pa

    rows = max(1, int(table.num_rows * BATCH / max(table.nbytes, 1)))
    for start in range(0, table.num_rows, rows):
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(start, rows))
        yield Batch(sink.getvalue(), start)


def is_table(events: Any) -> bool:
    """Return whether events came as an Arrow table."""
    return hasattr(events, "num_rows") and hasattr(events, "slice") and hasattr(events, "schema")


# --- the calls -------------------------------------------------------------------------------------


def decide(service: str | type, event: Any, now: Any, repeatable: bool) -> Call[Decision]:
    """Decide one event."""
    path = f"/v1/services/{named(service)}"
    return Call("POST", path, lambda *reply: _as(Decision, *reply), encoded(event), _now(now), repeatable, hedged=True)


def decide_rows(service: str | type, body: bytes, now: Any, repeatable: bool) -> Call[list[Any]]:
    """Decide the rows of a batch; each comes back as a decision, or as the error that it met."""
    return Call("POST", f"/v1/services/{named(service)}", _rows, body, _now(now), repeatable)


def decide_table(service: str | type, body: bytes, now: Any, repeatable: bool) -> Call[Any]:
    """Decide the rows of an Arrow stream; the answer is a table."""
    headers = {**_now(now), "Accept": ARROW, "Content-Type": ARROW}
    return Call("POST", f"/v1/services/{named(service)}", _table, body, headers, repeatable)


def decide_each(service: str | type, body: bytes) -> Call[list[Any]]:
    """Decide the rows of a batch; each answer is sent as an event as soon as it is known."""
    return Call("POST", f"/v1/services/{named(service)}", _rows, body, {"Accept": EVENTS})


def joined(tables: list[Any]) -> Any:
    """Return one table of several."""
    import pyarrow as pa

    return pa.concat_tables(tables)


def append(event: str | type, body: bytes, now: Any, repeatable: bool) -> Call[Appended]:
    """Log events."""
    return Call("POST", f"/v1/events/{named(event)}", _appended, body, _now(now), repeatable)


def features(name: str | type, keys: Mapping[str, Any]) -> Call[Features]:
    """Read live features."""
    return Call("POST", f"/v1/features/{named(name)}", lambda *reply: _as(Features, *reply), encoded(keys), hedged=True)


def get(path: str) -> Call[dict[str, Any]]:
    """Read a page of the server's."""
    return Call("GET", path, lambda *reply: _as(dict[str, Any], *reply), hedged=True)


def _now(now: Any) -> dict[str, str]:
    if now is None:
        return {}
    return {"tidewheel-now": now.isoformat() if hasattr(now, "isoformat") else str(now)}


# --- reading answers -------------------------------------------------------------------------------


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> errors.TidewheelError:
    """Return the error that an answer tells of.

    Examples
    --------
    >>> error_of(404, {}, b'{"error": {"what": "no service", "where": "", "remedy": ""}}')
    NotFoundError('no service')
    """
    try:
        told = msgspec.json.decode(body, type=dict[str, dict[str, str]])["error"]
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
        told = {"what": f"the server answered {status}: {body[:200].decode('utf-8', 'replace')}"}
    kind: type[errors.TidewheelError] = errors.ServingError
    if status in _KINDS:
        kind = _KINDS[status]
    elif status == 503 and "retry-after-ms" in headers:
        kind = errors.OverloadedError
    elif 400 <= status < 500:
        kind = errors.InputError
    if status == 409 and "tidewheel-now" in told.get("where", ""):
        kind = errors.ClockError
    return kind(told.get("what", ""), where=told.get("where", ""), remedy=told.get("remedy", ""))


_KINDS: dict[int, type[errors.TidewheelError]] = {
    401: errors.DeniedError,
    403: errors.DeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    429: errors.OverloadedError,
}


def _as(kind: Any, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    if status != 200:
        raise error_of(status, headers, body)
    return msgspec.json.decode(body, type=kind)


def _rows(status: int, headers: Mapping[str, str], body: bytes) -> list[Any]:
    if not (status == 200 or (status == 422 and body[:1] == b"[")):
        raise error_of(status, headers, body)
    return [_row(bytes(raw)) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]


def _row(raw: bytes) -> Decision | errors.TidewheelError:
    if raw.startswith(b'{"error":'):
        return error_of(400, {}, raw)
    return msgspec.json.decode(raw, type=Decision)


def _table(status: int, headers: Mapping[str, str], body: bytes) -> Any:
    import pyarrow as pa

    if status != 200:
        raise error_of(status, headers, body)
    with pa.ipc.open_stream(body) as reader:
        return reader.read_all()


def _appended(status: int, headers: Mapping[str, str], body: bytes) -> Appended:
    if status == 422 and body[:12] == b'{"accepted":':
        status = 200
    answer: Appended = _as(Appended, status, headers, body)
    return answer


class ServerEvents:
    """Takes a stream of server-sent events apart."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[dict[str, str]]:
        r"""Give the events that are whole now: each one's fields by name.

        Examples
        --------
        >>> events = ServerEvents()
        >>> list(events.feed(b"id: 1\ndata: {}\n\nid: 2")), list(events.feed(b"\n\n"))
        ([{'id': '1', 'data': '{}'}], [{'id': '2'}])
        """
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            fields = (line.partition(":") for line in event.decode().split("\n"))
            yield {name: value.removeprefix(" ") for name, _, value in fields}


class EventReader:
    """Reads the rows of a batch that are told as events."""

    def __init__(self) -> None:
        self._events = ServerEvents()
        self.ended = False
        """Whether the server said that this was all."""

    def feed(self, data: bytes) -> Iterator[tuple[int, Decision | errors.TidewheelError]]:
        """Return the rows that are whole now: each with its number."""
        for event in self._events.feed(data):
            if event["event"] == "end":
                self.ended = True
            else:
                yield int(event["id"]), _row(event["data"].encode())
