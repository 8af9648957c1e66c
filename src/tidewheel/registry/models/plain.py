"""Plain data as bytes that run no code when they are read, and that other programs can read too.

A table is an Arrow file, arrays by name are an ``.npz``, everything else is JSON.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.errors import CorruptError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.models.arrays import pack_arrays, unpack_arrays

_ARROW, _ARRAYS = b"ARROW1", b"PK"
_SINGLE = (type(None), bool, int, float, str)


def is_plain(value: Any) -> bool:
    """Tell what can be kept as it is: a table, a mapping of names to numeric arrays, or what JSON says without loss.

    Examples
    --------
    >>> is_plain({"groups": [1, 2.5, None]}), is_plain((1, 2)), is_plain({1: "one"}), is_plain(object())
    (True, False, False, False)
    """
    return isinstance(value, pa.Table) or _is_arrays(value) or _is_json(value)


def _is_arrays(value: Any) -> bool:
    return (
        type(value) is dict
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and all(isinstance(item, np.ndarray) and item.dtype.kind in "biuf" for item in value.values())
    )


def _is_json(value: Any) -> bool:
    if type(value) is dict:
        return all(isinstance(name, str) and _is_json(item) for name, item in value.items())
    if type(value) is list:
        return all(map(_is_json, value))
    return type(value) in _SINGLE and not (isinstance(value, float) and not np.isfinite(value))


def as_plain(value: pa.Table | Mapping[str, Any] | Any) -> bytes:
    """Return plain data as bytes; the same data gives the same bytes."""
    if isinstance(value, pa.Table):
        sink = io.BytesIO()
        with pa.ipc.new_file(sink, value.schema) as writer:
            writer.write_table(value)
        return sink.getvalue()
    return pack_arrays(value) if _is_arrays(value) else canonical(value)


def read_plain(content: bytes) -> Any:
    """Return what `as_plain` wrote.

    Raises
    ------
    CorruptError
        The bytes are no such thing.
    """
    try:
        if content.startswith(_ARROW):
            return pa.ipc.open_file(content).read_all()
        return unpack_arrays(content) if content.startswith(_ARRAYS) else msgspec.json.decode(content)
    except (pa.ArrowInvalid, msgspec.DecodeError) as error:
        raise CorruptError(f"not what a step leaves ({error})") from error
