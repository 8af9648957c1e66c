"""What an entity is called in the state store: one text for one or several key parts.

A single part is itself; several are joined by the unit separator, escaped so that no two tuples
of parts meet in one text. The stream (whole columns) and the online read (one row) must agree
on every byte, so both ways stand side by side here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.errors import FeatureError
from tidewheel.features.words import microseconds

SEPARATOR = "\x1f"
ESCAPE = "\\"
_ESCAPED = re.compile(r"\\(.)")


def key_text(parts: Sequence[object]) -> str | None:
    r"""Return the state key of one row's key parts; None when a part is null.

    Examples
    --------
    >>> key_text(["c42"])
    'c42'
    >>> key_text(["u1", 7])
    'u1\x1f7'
    >>> key_text(["u1", None]) is None
    True
    """
    if len(parts) == 1:
        return part_text(parts[0])
    texts = [part_text(part) for part in parts]
    if any(text is None for text in texts):
        return None
    return SEPARATOR.join(_escape(text) for text in texts if text is not None)


def key_parts(key: str) -> list[str]:
    r"""Return the parts of a state key, as texts.

    Examples
    --------
    >>> key_parts("u1\x1f7"), key_parts("c42")
    (['u1', '7'], ['c42'])
    >>> key_parts(key_text(["a\\u", "b\x1f"])) == ["a\\u", "b\x1f"]
    True
    """
    parts = key.split(SEPARATOR)
    return parts if len(parts) == 1 else [_ESCAPED.sub(_unescaped, part) for part in parts]


def part_text(part: object) -> str | None:
    """Return one key part as text: strings as they are, whole numbers in decimals, times in microseconds."""
    if part is None or isinstance(part, str):
        return part
    if isinstance(part, bool):
        return "true" if part else "false"
    if isinstance(part, int):
        return str(part)
    if isinstance(part, datetime):
        return str(microseconds(part))
    raise FeatureError(
        f"a key part is of type {type(part).__name__}", remedy="key by a string, a whole number, a boolean or a time"
    )


def key_array(parts: Sequence[pa.Array]) -> pa.Array:
    """Return the state keys of whole columns of key parts, null where a part is null."""
    if len(parts) == 1:
        return part_array(parts[0])
    texts = [_escape_array(plain(part_array(part))) for part in parts]
    return pc.binary_join_element_wise(*texts, SEPARATOR)


def part_array(part: pa.Array) -> pa.Array:
    """Return one column of key parts as texts; a dictionary of texts stays one."""
    kind = part.type.value_type if pa.types.is_dictionary(part.type) else part.type
    if pa.types.is_string(kind):
        return part
    if pa.types.is_timestamp(kind):
        return part.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64()).cast(pa.string())
    if (
        pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_large_string(kind)
        or kind == pa.string_view()
    ):
        return part.cast(pa.string())
    if pa.types.is_null(kind):
        return part.cast(pa.string())
    raise FeatureError(f"a key column is of type {kind}", remedy="key by a string, a whole number, a boolean or a time")


def plain(column: pa.Array) -> pa.Array:
    """Return a column of texts, a dictionary of them unfolded."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _unescaped(found: re.Match[str]) -> str:
    return SEPARATOR if found[1] == "u" else ESCAPE


def _escape(text: str) -> str:
    return text.replace(ESCAPE, ESCAPE * 2).replace(SEPARATOR, f"{ESCAPE}u")


def _escape_array(texts: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(texts, r"[\\\x1f]")).as_py():
        return texts
    return pc.replace_substring(pc.replace_substring(texts, ESCAPE, ESCAPE * 2), SEPARATOR, f"{ESCAPE}u")
