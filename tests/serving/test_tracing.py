"""Traces: whose request is traced, what its spans tell, and that they reach a collector."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Awaitable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.serving.server import Echo, ServerThread
from tests.serving.shop import open_shop, payment, post, serving, worker

from tidewheel.errors import TidewheelError
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.observing.metrics import STAGES
from tidewheel.serving.observing.tracing import Traced, Tracer, tracer_of
from tidewheel.serving.transport.http import Request, Response

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def tracer(exporter: InMemorySpanExporter, ratio: float = 0.0) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracer(provider, ratio)


def ask(handler: Traced, traceparent: str = "", path: str = "/v1/services/Score", body: bytes = b"") -> Response:
    headers = {b"traceparent": traceparent.encode()} if traceparent else {}
    answer = handler.handle(Request("POST", path, "", headers, body))
    assert isinstance(answer, Response)
    return answer


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.mark.parametrize(
    ("traceparent", "ratio", "spans"),
    [
        (SAMPLED, 0.0, 1),
        (f"00-{TRACE}-{PARENT}-00", 1.0, 0),
        ("", 0.0, 0),
        ("", 1.0, 1),
        ("00-zz-11-01", 0.0, 0),
        ("00-zz-11-01", 1.0, 1),
        (f"00-{'0' * 32}-{PARENT}-01", 0.0, 0),
        (f"ff-{TRACE}-{PARENT}-01", 0.0, 0),
        (f"cc-{TRACE}-{PARENT}-01-later", 0.0, 1),
        ("é" * 500, 0.0, 0),
    ],
)
def test_the_sender_says_what_is_traced_and_the_ratio_the_rest(
    exporter: InMemorySpanExporter, traceparent: str, ratio: float, spans: int
) -> None:
    answer = ask(Traced(Echo(lambda request: Response()), tracer(exporter, ratio)), traceparent)
    assert len(exporter.get_finished_spans()) == spans
    assert len(answer.headers) == spans


def test_context_goes_in_and_out(exporter: InMemorySpanExporter) -> None:
    answer = ask(Traced(Echo(lambda request: Response()), tracer(exporter)), SAMPLED)
    (span,) = exporter.get_finished_spans()
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert answer.headers == ((b"traceparent", f"00-{TRACE}-{span.context.span_id:016x}-01".encode()),)
    assert span.name == "POST /v1/services/{name}"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200


def test_a_decision_s_stages_are_its_children(exporter: InMemorySpanExporter, tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            running.desk.tracer = tracer(exporter)
            handler = Traced(Handler(WorkerBackend(running)), running.desk.tracer)
            before = time.time_ns()
            answer = json.loads(ask(handler, SAMPLED, body=json.dumps(payment(1)).encode()).body)
            after = time.time_ns()
            untraced = json.loads(ask(handler, body=json.dumps(payment(2)).encode()).body)
            record = running.find(answer["decision_id"])
            assert (record.trace, running.find(untraced["decision_id"]).trace) == (TRACE, "")
    spans = by_name(exporter)
    root = spans.pop("POST /v1/services/{name}")
    assert root.attributes is not None
    assert root.attributes["tidewheel.decision_id"] == answer["decision_id"]
    assert root.attributes["tidewheel.model"] == "Fraud@1"
    assert not any("c1" in str(value) for value in root.attributes.values())
    assert spans.keys() <= set(STAGES)
    assert {"decode", "features", "model", "journal"} <= spans.keys()
    for name, span in spans.items():
        assert span.parent is not None
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.parent.span_id == root.context.span_id
        assert before - 10**6 <= span.start_time < span.end_time <= after + 10**6
        if name != "journal":
            assert span.end_time - span.start_time == record.timings[STAGES.index(name)]


def test_answers_that_take_their_time_end_their_span(exporter: InMemorySpanExporter) -> None:
    async def later(request: Request) -> Response:
        if request.body == b"bad":
            raise TidewheelError("no space")
        return Response(503)

    handler = Traced(Echo(later), tracer(exporter))
    with ServerThread(handler) as server:
        for body in (b"ok", b"bad"):
            _send(server.port, body)
    first, second = exporter.get_finished_spans()
    assert not first.status.is_ok
    assert not second.status.is_ok
    assert [event.name for event in second.events] == ["exception"]


def test_what_a_handler_raises_ends_its_span(exporter: InMemorySpanExporter) -> None:
    def broken(request: Request) -> Response | Awaitable[Response]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(Traced(Echo(broken), tracer(exporter)), SAMPLED)
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        super().__init__(("127.0.0.1", 0), _Receiver)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert self.path == "/v1/traces"
        assert isinstance(self.server, Collector)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_a_worker_s_traces_reach_a_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    with open_shop(tmp_path, tracing=True) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path) as running:
            status, answer = post(running.port, "/v1/services/Score", payment(1), {"traceparent": SAMPLED})
            assert status == 200
            running.stop()  # hands over what is left
    collector.shutdown()
    collector.server_close()
    (told,) = [resource for request in collector.requests for resource in request.resource_spans]
    assert {a.key: a.value.string_value for a in told.resource.attributes}["service.name"] == "shop"
    spans = [span for scope in told.scope_spans for span in scope.spans]
    (root,) = [span for span in spans if span.name == "POST /v1/services/{name}"]
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, PARENT)
    assert answer["decision_id"] in {a.value.string_value for a in root.attributes}
    assert {"features", "model"} <= {span.name for span in spans}


def test_a_wrong_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    with pytest.raises(TidewheelError, match="OTEL"):
        tracer_of(0.0, 0)


def _send(port: int, body: bytes) -> None:
    from tests.serving.server import connect, read_answer

    with connect(port) as client:
        head = f"POST /bulk HTTP/1.1\r\ntraceparent: {SAMPLED}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        status, headers, _ = read_answer(client)
        assert status == 503
        assert ("traceparent" in headers) == (body == b"ok")
