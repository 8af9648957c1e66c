"""The parts of the document that are the same whatever is deployed: errors, answers, headers, OIP's bodies."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.serving.api.handler import Accepted
from tidewheel.serving.api.oip.tensors import DATATYPES
from tidewheel.serving.deciding.answers import Answer

Schema = dict[str, Any]
REFS = "#/components/schemas/{name}"

ERRORS = {
    400: "The request does not fit: what was found and expected is said.",
    401: "A token is needed, or the one sent is not known.",
    403: "The token may not do this.",
    404: "There is no such service, event type, feature set, decision or model.",
    405: "The route takes another method.",
    408: "The request did not come whole in time.",
    409: "The instant does not fit the workspace's clock.",
    413: "The body is too large.",
    422: "No row of the request was good.",
    429: "The token asks more often than it may.",
    500: "The server failed; its log says why.",
    501: "The extension is not supported.",
    503: "Not now: overloaded, late, switched off, or the record could not be written. Ask again.",
}


def schemas() -> dict[str, Schema]:
    """Return the schemas that do not depend on what is deployed."""
    _, made = msgspec.json.schema_components([Answer, Accepted], ref_template=REFS)
    text: Schema = {"type": "string"}
    shape: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 16}
    tensor = {"name": text, "datatype": {"enum": list(DATATYPES)}, "shape": shape, "parameters": {"type": "object"}}
    values: Schema = {"type": "array", "description": "Flat or nested, row by row."}
    return {
        **made,
        "Error": _object({"error": _object({"what": text, "where": text, "remedy": text}, "what")}, "error"),
        "OipError": _object({"error": text}, "error"),
        "InferInput": _object({**tensor, "data": values}, "name", "datatype", "shape", "data"),
        "InferRequest": _object(
            {
                "id": text,
                "parameters": _object({"timeout": {"type": "integer", "minimum": 0}}),
                "inputs": {"type": "array", "items": ref("InferInput")},
                "outputs": {"type": "array", "items": _object({"name": text}, "name")},
            },
            "inputs",
        ),
        "InferResponse": _object(
            {
                "model_name": text,
                "model_version": text,
                "id": text,
                "outputs": {"type": "array", "items": _object({**tensor, "data": values}, "name", "datatype", "shape")},
            },
            "model_name",
            "outputs",
        ),
    }


def _object(properties: dict[str, Schema], *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": REFS.format(name=name)}


def responses(good: Schema, *statuses: int, error: str = "Error") -> dict[str, Any]:
    """Return an operation's responses: the good one, and the errors with these statuses."""
    told: dict[str, Any] = {"200": {"description": "Done.", **good}}
    for status in sorted({*statuses, 401, 403, 408, 413, 429, 500, 503}):
        told[str(status)] = {"description": ERRORS[status], "content": {"application/json": {"schema": ref(error)}}}
        if status in (429, 503):
            told[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
    return told


def content(schema: Schema, example: Any = None, kind: str = "application/json") -> dict[str, Any]:
    """Return a body of one kind."""
    return {"content": {kind: {"schema": schema} | ({} if example is None else {"example": example})}}


def header(name: str, description: str, schema: Schema | None = None) -> dict[str, Any]:
    """Return an optional request header."""
    return {"name": name, "in": "header", "description": description, "schema": schema or {"type": "string"}}


CALLER = header("tidewheel-caller", "Who asks; kept in the record.", {"type": "string", "pattern": "^[ -~]{0,200}$"})
NOW = header("tidewheel-now", "What time it is, in a replay workspace: RFC 3339, or microseconds since 1970.")
TIMEOUT = header(
    "x-request-timeout-ms", "How long the caller waits.", {"type": "integer", "minimum": 1, "maximum": 600_000}
)
