"""A large body cut into pieces, each a body of the same form that could have come alone."""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncGenerator

from tidewheel.errors import SchemaError, SizeError
from tidewheel.serving.api.arrow import REMEDY, is_arrow, message_of
from tidewheel.serving.transport.bodies import Stream

PIECE = 128 * 1024
"""Bytes of a piece, about."""
MOST_OF_A_BATCH = 16 * 1024 * 1024
"""Of an Arrow stream: bytes of one record batch, and of all dictionaries."""
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
"""A text, whole or cut off; or a bracket."""
_SPACE = b" \t\r\n"
_SCHEMA, _DICTIONARY = 1, 2
_MARK = 0xFFFFFFFF
_END = struct.pack("<Ii", _MARK, 0)


async def pieces(stream: Stream, largest: int, lines: bool = False) -> AsyncGenerator[bytes]:
    """Give a body's pieces: of a JSON array, an Arrow stream or, where they are taken, JSON lines.

    Parameters
    ----------
    stream : Stream
        The body. What a piece is made of is let go when the next one is asked for.
    largest : int
        Bytes of an event (``max_body``).
    lines : bool
        Whether JSON lines are taken.

    Raises
    ------
    SchemaError
        It is none of these, or broken; what was given before was not.
    """
    begun = await _filled(stream, b"", 8)
    if is_arrow(begun):
        found = _arrow(stream, begun)
    elif begun.lstrip(_SPACE).startswith(b"["):
        found = _array(stream, begun, largest)
    elif lines:
        found = _lines(stream, begun, largest)
    else:
        raise SizeError(f"an event of more than {largest} bytes (max_body)", remedy="send many events as an array")
    async for piece, size in found:
        yield piece
        stream.let_go(size)


async def _array(stream: Stream, data: bytes, largest: int) -> AsyncGenerator[tuple[bytes, int]]:
    data, over = data.lstrip(_SPACE)[1:], 0
    while not over:
        data = await _filled(stream, data, PIECE)
        end, over = _whole(data)
        rows = data[: over - 1 if over else end].strip(_SPACE).removeprefix(b",")
        if rows:
            yield b"[%b]" % rows, over or end
        elif not over:
            _refuse_large(data, largest)
            if not (more := await stream.read()):
                raise SchemaError("a JSON array that does not end")
            data += more
        data = data[over or end :]
    if (data + await stream.read()).strip(_SPACE):
        raise SchemaError("there is more behind the end of the JSON array")


def _whole(data: bytes) -> tuple[int, int]:
    """Return where the last whole object in an array's rest ends, and the array itself; 0 where it does not.

    Examples
    --------
    >>> _whole(b'{"a": "}"}, {"b": [{}]}, {"c'), _whole(b', {}] ')
    ((23, 0), (4, 5))
    """
    depth = end = 0
    for token in _TOKEN.finditer(data):
        character = data[token.start()]
        if character in b"[{":
            depth += 1
        elif character in b"]}":
            if not depth:
                return end, token.end()
            depth -= 1
            end = end if depth else token.end()
    return end, 0


async def _lines(stream: Stream, data: bytes, largest: int) -> AsyncGenerator[tuple[bytes, int]]:
    while data := await _filled(stream, data, PIECE):
        end = data.rfind(b"\n") + 1 if len(data) >= PIECE else len(data)
        if not end:
            _refuse_large(data, largest)
            more = await stream.read()
            end = 0 if more else len(data)
            data += more
        if data[:end].strip(_SPACE):
            yield data[:end], end
        data = data[end:]


async def _arrow(stream: Stream, data: bytes) -> AsyncGenerator[tuple[bytes, int]]:
    head, size = b"", 0
    while data := await _filled(stream, data[size:], 8):
        try:
            mark, length = struct.unpack_from("<Ii", data)
            if mark != _MARK or not 0 <= length <= MOST_OF_A_BATCH:
                raise SchemaError("no Arrow stream", remedy=REMEDY)
            if not length:
                return
            data = await _filled(stream, data, 8 + length)
            kind, body = message_of(data[8 : 8 + length])
        except (struct.error, IndexError) as error:
            raise SchemaError(f"no Arrow stream: {error}", remedy=REMEDY) from error
        size = 8 + length + body
        if len(head) + size > MOST_OF_A_BATCH:
            what = f"a record batch, with its dictionaries, of more than {MOST_OF_A_BATCH} bytes"
            raise SizeError(what, remedy="write it in smaller ones: write_table(table, max_chunksize=10_000)")
        data = await _filled(stream, data, size)
        if len(data) < size:
            raise SchemaError("an Arrow stream that ends in a batch", remedy=REMEDY)
        if kind in (_SCHEMA, _DICTIONARY):
            head += data[:size]
        else:
            yield head + data[:size] + _END, size


async def _filled(stream: Stream, data: bytes, size: int) -> bytes:
    """Return so many bytes of a body, or more; fewer only at its end."""
    parts, have = [data], len(data)
    while have < size and (more := await stream.read()):
        parts.append(more)
        have += len(more)
    return b"".join(parts)


def _refuse_large(data: bytes, largest: int) -> None:
    if len(data) > largest:
        raise SizeError(
            f"an event of more than {largest} bytes (max_body)", remedy="raise max_body, or send less in it"
        )
