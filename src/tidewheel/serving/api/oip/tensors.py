"""Tensors of the Open Inference Protocol: from JSON or raw bytes to arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import InputError

Array = npt.NDArray[Any]

NUMBERS: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
BF16 = "BF16"
"""Has no numpy type: its 16 bits are the upper half of an FP32."""
BYTES = "BYTES"
DATATYPES = (*NUMBERS, BF16, BYTES)
MOST_DIMENSIONS = 16
LARGEST_DIMENSION = 1 << 31
_LENGTH = 4
"""Bytes before each element of BYTES, little-endian, that say how long it is."""


class Tensor(msgspec.Struct, frozen=True):
    """A named array. Elements of BYTES are ``bytes`` in an array of objects.

    Examples
    --------
    >>> Tensor("score", "FP64", np.array([0.5, 0.25])).raw()[:8].hex()
    '000000000000e03f'
    """

    name: str
    datatype: str
    values: Array

    @property
    def shape(self) -> list[int]:
        """Dimensions."""
        return list(self.values.shape)

    def raw(self) -> bytes:
        """Return the elements as the binary extension sends them."""
        if self.datatype == BYTES:
            return b"".join(len(item).to_bytes(_LENGTH, "little") + item for item in self.values.ravel())
        return np.ascontiguousarray(self.values, NUMBERS[self.datatype]).tobytes()

    def plain(self) -> list[Any]:
        """Return the elements for JSON, flat; what JSON has no number for is null."""
        flat = self.values.ravel().tolist()
        if self.datatype == BYTES:
            return [item.decode("utf-8", "replace") for item in flat]
        if self.datatype.startswith("FP"):
            return [value if math.isfinite(value) else None for value in flat]
        return flat


def check_shape(name: str, datatype: str, shape: Sequence[int]) -> int:
    """Return how many elements a tensor of this shape has.

    Raises
    ------
    InputError
        The datatype is unknown, or the shape none.

    Examples
    --------
    >>> check_shape("x", "FP32", [2, 3])
    6
    """
    if datatype not in DATATYPES:
        raise InputError(f"input {name!r}: unknown datatype {datatype!r}", remedy=f"known: {', '.join(DATATYPES)}")
    count = math.prod(shape)
    # Where one dimension is 0 nothing else bounds the others: rows that take no bytes would be made all the same.
    empty = count == 0 and any(shape[:1])
    if len(shape) > MOST_DIMENSIONS or any(not 0 <= size <= LARGEST_DIMENSION for size in shape) or empty:
        raise InputError(f"input {name!r}: {list(shape)[:MOST_DIMENSIONS]} is no shape")
    return count


def from_raw(name: str, datatype: str, shape: Sequence[int], data: bytes | memoryview) -> Tensor:
    """Return the tensor in raw bytes.

    Raises
    ------
    InputError
        The bytes are not what the shape says.

    Examples
    --------
    >>> from_raw("x", "BYTES", [2], bytes.fromhex("01000000410200000042 43")).values.tolist()
    [b'A', b'BC']
    """
    count = check_shape(name, datatype, shape)
    if datatype == BYTES:
        return Tensor(name, datatype, _objects(list(_elements(name, bytes(data), count)), shape))
    size = 2 if datatype == BF16 else NUMBERS[datatype].itemsize
    if len(data) != count * size:
        raise InputError(
            f"input {name!r}: {len(data)} bytes for shape {list(shape)} of {datatype}", remedy=f"send {count * size}"
        )
    return Tensor(name, datatype, _numbers(datatype, data).reshape(shape))


def _numbers(datatype: str, data: bytes | memoryview) -> Array:
    if datatype == "BOOL":
        return np.frombuffer(data, np.uint8).astype(bool)
    if datatype == BF16:
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, NUMBERS[datatype])


def _elements(name: str, data: bytes, count: int) -> Iterator[bytes]:
    place = 0
    for number in range(count):
        start = place + _LENGTH
        end = start + int.from_bytes(data[place:start], "little")
        if start > len(data) or end > len(data):
            raise InputError(f"input {name!r}: element {number} goes beyond the tensor's {len(data)} bytes")
        yield data[start:end]
        place = end
    if place != len(data):
        raise InputError(f"input {name!r}: {len(data) - place} bytes more than its {count} elements")


def from_plain(name: str, datatype: str, shape: Sequence[int], values: Sequence[Any]) -> Tensor:
    """Return the tensor of flat Python values: those of a JSON array, or of gRPC's typed contents.

    Raises
    ------
    InputError
        A value does not fit the datatype, or their number the shape.

    Examples
    --------
    >>> from_plain("x", "FP32", [2, 1], [1, None]).values.tolist()
    [[1.0], [nan]]
    """
    count = check_shape(name, datatype, shape)
    if len(values) != count:
        raise InputError(f"input {name!r}: {len(values)} elements for shape {list(shape)}", remedy=f"send {count}")
    if datatype == BYTES:
        if not all(isinstance(value, str | bytes) for value in values):
            raise InputError(f"input {name!r}: the elements of BYTES are strings")
        coded = [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in values]
        return Tensor(name, datatype, _objects(coded, shape))
    return Tensor(name, datatype, _typed(name, datatype, values).reshape(shape))


def _typed(name: str, datatype: str, values: Sequence[Any]) -> Array:
    real = datatype == BF16 or datatype.startswith("FP")
    wanted: Any = list[float | None] if real else list[bool] if datatype == "BOOL" else list[int]
    kind = np.dtype("<f4") if datatype == BF16 else NUMBERS[datatype]
    try:
        checked = msgspec.convert(values, wanted)
        with np.errstate(over="ignore"):
            return np.array(checked, np.float64).astype(kind) if real else np.array(checked, kind)
    except (msgspec.ValidationError, OverflowError) as error:
        raise InputError(f"input {name!r}: not all elements are {datatype}: {error}") from error


def flat(name: str, data: msgspec.Raw, depth: int) -> list[Any]:
    """Return the elements of a JSON array, flat or nested as deeply as the tensor has dimensions, row by row.

    Raises
    ------
    InputError
        It is no array, or is nested deeper.
    """
    try:
        values = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"input {name!r}: data can't be read: {error}") from error
    if not isinstance(values, list):
        raise InputError(f"input {name!r}: data is no array")
    for _ in range(depth - 1):
        if not any(isinstance(value, list) for value in values):
            break
        values = [inner for value in values for inner in (value if isinstance(value, list) else [value])]
    return values


def _objects(values: list[bytes], shape: Sequence[int]) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)
