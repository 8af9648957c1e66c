"""Columns of vectors: what may stand in one, read from a value or an Arrow array, and how the lake keeps them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions.ir import Source
from tidewheel.errors import InputError, SchemaError
from tidewheel.kernel.words.vectors import pack_vector, unpack_vector

Mask = npt.NDArray[np.bool_]
_TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())


def checked_vector(value: object, size: int) -> str:
    """Return a vector's text, or raise `SchemaError`.

    Parameters
    ----------
    value : sequence of numbers, NumPy array, or str
        Text is a JSON array (a cell of a file), or base64 of little-endian float32.
    size : int

    Examples
    --------
    >>> checked_vector([1, -0.5], 2) == checked_vector("[1, -0.5]", 2) == checked_vector("AACAPwAAAL8=", 2)
    True
    """
    vector = _from_text(value) if isinstance(value, str) else _from_numbers(value)
    if vector.shape != (size,):
        found = f"{len(vector)} numbers" if vector.ndim == 1 else f"an array of shape {vector.shape}"
        raise SchemaError(f"expected a vector of {size} numbers, found {found}")
    with np.errstate(over="ignore"):
        vector = vector.astype(np.float32)
    if not np.isfinite(vector).all():
        raise SchemaError(f"element {int(np.isfinite(vector).argmin())} of the vector is no finite float32")
    return pack_vector(vector)


def vector_problem(found: pa.DataType) -> str:
    """Say why a file's column of this type can't give vectors ("" when it can)."""
    if _is_list(found):
        item = found.value_type
        if pa.types.is_floating(item) or pa.types.is_integer(item) or pa.types.is_null(item):
            return ""
    elif pa.types.is_null(found) or found in _TEXTS:
        return ""
    return f"is {found}, but lists of numbers are expected"


def read_vectors(found: pa.Array, size: int) -> tuple[pa.Array, Mask | None]:
    """Return the texts of a column of vectors, and where values may not stand (None: all may)."""
    texts: list[str | None] = []
    bad = np.zeros(len(found), np.bool_)
    for row, value in enumerate(_values(found)):
        try:
            texts.append(None if value is None else checked_vector(value, size))
        except SchemaError:
            texts.append(None)
            bad[row] = True
    return pa.array(texts, pa.string()), bad if bad.any() else None


def to_lake(table: pa.Table, source: Source | None) -> pa.Table:
    """Return events with vectors as lists of float32 of their declared size, as the lake keeps them."""
    for column in source.columns if source is not None else ():
        place = table.schema.get_field_index(column.name)
        if column.kind == "vector" and place >= 0:
            texts = table[column.name].cast(pa.string()).to_pylist()
            rows = [None if text is None else unpack_vector(text) for text in texts]
            table = table.set_column(place, column.name, pa.array(rows, pa.list_(pa.float32(), column.size)))
    return table


def from_lake(table: pa.Table) -> pa.Table:
    """Return a table whose columns of vectors are their texts, as everything above the lake takes them."""
    for place, field in enumerate(table.schema):
        if _is_list(field.type):
            texts = [None if value is None else pack_vector(value) for value in _values(table[field.name])]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def _is_list(found: pa.DataType) -> bool:
    return bool(pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found))


def _values(found: pa.Array | pa.ChunkedArray) -> Iterable[object]:
    """Yield a column's values: lists as NumPy arrays, nulls in them as NaN."""
    if not _is_list(found.type):
        for cell in found.to_pylist():
            yield cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
        return
    for chunk in found.chunks if isinstance(found, pa.ChunkedArray) else [found]:
        for value in chunk:
            yield value.values.to_numpy(zero_copy_only=False) if value.is_valid else None


def _from_text(text: str) -> npt.NDArray[np.float64]:
    try:
        if text.lstrip().startswith("["):
            return np.array(msgspec.json.decode(text, type=list[float]), np.float64)
        return unpack_vector(text).astype(np.float64)
    except (msgspec.MsgspecError, InputError):
        raise SchemaError(f"expected a vector such as [0.5, 1], found {text[:40]!r}") from None


def _from_numbers(value: object) -> npt.NDArray[np.float64]:
    try:
        found = np.asarray(value)
    except ValueError:
        found = np.empty(0, object)
    if found.dtype.kind not in "iuf" or found.ndim == 0:
        raise SchemaError(f"expected a vector of numbers, found {type(value).__name__}")
    return found.astype(np.float64, copy=False)
