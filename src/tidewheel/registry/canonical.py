"""One way to write a record down, so that equal records have equal bytes."""

from __future__ import annotations

from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys.

    Examples
    --------
    >>> canonical({"b": 1, "a": (2.0, None)})
    b'{"a":[2.0,null],"b":1}'
    """
    return msgspec.json.encode(value, order="sorted")
