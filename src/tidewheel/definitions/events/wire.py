"""The typed wire form of an event."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from tidewheel.definitions import ir

Instant = Annotated[datetime, msgspec.Meta(tz=True)] | int
"""RFC 3339 text with a zone, or int64 microseconds UTC."""
_TYPES: dict[str, Any] = {"float": float, "int": int, "bool": bool, "time": Instant}


@lru_cache(maxsize=1024)
def row_struct(source: ir.Source) -> type[msgspec.Struct]:
    """Return the struct that decodes and checks one event of a source.

    Its fields are the source's columns, nullable ones optional, and an optional ``at``; unknown fields
    are refused. Times stay as given: a datetime with a zone, or int64 microseconds.

    Examples
    --------
    >>> payment = ir.Source("Payment", (ir.Column("id", "id"), ir.Column("amount", "float")))
    >>> msgspec.json.decode(b'{"id": "p1", "amount": 5}', type=row_struct(payment))
    Payment(id='p1', amount=5.0, at=None)
    """
    fields: list[Any] = []
    for column in source.columns:
        type_ = _TYPES.get(column.kind, str) if column.kind != "vector" else list[float] | str
        fields.append((column.name, type_ | None, column.default) if column.optional else (column.name, type_))
    fields.append(("at", Instant | None, None))
    return msgspec.defstruct(source.name, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
