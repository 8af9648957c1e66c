"""Shares as people declare them."""

from __future__ import annotations

import math

from tidewheel.errors import DefinitionError


def share_of(name: str, value: str | float) -> float:
    """Return ``"20%"`` or 0.2 as 0.2, from 0 to 1.

    Examples
    --------
    >>> share_of("canary", "20%"), share_of("canary", 1)
    (0.2, 1.0)
    """
    if isinstance(value, str):
        try:
            value = float(value.removesuffix("%")) / 100 if value.endswith("%") else math.nan
        except ValueError:
            value = math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DefinitionError(f"{name} is no share from 0 to 1 (or '0%' to '100%')")
    return float(value)
