"""Chunks: the log's values. One holds the rows of one append, up to a size, or one import.

::

    rows u32, crc32 u32 | length of each row u32... (padded to 8) | rows
    0    u32, crc32 u32 | the import's record (msgpack)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from tidewheel.errors import CorruptError
from tidewheel.storage.log.records import ImportRecord

HEADER = struct.Struct("<II")
MOST_ROWS = 4096
MOST_BYTES = 1 << 20


def pack_rows(rows: Sequence[bytes]) -> bytes:
    """Return a chunk of these rows."""
    padding = b"\0\0\0\0" if len(rows) % 2 else b""
    body = struct.pack(f"<{len(rows)}I", *map(len, rows)) + padding + b"".join(rows)
    return HEADER.pack(len(rows), zlib.crc32(body)) + body


def pack_import(record: ImportRecord) -> bytes:
    """Return the chunk that stands for an import."""
    body = msgspec.msgpack.encode(record)
    return HEADER.pack(0, zlib.crc32(body)) + body


def split(rows: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut the rows of one append into chunks of bounded size."""
    start = size = 0
    for i, row in enumerate(rows):
        if i > start and (i - start >= MOST_ROWS or size + len(row) > MOST_BYTES):
            yield rows[start:i]
            start, size = i, 0
        size += len(row)
    if start < len(rows):
        yield rows[start:]


def rows_in(chunk: bytes | memoryview, offset: int, where: str) -> int:
    """Number of rows (0 is an import) of a chunk whose checksum holds.

    Raises
    ------
    CorruptError
        The checksum does not.
    """
    rows, checksum = HEADER.unpack_from(chunk)
    if zlib.crc32(memoryview(chunk)[HEADER.size :]) != checksum:
        raise CorruptError(
            f"the chunk at offset {offset} fails its checksum",
            where=where,
            remedy="the disk changed it; restore the log from a copy, or history from the lake",
        )
    return int(rows)


def row_starts(chunk: bytes | memoryview, rows: int) -> list[int]:
    """Byte positions of a chunk's rows."""
    position = HEADER.size + 4 * (rows + rows % 2)
    starts = []
    for length in struct.unpack_from(f"<{rows}I", chunk, HEADER.size):
        starts.append(position)
        position += length
    return starts


def unpack_import(chunk: bytes | memoryview) -> ImportRecord:
    """Read an import's record."""
    return msgspec.msgpack.decode(memoryview(chunk)[HEADER.size :], type=ImportRecord)
