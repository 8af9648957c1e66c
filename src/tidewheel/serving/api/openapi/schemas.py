"""JSON Schemas and examples of declared events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidewheel.collect.checking.values import (
    KEY_KINDS,
    LARGEST_WHOLE,
    LONGEST_KEY,
    LONGEST_TEXT,
    WHOLE_AS_TEXT,
)
from tidewheel.definitions.ir import TEXT_KINDS

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Column, Source

Schema = dict[str, Any]

INSTANT: Schema = {
    "description": "RFC 3339 with a zone, or microseconds since 1970.",
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0, "maximum": 4 * 10**15}],
}


def column_schema(column: Column) -> Schema:
    """Return the schema of a column's values.

    Examples
    --------
    >>> from tidewheel.definitions.ir import Column
    >>> column_schema(Column("amount", "float"))
    {'type': 'number'}
    """
    schema = _schema(column)
    if column.optional:
        schema = {"anyOf": [schema, {"type": "null"}]}
    if column.default is not None:
        schema["default"] = column.default
    if column.target:
        schema["description"] = f"Refers to a {column.target}."
    return schema


def _schema(column: Column) -> Schema:
    if column.kind == "vector":
        return {"type": "array", "items": {"type": "number"}, "minItems": column.size, "maxItems": column.size}
    if column.kind in TEXT_KINDS:
        longest = LONGEST_KEY if column.kind in KEY_KINDS else LONGEST_TEXT
        # A character takes up to four bytes, and the limit is one of bytes.
        text = {"type": "string", "minLength": int(column.kind in KEY_KINDS), "maxLength": longest // 4}
        return {"anyOf": [text, {"type": "integer"}]} if column.kind in WHOLE_AS_TEXT else text
    if column.kind == "time":
        return dict(INSTANT)
    if column.kind == "int":
        return {"type": "integer", "minimum": 1 - LARGEST_WHOLE, "maximum": LARGEST_WHOLE - 1}
    return {"type": "boolean" if column.kind == "bool" else "number"}


def event_schema(source: Source) -> Schema:
    """Return the schema of one event."""
    return {
        "type": "object",
        "title": source.name,
        "description": source.doc.strip(),
        "properties": {**{column.name: column_schema(column) for column in source.columns}, "at": INSTANT},
        "required": [column.name for column in source.columns if not column.optional],
        "additionalProperties": False,
        "examples": [event_example(source)],
    }


def event_example(source: Source) -> dict[str, Any]:
    """Return an event that fits.

    Examples
    --------
    >>> from tidewheel.definitions.ir import Column, Source
    >>> event_example(Source("Payment", (Column("id", "id"), Column("amount", "float"))))
    {'id': 'id-1', 'amount': 12.5}
    """
    return {column.name: _example(column) for column in source.columns if not column.nullable}


def _example(column: Column) -> Any:
    plain = {"float": 12.5, "int": 3, "bool": True, "time": "2026-01-01T12:00:00Z"}
    if column.default is not None:
        return column.default
    if column.kind == "vector":
        return [0.5] * column.size
    return plain.get(column.kind, f"{column.name}-1")
