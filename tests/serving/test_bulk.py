"""Many decisions in one request, in each form; and events as Arrow."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.serving.oip.front import Front, front
from tests.serving.shop import folding, get, open_shop, payment, worker
from tests.serving.shop import post as shop_post
from tests.serving.test_deciding import records

SCORE = "/v1/services/Score"
ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("bulk")) as running:
        yield running


def post(served: Front, path: str, body: bytes, accept: str = "") -> tuple[int, str, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    client.request("POST", path, body, {"accept": accept} if accept else {})
    answer = client.getresponse()
    told = answer.status, answer.getheader("content-type", ""), answer.read()
    client.close()
    return told


def arrow(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_rows_are_decided_in_order_and_bad_ones_told(served: Front) -> None:
    rows = [payment("a1", amount=100.0), {"id": "a2"}, payment("a3", amount=900.0)]
    status, _, body = post(served, SCORE, json.dumps(rows).encode())
    first, bad, last = json.loads(body)
    assert (status, first["decision"], last["decision"]) == (200, "allow", "block")
    assert "missing" in bad["error"]["what"]
    assert bad["error"]["where"] == "row 1"
    alone = post(served, SCORE, json.dumps(rows[0]).encode())[2]
    assert json.loads(alone) == first
    kept = {record.decision_id for record in records(served.shop.stores.layout.journal)}
    assert {first["decision_id"], last["decision_id"]} <= kept
    assert post(served, SCORE, b'[{"id": 1}]')[0] == 422
    assert post(served, SCORE, b"[]")[::2] == (200, b"[]")
    assert post(served, "/v1/services/Scor", b"[]")[0] == 404


def test_server_sent_events_give_each_answer_as_it_is_known(served: Front) -> None:
    rows = [*(payment(f"b{n}", amount=100.0) for n in range(40)), {"id": "b40"}]
    status, kind, body = post(served, SCORE, json.dumps(rows).encode(), "text/event-stream")
    assert (status, kind) == (200, "text/event-stream")
    events = [dict(line.split(": ", 1) for line in told.split("\n")) for told in body.decode().strip().split("\n\n")]
    assert [told["event"] for told in events] == ["decision"] * 40 + ["refused", "end"]
    assert [told["id"] for told in events[:-1]] == [str(n) for n in range(41)]
    assert json.loads(events[7]["data"])["event_id"] == "pb7"
    assert json.loads(events[-1]["data"]) == {"rows": 41, "refused": 1}


def test_arrow_goes_in_and_comes_out(served: Front) -> None:
    rows = [payment(f"c{n}", amount=100.0 * n) for n in range(2500)]
    rows[3]["amount"] = None
    status, kind, body = post(served, SCORE, arrow(rows), ARROW)
    assert (status, kind) == (200, ARROW)
    with pa.ipc.open_stream(body) as reader:
        table = reader.read_all()
    assert table.num_rows == 2500
    assert table.column("event_id").to_pylist()[:3] == ["pc0", "pc1", "pc2"]
    assert "missing" in table.column("error").to_pylist()[3]
    assert table.column("decision").to_pylist()[9] == "block"
    assert table.column("error").null_count == 2499
    plain = json.loads(post(served, SCORE, arrow(rows[:5]))[2])
    assert plain[0]["decision_id"] == table.column("decision_id")[0].as_py()


def test_events_come_as_arrow_too(served: Front) -> None:
    at = pa.scalar(1_600_000_000_000_000_000, pa.timestamp("ns", "UTC"))
    rows = [{**payment(f"d{n}"), "at": at.as_py()} for n in range(3)]
    status, _, body = post(served, "/v1/events/Payment", arrow(rows))
    assert (status, json.loads(body)["accepted"]) == (200, 3)
    status, _, body = post(served, "/v1/events/Payment", arrow(rows)[:-40] + b"\xff" * 40)
    assert (status, "no Arrow stream" in json.loads(body)["error"]["what"]) == (400, True)
    assert post(served, SCORE, b"\xff\xff\xff\xff")[0] == 400


def test_rows_of_one_instant_see_the_same_past(tmp_path: Path) -> None:
    with open_shop(tmp_path, clock="replay") as shop:
        graph = shop.graph()
        shop.deploy(graph)
        with worker(tmp_path) as running, folding(shop, graph):
            seen = []
            for hour in (1, 2):
                rows = [payment(f"r{hour}-{n}", amount=100.0) for n in range(40)]
                status, told = shop_post(running.port, SCORE, rows, {"tidewheel-now": f"2013-01-01T0{hour}:00:00Z"})
                assert status == 200
                paths = [f"/v1/decisions/{told[n]['decision_id']}" for n in (0, 39)]
                features = [json.loads(get(running.port, path)[1])["features"] for path in paths]
                seen.append([next(v for k, v in row.items() if k.endswith("payments_1d")) for row in features])
    assert seen == [[0.0, 0.0], [40.0, 40.0]]


def stream(batch: pa.RecordBatch, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def overlapping() -> pa.RecordBatch:
    """Rows whose text lies outside the buffer that they point into."""
    offsets = pa.array([0, 1 << 20, 3], pa.int32()).buffers()[1]
    return pa.RecordBatch.from_arrays([pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"abc"))], ["id"])


def repeated() -> pa.RecordBatch:
    """A long text, and many rows that name it."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int8()), pa.array(["x" * 500_000]))
    return pa.RecordBatch.from_arrays([column], ["id"])


@pytest.mark.parametrize(
    "body",
    [
        stream(pa.RecordBatch.from_arrays([pa.nulls(1 << 27)], ["id"])),
        stream(pa.RecordBatch.from_arrays([pa.array(["x" * 4_000_000])], ["id"]), "zstd"),
        stream(overlapping()),
        stream(repeated()),
        stream(pa.RecordBatch.from_arrays([pa.array(["abc"], pa.string_view())], ["id"])),
    ],
    ids=["rows of nothing", "compressed", "beyond its buffer", "one text for many", "views"],
)
def test_a_hostile_stream_is_refused_before_it_unfolds(served: Front, body: bytes) -> None:
    for path in (SCORE, "/v1/events/Payment"):
        status, _, told = post(served, path, body)
        assert status == 400
        assert "Arrow" in json.loads(told)["error"]["what"]


def test_categories_are_read_as_their_texts(served: Front) -> None:
    rows = [payment(f"k{number}") for number in range(3)]
    table = pa.Table.from_pylist(rows)
    column = table.column("card").dictionary_encode()
    place = table.schema.get_field_index("card")
    batch = table.set_column(place, "card", column).combine_chunks().to_batches()[0]
    status, _, body = post(served, SCORE, stream(batch))
    assert status == 200
    assert ["error" in answer for answer in json.loads(body)] == [False] * 3
