"""Bodies that are decided and logged while they come in: at the reader's pace, within the worker's room."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import itertools
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.oip.front import Front, front
from tests.serving.server import Echo, ServerThread, connect, read_all, read_answer, statuses
from tests.serving.shop import payment

from tidewheel.errors import InputError
from tidewheel.serving.api.pieces import PIECE, pieces
from tidewheel.serving.transport.asgi import AsgiApp
from tidewheel.serving.transport.bodies import WINDOW
from tidewheel.serving.transport.http import Limits, Request, Response

SCORE, EVENT = "/v1/services/Score", "/v1/events/Payment"
LIMITS = Limits(body=16_384, setting="max_body", bulk_body=16_384, bulk=8 << 20, held=4 << 20)
ROWS = 6000
"""More than two pieces of them."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("large"), LIMITS) as running:
        yield running


def rows_of(prefix: str, number: int = ROWS) -> list[dict[str, object]]:
    return [payment(f"{prefix}{n}", amount=float(n % 1000)) for n in range(number)]


def post(served: Front, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    client.request("POST", path, body, headers)
    answer = client.getresponse()
    told = answer.status, answer.read()
    client.close()
    return told


def parts_of(body: bytes, size: int = 50_000) -> Iterator[bytes]:
    """A body without a length: sent in chunks."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("chunked", [False, True])
def test_an_array_is_decided_in_order_for_a_client_that_reads_last(served: Front, chunked: bool) -> None:
    rows = rows_of(f"a{chunked}")
    rows[4000] = {"id": "bad"}
    body = json.dumps(rows).encode()
    assert len(body) > 2 * PIECE
    status, told = post(served, SCORE, parts_of(body) if chunked else body)
    found = json.loads(told)
    assert (status, len(found)) == (200, ROWS)
    assert [answer.get("event_id") for answer in found[:4000:500]] == [row["id"] for row in rows[:4000:500]]
    assert found[4000]["error"]["where"] == "row 4000"
    assert found[-1]["event_id"] == rows[-1]["id"]
    assert held_bytes(served) == 0


def held_bytes(served: Front) -> int:
    """Bytes held once nothing is under way."""
    until = time.monotonic() + 10
    while served.server.server.held.bytes and time.monotonic() < until:
        time.sleep(0.01)
    return served.server.server.held.bytes


def test_server_sent_events_and_arrow_too(served: Front) -> None:
    rows = rows_of("b")
    status, told = post(served, SCORE, json.dumps(rows).encode(), accept="text/event-stream")
    assert status == 200
    *events, end = told.decode().strip().split("\n\n")
    assert [event.split("\n")[1] for event in events] == [f"id: {n}" for n in range(ROWS)]
    assert '{"rows":6000,"refused":0}' in end
    status, told = post(served, SCORE, batches(rows), accept="application/vnd.apache.arrow.stream")
    with pa.ipc.open_stream(told) as reader:
        assert reader.read_all().column("event_id").to_pylist() == [row["id"] for row in rows]


def batches(rows: list[dict[str, Any]], size: int = 1000) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist(rows)
    country = table.schema.get_field_index("country")
    table = table.set_column(country, "country", table.column(country).dictionary_encode())
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=size)
    return sink.getvalue()


def test_answers_come_while_the_body_is_sent(served: Front) -> None:
    body = json.dumps(rows_of("c")).encode()
    with connect(served.port) as client:
        client.sendall(b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (SCORE.encode(), len(body)))
        client.sendall(body[: len(body) // 2])
        begun = b""
        while b"pc0" not in begun:
            begun += client.recv(65_536)
        assert b" 200 OK" in begun
        client.sendall(body[len(body) // 2 :])
        assert b'"pc5999"' in read_all(client)


@pytest.mark.parametrize("form", ["array", "lines", "arrow"])
def test_events_are_logged_piece_by_piece(served: Front, form: str) -> None:
    rows: list[dict[str, Any]] = rows_of(f"d{form}")
    body = {
        "array": lambda: json.dumps(rows).encode(),
        "lines": lambda: b"\n".join(json.dumps(row).encode() for row in rows),
        "arrow": lambda: batches(rows),
    }[form]()
    status, told = post(served, EVENT, body)
    assert (status, json.loads(told)) == (200, {"accepted": ROWS, "duplicates": 0, "quarantined": []})
    rows[5000] = {"id": "bad", "card": None, "amount": None, "country": None}
    if form != "arrow":
        body = json.dumps(rows).encode()
        status, told = post(served, EVENT, body)
        (bad,) = json.loads(told)["quarantined"]
        assert (json.loads(told)["duplicates"], bad["row"]) == (ROWS - 1, 5000)


def test_what_breaks_off_is_told_in_its_place(served: Front) -> None:
    body = json.dumps(rows_of("e")).encode()
    status, told = post(served, SCORE, body[:-1] + b"] trailing")
    found = json.loads(told)
    assert (status, len(found)) == (200, ROWS + 1)
    assert "behind the end" in found[-1]["error"]["what"]
    status, told = post(served, EVENT, json.dumps(rows_of("e2")).encode()[:-1])
    assert status == 400
    assert "does not end" in json.loads(told)["error"]["what"]
    assert "6000 rows before were taken" in json.loads(told)["error"]["remedy"]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/v1/services/Scor", b"[" + b" " * 20_000, 404, "did you mean"),
        (SCORE, b'{"id": "' + b"x" * 20_000, 413, "max_body"),
        (SCORE, b"\xff\xff\xff\xff" + b"\x07" * 20_000, 400, "no Arrow stream"),
        (SCORE, b"[" + b"1" * (8 << 20), 413, "8388608 bytes (max_bulk)"),
        ("/v2/models/Fraud/infer", b"[" + b" " * 20_000, 413, "max_body"),
    ],
)
def test_a_refusal_names_the_limit_and_the_setting(
    served: Front, path: str, body: bytes, status: int, says: str
) -> None:
    with connect(served.port) as client:
        client.settimeout(30)
        head = b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body))
        client.sendall(head + body[:100_000])
        found, _, told = read_answer(client)
    assert (found, says in told.decode()) == (status, True), told


def test_a_batch_of_arrow_has_a_limit(served: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidewheel.serving.api.pieces.MOST_OF_A_BATCH", 100_000)
    rows = rows_of("h")
    assert post(served, EVENT, batches(rows))[0] == 200
    status, told = post(served, EVENT, batches(rows, ROWS))
    assert (status, "max_chunksize" in told.decode()) == (413, True)


def test_over_asgi_a_large_body_comes_in_parts_too(served: Front) -> None:
    body = json.dumps(rows_of("i")).encode()
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts_of(body)]
    messages.append({"type": "http.request", "body": b""})
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    def ask(path: str) -> Any:
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
        asyncio.run_coroutine_threadsafe(AsgiApp(served.handler)(scope, receive, send), served.server.loop).result(60)

    ask(SCORE)
    told = json.loads(b"".join(message.get("body", b"") for message in sent))
    assert [answer["event_id"] for answer in told[::999]] == [f"pi{n}" for n in range(0, ROWS, 999)]
    sent.clear()
    messages = [{"type": "http.request", "body": b"[" + b" " * 20_000, "more_body": True}, {"type": "http.disconnect"}]
    ask(EVENT)
    assert sent[0]["status"] == 400


def test_a_worker_holds_so_much_and_refuses_the_rest(served: Front) -> None:
    """Bodies that are not whole fill the room; plain requests still have theirs, and so has everybody afterwards."""
    part = b"[" + b'"' + b"x" * 600_000  # a text that does not end
    head = b"POST %b HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" % SCORE.encode()
    with_parts = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(12)]
    refused = 0
    try:
        for client in with_parts:
            client.sendall(head + part)
        until = time.monotonic() + 20
        while not refused and time.monotonic() < until:
            assert post(served, SCORE, json.dumps(payment(f"f{time.time_ns()}")).encode())[0] == 200
            refused = served.server.server.held.refused
        assert refused
        told = [answer for answer in map(answered, with_parts) if answer]
        assert statuses(b"".join(told))
        assert set(statuses(b"".join(told))) == {503}
        assert all(b"max_held" in answer and b"etry-" in answer for answer in told)
    finally:
        for client in with_parts:
            client.close()
    assert held_bytes(served) == 0
    assert post(served, SCORE, json.dumps(rows_of("g", 500)).encode())[0] == 200


def answered(client: socket.socket) -> bytes:
    client.settimeout(0.5)
    try:
        return client.recv(65_536)
    except TimeoutError:
        return b""


def test_a_reader_that_is_behind_holds_its_sender_back() -> None:
    go_on, seen = threading.Event(), []

    async def read(request: Request) -> Response:
        assert request.stream is not None
        size = 0
        while data := await request.stream.read():
            size += len(data)
            seen.append(len(data))
            while not go_on.is_set():
                await asyncio.sleep(0.01)
            request.stream.let_go(len(data))
        return Response(200, b"%d" % size)

    with ServerThread(Echo(read), Limits(body=1024)) as server, connect(server.port) as client:
        client.sendall(b"POST /stream HTTP/1.1\r\nContent-Length: 15000000\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.settimeout(0.5)
        sent = sent_of(client, 15_000_000)
        assert sent < 15_000_000
        assert sum(seen) + server.server.held.bytes < 4 * WINDOW
        go_on.set()
        client.settimeout(20)
        assert sent + sent_of(client, 15_000_000 - sent) == 15_000_000
        assert read_answer(client)[2] == b"15000000"


def sent_of(client: socket.socket, size: int) -> int:
    """Send so many bytes, or as many as are taken; return how many."""
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < size:
            sent += client.send(b"x" * min(size - sent, 100_000))
    return sent


def test_a_client_that_leaves_in_the_middle_ends_the_reading() -> None:
    ended: list[str] = []
    done = threading.Event()

    async def read(request: Request) -> Response:
        assert request.stream is not None
        try:
            while await request.stream.read():
                pass
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        finally:
            done.set()
        return Response()

    with ServerThread(Echo(read), Limits(body=1024)) as server:
        with connect(server.port) as client:
            client.sendall(b"POST /stream HTTP/1.1\r\nContent-Length: 15000000\r\n\r\n" + b"x" * 5000)
            time.sleep(0.1)
        assert done.wait(10)
        with connect(server.port) as client:
            client.sendall(b"POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + b"x" * 4096)
            client.sendall(b"\r\nnonsense\r\n")
            assert set(statuses(read_all(client))) == {400}
    assert ended == ["CancelledError", "InputError"]


class Given:
    """A body as a reader sees it, in parts."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts
        self.let = 0

    async def read(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    def let_go(self, number: int) -> None:
        self.let += number


def cut(body: bytes, places: list[int], lines: bool = False) -> list[bytes]:
    """A body's pieces, when it comes in these parts."""
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    given = Given([body[a:b] for a, b in itertools.pairwise(edges)])

    async def collect(found: AsyncGenerator[bytes]) -> list[bytes]:
        return [piece async for piece in found]

    return asyncio.run(collect(pieces(given, 1 << 20, lines)))


odd_text = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\\{}[],'), max_size=8)
values = st.recursive(
    odd_text | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(odd_text, values, max_size=4), max_size=30),
    st.lists(st.integers(0, 10_000), max_size=10),
    st.sampled_from([None, 2]),
    st.integers(1, 200),
)
def test_pieces_are_the_array(rows: list[Any], places: list[int], indent: int | None, size: int) -> None:
    body = json.dumps(rows, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tidewheel.serving.api.pieces.PIECE", size)
        found = cut(b"\n " + body + b"\r\n", places)
        assert [row for piece in found for row in msgspec.json.decode(piece)] == json.loads(body)
        lines = b"\n".join(json.dumps(row).encode() for row in rows) or b"{}"
        told = [json.loads(line) for piece in cut(lines, places, True) for line in piece.split(b"\n") if line.strip()]
        assert told == (rows or [{}])


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=300),
    st.lists(st.integers(0, 300), max_size=4),
    st.sampled_from([b"[", b"\xff\xff\xff\xff", b""]),
)
def test_whatever_comes_is_cut_or_refused(data: bytes, places: list[int], begun: bytes) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(InputError):
        assert all(cut(begun + data, places, True))
