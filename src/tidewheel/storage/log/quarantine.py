"""Rows put aside, in the log's own environment: with the rows that were taken, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidewheel.storage.log.records import BadRow

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(BadRow)


def put(transaction: Any, database: Any, rows: Sequence[BadRow], last: int) -> int:
    """Add rows, numbered on from `last`; return the new last number."""
    for row in rows:
        last += 1
        numbered = msgspec.structs.replace(row, seq=last)
        transaction.put(last.to_bytes(8, "big"), _ENCODER.encode(numbered), db=database, append=True)
    return last


def get(transaction: Any, database: Any, seq: int) -> BadRow | None:
    """Row number `seq`, or None."""
    value = transaction.get(seq.to_bytes(8, "big"), db=database)
    return None if value is None else _DECODER.decode(value)


def scan(transaction: Any, database: Any, type: str | None, after: int, limit: int) -> list[BadRow]:
    """Up to `limit` rows (of one type) with a number above `after`, oldest first."""
    rows: list[BadRow] = []
    with transaction.cursor(database) as cursor:
        found = cursor.set_range((after + 1).to_bytes(8, "big"))
        while found and len(rows) < limit:
            row = _DECODER.decode(cursor.value())
            if type is None or row.type == type:
                rows.append(row)
            found = cursor.next()
    return rows


def delete(transaction: Any, database: Any, seqs: Sequence[int]) -> int:
    """Delete rows by number; return how many there were."""
    return sum(transaction.delete(seq.to_bytes(8, "big"), db=database) for seq in seqs)
