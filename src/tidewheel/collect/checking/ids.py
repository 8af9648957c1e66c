"""Ids for rows that bring none of their own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

import msgspec

from tidewheel.definitions.ir import Source

_encode = msgspec.json.Encoder(order="sorted").encode


def time_ordered_id(now: int) -> str:
    """Return a new UUID (version 7) whose first 48 bits are the milliseconds of `now`.

    >>> time_ordered_id(1_356_998_400_000_000)[:15]
    '013bf368-5800-7'
    """
    bits = (now // 1000 & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def entity_row_id(at: int, columns: Mapping[str, object]) -> str:
    """Return the id of one row of an entity's table: the same for the same content at the same time.

    An entity has many rows in its life, so its own id can't be the row's.
    """
    digest = hashlib.blake2b(_encode((at, columns)), digest_size=16)
    return digest.hexdigest()


def row_id(source: Source, columns: Mapping[str, object], at: int, now: int) -> str:
    """Return the id by which a row of `source` is taken once: its own, its content's, or a new one."""
    if source.entity:
        return entity_row_id(at, columns)
    if source.id_column is not None:
        return str(columns[source.id_column])
    return time_ordered_id(now)
