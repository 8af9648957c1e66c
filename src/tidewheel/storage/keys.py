"""Keys within LMDB's limit, and pruning of entries that begin with (offset, arrived)."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

LONGEST_KEY = 511
STAMP = struct.Struct(">QQ")
"""(offset, arrived) at the head of an entry."""


def bounded_key(prefix: bytes, key: bytes, room: int = 0) -> bytes:
    r"""Return `prefix` and `key` joined; a key too long for LMDB goes by its hash, which no UTF-8 text begins like.

    With `room`, so many bytes can be added and still fit.

    Examples
    --------
    >>> bounded_key(b"\x00\x03", b"t1")
    b'\x00\x03t1'
    >>> len(bounded_key(b"\x00\x03", b"x" * 1000))
    35
    """
    if len(prefix) + len(key) + room > LONGEST_KEY:
        key = b"\xff" + hashlib.sha256(key).digest()
    return prefix + key


def prune(
    transaction: Any, database: Any, prefix: bytes, before: int, after: bytes, limit: int
) -> tuple[int, bytes | None]:
    """Delete stamped entries under a prefix that arrived before an instant, looking at `limit` from key `after` on.

    Returns
    -------
    tuple
        How many were deleted, and the key to go on from (None at the end of the prefix).
    """
    deleted = 0
    with transaction.cursor(database) as cursor:
        found = cursor.set_range(after or prefix)
        for _ in range(limit):
            if not found or not bytes(cursor.key()).startswith(prefix):
                return deleted, None
            if STAMP.unpack_from(cursor.value())[1] < before:
                deleted += 1
                found = cursor.delete() and len(cursor.key()) > 0
            else:
                found = cursor.next()
        return deleted, bytes(cursor.key()) if found else None
