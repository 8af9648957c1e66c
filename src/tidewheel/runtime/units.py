"""Sizes as people write them in settings."""

from __future__ import annotations

import re

_SIZES = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def parse_size(text: str) -> int:
    """Return the bytes that ``1MB``, ``64KB`` or ``512`` says.

    Examples
    --------
    >>> parse_size("1MB")
    1048576
    """
    match = re.fullmatch(r"(\d+)\s*([KMG]?B)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; write one like 64KB, 1MB or 2GB")
    return int(match[1]) * _SIZES[match[2] or ""]
