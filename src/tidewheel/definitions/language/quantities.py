"""Shares, sizes, counts and numbers as people declare them."""

from __future__ import annotations

import re
import sys
from typing import TypeGuard

from tidewheel.definitions.language.places import mistake
from tidewheel.errors import DefinitionError

_SIZES = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def share_of(name: str, value: str | float) -> float:
    """Return ``"20%"`` or 0.2 as 0.2, from 0 to 1.

    Examples
    --------
    >>> share_of("canary", "20%"), share_of("canary", 1)
    (0.2, 1.0)
    """
    if isinstance(value, str):
        try:
            value = float(value.removesuffix("%")) / 100 if value.endswith("%") else -1.0
        except ValueError:
            value = -1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DefinitionError(f"{name} is no share from 0 to 1 (or '0%' to '100%')")
    return float(value)


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


def is_finite(value: object) -> TypeGuard[int | float]:
    """Tell whether a value is a number that a float can hold.

    Examples
    --------
    >>> is_finite(3), is_finite(10**400), is_finite(float("nan")), is_finite(True)
    (True, False, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def number(value: object) -> float:
    """Return a finite number as a float.

    Raises
    ------
    DefinitionError
        It is none.

    Examples
    --------
    >>> number(3)
    3.0
    """
    if not is_finite(value):
        raise mistake(f"{value!r} is no number", "write one like 0.5")
    return float(value)


def whole(name: str, value: object, low: int = 1, high: int | None = None) -> int:
    """Return a whole number from `low` up, or to `high`, both included.

    Raises
    ------
    DefinitionError
        It is none.

    Examples
    --------
    >>> whole("folds", 5, high=100)
    5
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        reach = f"from {low} up" if high is None else f"from {low} to {high}"
        raise mistake(f"{name}={value!r} is no whole number {reach}", f"write {name}={max(low, 1)}")
    return value
