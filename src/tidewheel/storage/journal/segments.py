"""Segments of the decision journal: their format, reading them, and whether a writer still lives.

A segment is a file ``<writer>-<number>.journal``::

    b"TWJ1" + 4 zero bytes | record... | footer, when its writer sealed it
    record  length u32, crc32 of the payload seeded with length ^ SEED u32 | payload
    footer  0xFFFFFFFF u32, crc32 u32 | number of records u64

While its writer lives a segment is locked (`flock`). An unlocked segment is finished: sealed, or
left by a writer that died, and then what follows its last whole record is a torn tail.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from tidewheel.errors import ConflictError, CorruptError, NotFoundError

MAGIC = b"TWJ1\0\0\0\0"
HEADER = struct.Struct("<II")
SEAL = 0xFFFFFFFF
SEED = 0x54574A31
"""So that the checksum covers the length, and a run of zeros (which a power loss may leave) is no record."""
FOOTER_BYTES = 16
LARGEST_PAYLOAD = 16 << 20
PIECE = 1 << 20
"""Bytes that are read of a segment at a time."""
SUFFIX = ".journal"
"""Extension of a segment's file."""


def footer(records: int) -> bytes:
    """Return the bytes that seal a segment of so many records."""
    body = records.to_bytes(8, "little")
    return HEADER.pack(SEAL, zlib.crc32(body)) + body


def list_segments(folder: Path) -> list[Path]:
    """All segments of a folder, by writer and number; none when the folder is missing."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))


def is_live(path: Path) -> bool:
    """Whether the segment's writer still holds it.

    Raises
    ------
    NotFoundError
        The segment is gone.
    """
    descriptor = os.open(_existing(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_segment(path: Path, position: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Yield ``(position, next position, payload)`` of each whole record from `position` on.

    Stops at the end or at a torn tail, which in a live segment is a record being written: read
    on later from the last `next position`.

    Raises
    ------
    CorruptError
        Not a segment; or a sealed one with a record that fails its checksum.
    NotFoundError
        The segment is gone.
    """
    with _existing(path).open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise CorruptError("not a journal segment", where=str(path), remedy="move the file out of the journal")
        position = max(position, len(MAGIC))
        file.seek(position)
        # By pieces: who is behind reads on often, and not each time to the end.
        data, start, whole = file.read(PIECE), 0, True
        while whole:
            begin = start + HEADER.size
            length, checksum = HEADER.unpack_from(data, start) if begin <= len(data) else (0, 0)
            if length <= LARGEST_PAYLOAD and begin + length > len(data):
                more = file.read(max(PIECE, length))
                if not more:
                    break
                data, position, start = data[start:] + more, position + start, 0
                continue
            payload = data[begin : begin + length] if length <= LARGEST_PAYLOAD else b""
            whole = len(payload) == length and zlib.crc32(payload, length ^ SEED) == checksum
            if whole:
                yield position + start, position + begin + length, payload
                start = begin + length
        # What has come since the end was met is for the next reading.
        rest = data[start:] if whole else data[start:] + file.read()
    if _is_sealed(rest) and len(rest) != FOOTER_BYTES:
        raise CorruptError(
            f"the record at {position + start} fails its checksum",
            where=str(path),
            remedy="the disk changed a sealed segment: restore it from a copy",
        )


def is_sealed(path: Path) -> bool:
    """Whether the segment's writer finished it: then nothing of it is torn."""
    with _existing(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - FOOTER_BYTES, 0))
        return _is_sealed(file.read())


def unread_bytes(path: Path, position: int) -> int:
    """Bytes after `position` that are no record and no footer: the torn tail of a dead writer's segment."""
    rest = _existing(path).stat().st_size - max(position, len(MAGIC))
    return max(rest - FOOTER_BYTES, 0) if is_sealed(path) else rest


def remove_segment(path: Path) -> None:
    """Delete a segment that has been shipped.

    Raises
    ------
    ConflictError
        Its writer lives.
    """
    if is_live(path):
        raise ConflictError("the segment's writer still holds it", where=str(path), remedy="ship it when it is sealed")
    path.unlink(missing_ok=True)


def _is_sealed(data: bytes) -> bool:
    if len(data) < FOOTER_BYTES:
        return False
    return data[-FOOTER_BYTES:] == footer(int.from_bytes(data[-8:], "little"))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise NotFoundError("no such journal segment", where=str(path))
    return path
