"""Refused rows as they may be shown: personal values masked, and what can't be read not shown at all."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.projects.masking import MASK, Masks
from tidewheel.storage.log.records import BadRow


def shown(row: BadRow, graph: ir.Graph | None) -> tuple[str, Any]:
    """Return a refused row's reason and what came, as an object where it is one, without personal values.

    Examples
    --------
    >>> sale = ir.Source("Sale", (ir.Column("email", "text", personal=True), ir.Column("amount", "float")))
    >>> shown(BadRow("Sale", "amount: missing", b'{"email": "a@b.c"}'), ir.Graph((sale,)))
    ('amount: missing', {'email': '[personal]'})
    """
    masks = Masks(graph or ir.Graph())
    try:
        came = msgspec.json.decode(row.row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        came = row.row.decode("utf-8", "replace")
    if isinstance(came, dict):
        return masks.text(row.type, came, row.reason), masks.row(row.type, came)
    return row.reason, MASK if masks.columns(row.type) else came
