"""Rows of an Arrow stream that a caller sent: nothing is unfolded that its bytes do not hold.

A stream can promise what it does not bring: columns of nulls as long as it likes, compressed zeros, one text that a
million rows name, offsets beyond their buffer. Each of them is refused before a row is made.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from tidewheel.errors import SchemaError
from tidewheel.storage.log.records import BadRow, NewEvent

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.collect.checking.checks import RowCheck

MOST_VALUES = 16 * 1024 * 1024
"""Rows times columns: a body of JSON can't hold more of them than it has bytes."""
MOST_BYTES = 256 * 1024 * 1024
"""Of a column's texts, each row with its own."""
REMEDY = "pyarrow.ipc.new_stream writes one"
_DICTIONARY, _RECORDS = 2, 3
"""Kinds of messages that bring buffers."""


def is_arrow(body: bytes) -> bool:
    """Return whether a body is an Arrow stream: it begins with the marker that JSON can't begin with."""
    return body[:4] == b"\xff\xff\xff\xff"


def arrow_rows(check: RowCheck, body: bytes, now: int, origin: str = "") -> list[NewEvent | BadRow]:
    """Return the rows of an Arrow stream, each checked as if it had come alone.

    Raises
    ------
    SchemaError
        The bytes are no Arrow stream, or one that promises more than they hold.
    """
    import pyarrow as pa

    try:
        _refuse_compressed(pa.BufferReader(body))
        batches, left = [], MOST_VALUES
        with pa.ipc.open_stream(body) as reader:
            for batch in reader:
                left -= batch.num_rows * max(batch.num_columns, 1)
                if left < 0:
                    raise _refused(f"more than {MOST_VALUES} values")
                batches.append(_checked(batch))
            table = pa.Table.from_batches(batches, reader.schema)
        rows = _in_microseconds(table).to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError, struct.error, EOFError) as error:
        raise SchemaError(f"no Arrow stream: {error}", remedy=REMEDY) from error
    return [check.check(row, now=now, origin=origin) for row in rows]


def _refuse_compressed(source: Any) -> None:
    """Refuse a stream with compressed buffers: only what unpacks them would know how large they become."""
    import pyarrow as pa

    messages = pa.ipc.MessageReader.open_stream(source)
    while True:
        try:
            message = messages.read_next_message()
        except StopIteration:
            return
        if _is_compressed(message.metadata.to_pybytes()):
            raise _refused("compressed buffers", "write it with compression=None")


def message_of(told: bytes) -> tuple[int, int]:
    """Return of a message's metadata its kind (1 a schema, 2 a dictionary, 3 rows), and how many bytes follow it.

    Raises
    ------
    struct.error, IndexError
        It is no such metadata.
    """
    message = struct.unpack_from("<I", told)[0]
    kind, length = _field(told, message, 1), _field(told, message, 3)
    size = int(struct.unpack_from("<q", told, length)[0]) if length else 0
    if size < 0:
        raise struct.error("a negative length")
    return told[kind] if kind else 0, size


def _is_compressed(told: bytes) -> bool:
    """Read a message's metadata, a FlatBuffer of the format's ``Message.fbs``."""
    message = struct.unpack_from("<I", told)[0]
    kind, header = _field(told, message, 1), _field(told, message, 2)
    if not kind or told[kind] not in (_DICTIONARY, _RECORDS):
        return False
    batch = _followed(told, header)
    if told[kind] == _DICTIONARY:
        batch = _followed(told, _field(told, batch, 1))
    return _field(told, batch, 3) != 0


def _field(told: bytes, table: int, number: int) -> int:
    """Return where a table's field lies; 0 when it is not there."""
    known = table - struct.unpack_from("<i", told, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", told, known)[0]:
        return 0
    offset: int = struct.unpack_from("<H", told, known + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _followed(told: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", told, place)[0])


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose columns hold what they say, categories as their texts."""
    import pyarrow as pa

    batch.validate(full=True)
    for place, field in enumerate(batch.schema):
        if not _is_flat(field.type):
            raise _refused(f"a column {field.name!r} of {field.type}", "send numbers, text, times or lists of numbers")
        if pa.types.is_dictionary(field.type):
            longest = max((len(str(value)) for value in batch.column(place).dictionary.to_pylist()), default=0)
            if longest * batch.num_rows > MOST_BYTES:
                raise _refused(f"a column {field.name!r} of more than {MOST_BYTES} bytes")
    return batch


def _is_flat(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _is_flat(kind.value_type) and not types.is_nested(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    return bool(types.is_primitive(kind) or types.is_null(kind) or types.is_decimal(kind) or text)


def _refused(what: str, remedy: str = REMEDY) -> SchemaError:
    return SchemaError(f"an Arrow stream with {what}", remedy=remedy)


def _in_microseconds(table: pa.Table) -> pa.Table:
    """Return a table without finer times: Python has none for them."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = table.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            table = table.set_column(place, field.name, column)
    return table
