"""The OpenAPI 3.1 document of what a worker serves now."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tidewheel.serving.api.bulk_answers import ARROW
from tidewheel.serving.api.openapi.answers import CALLER, NOW, TIMEOUT, content, ref, responses, schemas
from tidewheel.serving.api.openapi.schemas import event_example, event_schema
from tidewheel.serving.observing.following import Wanted
from tidewheel.serving.transport.streaming import EVENTS

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Source
    from tidewheel.serving.backend import WorkerBackend

Operation = dict[str, Any]
_ANYTHING: dict[str, Any] = {"type": "object"}
_TEXT: dict[str, Any] = {"type": "string"}


def document(backend: WorkerBackend, *, tokens: bool = False) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    backend : WorkerBackend
        What serves.
    tokens : bool
        Whether callers need one.
    """
    loaded = backend.serving.loader.sources
    served = {name: backend.serving.desk.served(name).source for name in backend.services()}
    events = {name: loaded[name] for name in backend.events() if not loaded[name].entity}
    sources = {source.name: source for source in (*events.values(), *served.values())}
    security = {"token": {"type": "http", "scheme": "bearer", "description": "tidewheel tokens create NAME"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tidewheel",
            "version": version("tidewheel"),
            "description": "Decisions, events and features of this workspace, and its models by the Open Inference "
            "Protocol.",
        },
        "paths": {
            **{f"/v1/services/{name}": {"post": _decide(name, source)} for name, source in served.items()},
            **{f"/v1/events/{name}": {"post": _append(name, source)} for name, source in events.items()},
            **{f"/v1/features/{name}": {"post": _features(name)} for name in backend.features()},
            **_fixed(),
            **_inference(),
        },
        "components": {
            "schemas": {**schemas(), **{f"Event.{name}": event_schema(source) for name, source in sources.items()}},
            "securitySchemes": security,
        },
        "security": [{"token": []}] if tokens else [],
    }


def _decide(name: str, source: Source) -> Operation:
    event, refused = ref(f"Event.{source.name}"), ref("Error")
    answers = {
        "application/json": {
            "schema": {"anyOf": [ref("Answer"), {"type": "array", "items": {"anyOf": [ref("Answer"), refused]}}]}
        },
        EVENTS.decode(): {"schema": _TEXT},
        ARROW.decode(): {"schema": {}},
    }
    return {
        "summary": f"Decide a {source.name} by {name}",
        "description": "One event gives one answer; an array, or an Arrow stream, gives one for each row, as the "
        "Accept header asks: JSON, server-sent events or Arrow. The same event id gets the same answer again.",
        "operationId": f"decide_{name}",
        "tags": ["services"],
        "parameters": [CALLER, NOW, TIMEOUT],
        "requestBody": {
            "required": True,
            **content({"anyOf": [event, {"type": "array", "items": event}]}, event_example(source)),
        },
        "responses": _many(responses({"content": answers}, 400, 404, 409)),
    }


def _many(told: dict[str, Any]) -> dict[str, Any]:
    """Add the answer to rows of which none was good: it is told row by row."""
    rows = {"type": "array", "items": {"anyOf": [ref("Answer"), ref("Error")]}}
    return {**told, "422": {"description": "No row of the request was good.", **content(rows)}}


def _append(name: str, source: Source) -> Operation:
    event = ref(f"Event.{name}")
    told = responses(content(ref("Accepted")), 400, 404, 409)
    told["422"] = {"description": "No row of the request was good.", **content(ref("Accepted"))}
    return {
        "summary": f"Log {name} events",
        "description": "One event, an array of them, JSON lines, or an Arrow stream. Answered when they are on disk.",
        "operationId": f"append_{name}",
        "tags": ["events"],
        "parameters": [NOW],
        "requestBody": {
            "required": True,
            **content({"anyOf": [event, {"type": "array", "items": event}]}, [event_example(source)]),
        },
        "responses": told,
    }


def _features(name: str) -> Operation:
    return {
        "summary": f"Read the live features of {name}",
        "description": "By entity: each key with one value or many, as many of each.",
        "operationId": f"features_{name}",
        "tags": ["features"],
        "requestBody": {"required": True, **content(_ANYTHING)},
        "responses": responses(content(_ANYTHING), 400, 404),
    }


def _get(summary: str, good: dict[str, Any], *statuses: int, tag: str = "server", error: str = "Error") -> Operation:
    return {"get": {"summary": summary, "tags": [tag], "responses": responses(good, *statuses, error=error)}}


def _fixed() -> dict[str, Any]:
    explain = _get("Explain a decision and replay it", content(_ANYTHING), 404, tag="decisions")
    explain["parameters"] = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    ]
    follow = _get("Decisions as they are made", content(_TEXT, kind=EVENTS.decode()), 400, 404, 503, tag="decisions")
    follow["parameters"] = [
        {"name": "follow", "in": "query", "required": True, "allowEmptyValue": True, "schema": _TEXT},
        *({"name": name, "in": "query", "schema": _TEXT} for name in Wanted._fields),
        {"name": "Last-Event-ID", "in": "header", "schema": _TEXT},
    ]
    return {
        "/v1/decisions": follow,
        "/v1/decisions/{id}": explain,
        "/v1/status": _get("What is served, how fast, what is wrong", content(_ANYTHING)),
        "/metrics": _get("Counters for Prometheus", content(_TEXT, kind="text/plain")),
        "/healthz": _get("The process lives", content(_ANYTHING)),
        "/readyz": _get("It is loaded and warm", content(_ANYTHING)),
    }


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _inference() -> dict[str, Any]:
    name = _path("model")

    def told(summary: str, good: dict[str, Any], *statuses: int) -> Operation:
        return _get(summary, good, *statuses, tag="inference", error="OipError")

    infer = {
        "summary": "Ask a model (Open Inference Protocol)",
        "description": "Tensors as JSON, or as binary data behind it (Inference-Header-Content-Length).",
        "tags": ["inference"],
        "requestBody": {"required": True, **content(ref("InferRequest"))},
        "responses": responses(content(ref("InferResponse")), 400, 404, error="OipError"),
    }
    index = {
        "summary": "List the models",
        "tags": ["inference"],
        "requestBody": content({"type": "object", "properties": {"ready": {"type": "boolean"}}}),
        "responses": responses(content({"type": "array", "items": _ANYTHING}), 400, error="OipError"),
    }
    return {
        "/v2": told("The server, by the Open Inference Protocol", content(_ANYTHING)),
        "/v2/health/live": told("The server lives", content(_ANYTHING)),
        "/v2/health/ready": {"get": _ready()},
        "/v2/models/{model}": {**told("A model's inputs and outputs", content(_ANYTHING), 404), "parameters": [name]},
        "/v2/models/{model}/ready": {**told("A model can answer", content(_ANYTHING), 404), "parameters": [name]},
        "/v2/models/{model}/infer": {"post": infer, "parameters": [name]},
        "/v2/models/{model}/stats": {**told("What was asked of it", content(_ANYTHING), 404), "parameters": [name]},
        "/v2/repository/index": {"post": index},
    }


def _ready() -> Operation:
    good = content({"type": "object", "properties": {"ready": {"type": "boolean"}}})
    told = {"200": {"description": "Yes.", **good}, "503": {"description": "Not now.", **good}}
    return {"summary": "The server is ready", "tags": ["inference"], "responses": told}
