"""Sizes and durations as people write them in settings."""

from __future__ import annotations

import re

_SIZES = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_DURATIONS = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


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


def parse_span(text: str) -> int:
    """Return the microseconds that ``20ms``, ``10s``, ``10min``, ``6h`` or ``7d`` says.

    Examples
    --------
    >>> parse_span("10s")
    10000000
    """
    match = re.fullmatch(r"(\d+)\s*(ms|s|min|h|d)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration; write one like 20ms, 10s, 10min, 6h or 7d")
    return int(match[1]) * _DURATIONS[match[2]]
