"""One way to write a thing down, so that equal things have equal digests."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_UNSAID = frozenset({"doc", "file", "line"})
"""Where a declaration stands and what its docstring says change nothing about what it does."""


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys.

    Examples
    --------
    >>> canonical({"b": 1, "a": (2.0, None)})
    b'{"a":[2.0,null],"b":1}'
    """
    return msgspec.json.encode(value, order="sorted")


def digest_of(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a definition, its place and docstring left out."""
    return hashlib.sha256(canonical(_meaning(msgspec.to_builtins(value)))).hexdigest()[:16]


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _meaning(item) for key, item in value.items() if key not in _UNSAID}
    if isinstance(value, list | tuple):
        return [_meaning(item) for item in value]
    return value
