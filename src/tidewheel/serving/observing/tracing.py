"""OpenTelemetry traces: a span a request, its stages as children, made from the timings that are taken anyway.

A request that comes with a W3C ``traceparent`` is traced when its sender says so; of the others a share that the
settings name. Where tracing is off nothing of this is imported, and the request path only sees that there is no tracer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import msgspec

from tidewheel.errors import MissingExtraError, TidewheelError
from tidewheel.runtime.logs import log_fields
from tidewheel.serving.observing.metrics import STAGES
from tidewheel.serving.transport.http import Request, Response

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

    from tidewheel.serving.transport.server import Handler
    from tidewheel.storage.journal.decisions import DecisionRecord

PARENT, STATE = b"traceparent", b"tracestate"
ROUTES = frozenset({"services", "events", "features", "decisions"})
_SPAN: ContextVar[Span | None] = ContextVar("tidewheel_span", default=None)


class Tracer:
    """Makes spans and hands them to a provider.

    Parameters
    ----------
    provider : TracerProvider
        Of OpenTelemetry's SDK; it samples all that it is given, since the choice is made here.
    ratio : float
        Share of the requests without a parent that are traced.
    """

    def __init__(self, provider: TracerProvider, ratio: float = 0.0) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._api = trace
        self._provider = provider
        self._tracer = provider.get_tracer("tidewheel")
        self._propagator = TraceContextTextMapPropagator()
        self._ratio = ratio

    def parent_of(self, request: Request) -> Context | None:
        """Return the context under which a request is traced; None when it is not."""
        if PARENT in request.headers:
            carrier = {"traceparent": request.header(PARENT), "tracestate": request.header(STATE)}
            context = self._propagator.extract(carrier)
            sent = self._api.get_current_span(context).get_span_context()
            if sent.is_valid:
                return context if sent.trace_flags.sampled else None
        return self._propagator.extract({}) if random.random() < self._ratio else None

    def start(self, request: Request, parent: Context) -> Span:
        """Begin the span of a request."""
        route = route_of(request.path)
        attributes: dict[str, str] = {"http.request.method": request.method, "http.route": route}
        if request.peer:
            attributes["client.address"] = request.peer
        kind = self._api.SpanKind.SERVER
        return self._tracer.start_span(f"{request.method} {route}", parent, kind, attributes)

    def finish(self, span: Span, response: Response) -> Response:
        """End a request's span, and return its answer with the span's ``traceparent``."""
        span.set_attribute("http.response.status_code", response.status)
        if response.status >= 500:
            span.set_status(self._api.StatusCode.ERROR)
        span.end()
        return msgspec.structs.replace(response, headers=(*response.headers, (PARENT, parent_line(span))))

    def broken(self, span: Span, error: BaseException) -> None:
        """End the span of a request that has no answer."""
        span.record_exception(error)
        span.set_status(self._api.StatusCode.ERROR)
        span.end()

    def current(self) -> Span | None:
        """Return the span of the request that is being handled; None when it is not traced."""
        return _SPAN.get()

    def decided(self, span: Span, record: DecisionRecord, started: int, ended: int) -> None:
        """Add a decision to its request's span: what was decided, and a child for each stage that took time.

        Parameters
        ----------
        span : Span
        record : DecisionRecord
        started, ended : int
            Ns of the monotonic clock.
        """
        told = {"service": record.service, "decision_id": record.decision_id, "model": record.model, "arm": record.arm}
        told |= {"decision": record.decision, "fallback": record.fallback, "rule": record.rule}
        span.set_attributes({f"tidewheel.{name}": value for name, value in told.items() if value})
        context = self._api.set_span_in_context(span)
        at = time.time_ns() - (time.perf_counter_ns() - started)
        for stage, ns in zip(STAGES, _all(record.timings, ended - started), strict=False):
            if ns > 0:
                self._tracer.start_span(stage, context, start_time=at).end(at + ns)
            at += ns

    def close(self) -> None:
        """Hand over what is left."""
        self._provider.shutdown()


def _all(timings: Sequence[int], total: int) -> list[int]:
    return [*timings, max(total - sum(timings), 0)]


def route_of(path: str) -> str:
    """Return a path with what is not a fixed part of it named, so that spans have few names.

    Examples
    --------
    >>> route_of("/v1/decisions/01JD3K5R8V2M4N6P7Q9S0T1W2X"), route_of("/v1/services/Score"), route_of("/metrics")
    ('/v1/decisions/{name}', '/v1/services/{name}', '/metrics')
    """
    parts = path.split("/")
    if len(parts) == 4 and parts[2] in ROUTES:
        return f"/{parts[1]}/{parts[2]}/{{name}}"
    return path if len(parts) <= 3 else f"/{parts[1]}/{parts[2]}/..."


def parent_line(span: Span) -> bytes:
    """Return the ``traceparent`` that names a span as the parent of what is called from it."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}".encode()


class Traced:
    """A handler whose requests are traced.

    Parameters
    ----------
    handler : Handler
        Answers.
    tracer : Tracer
        Makes spans.
    """

    def __init__(self, handler: Handler, tracer: Tracer) -> None:
        self._handler = handler
        self._tracer = tracer
        self.body_limit = handler.body_limit
        self.bulk_limit = handler.bulk_limit

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Return the handler's answer; its span ends with it."""
        parent = self._tracer.parent_of(request)
        if parent is None:
            return self._handler.handle(request)
        span = self._tracer.start(request, parent)
        before = _SPAN.set(span), log_fields.set(_fields(span))
        try:
            answer = self._handler.handle(request)
        except BaseException as error:
            self._tracer.broken(span, error)
            raise
        finally:
            _SPAN.reset(before[0])
            log_fields.reset(before[1])
        return self._tracer.finish(span, answer) if isinstance(answer, Response) else self._later(span, answer)

    async def _later(self, span: Span, answer: Awaitable[Response]) -> Response:
        # A task of its own runs this, in a copy of the context: nothing has to be put back.
        _SPAN.set(span)
        log_fields.set(_fields(span))
        try:
            return self._tracer.finish(span, await answer)
        except BaseException as error:
            self._tracer.broken(span, error)
            raise


def _fields(span: Span) -> dict[str, str]:
    return {**log_fields.get(), "trace_id": f"{span.get_span_context().trace_id:032x}"}


def tracer_of(ratio: float, worker: int) -> Tracer:
    """Return a tracer that exports by OTLP over HTTP, as the ``OTEL_*`` variables say.

    Raises
    ------
    MissingExtraError
        OpenTelemetry's SDK or its exporter is not installed.
    TidewheelError
        A variable can't be used.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtraError(
            f"tracing needs OpenTelemetry ({error.name})",
            where="tidewheel.toml: tracing",
            remedy="pip install 'tidewheel[otel]'",
        ) from error
    ours = Resource({"service.name": "tidewheel", "service.instance.id": f"worker-{worker}"})
    try:
        provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(cast("Any", OTLPSpanExporter)()))
    except (ValueError, TypeError) as error:
        raise TidewheelError(f"the exporter of traces can't be set up: {error}", remedy="look at OTEL_*") from error
    return Tracer(provider, ratio)
