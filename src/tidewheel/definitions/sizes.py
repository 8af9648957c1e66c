"""Sizes as people declare them."""

from __future__ import annotations

import re

from tidewheel.errors import DefinitionError

_SIZES = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def parse_bytes(text: str) -> int:
    """Return the bytes that a size says.

    Raises
    ------
    DefinitionError
        It is none.

    Examples
    --------
    >>> parse_bytes("1.5GB")
    1610612736
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(KB|MB|GB)", text.strip()) if isinstance(text, str) else None
    if found is None:
        raise DefinitionError(f"{text!r} is no size", remedy='write one like "300MB"')
    return int(float(found[1]) * _SIZES[found[2]])
