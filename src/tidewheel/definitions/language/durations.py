"""Durations as people write them, and the ladder of tile widths."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TypeAlias

from tidewheel.errors import DefinitionError

Duration: TypeAlias = str | timedelta
"""``"10min"``, ``"1h"``, ``"30d"``, ``"5s"``, ``"20ms"``, or a ``timedelta``."""

MICROSECONDS: dict[str, int] = {
    "w": 7 * 86_400_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "min": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}

HOPS: tuple[int, ...] = tuple(
    count * MICROSECONDS[unit]
    for count, unit in (
        (1, "s"), (5, "s"), (15, "s"), (1, "min"), (5, "min"), (15, "min"), (1, "h"), (6, "h"), (1, "d"), (5, "d"),
        (15, "d"),
    )
)  # fmt: skip
"""Widths a window's tiles may have when none is declared."""

TILES_AT_LEAST = 12
"""A window holds at least so many tiles, so that it is at most a twelfth too long."""

_LIKELY = {
    "m": "'10m' may be minutes or months: write '{n}min'",
    "mo": "months differ in length: write '{d}d'",
    "month": "months differ in length: write '{d}d'",
    "months": "months differ in length: write '{d}d'",
    "y": "years differ in length: write '{n}' times 365 days, as in '365d'",
    "sec": "write '{n}s'",
    "secs": "write '{n}s'",
    "seconds": "write '{n}s'",
    "mins": "write '{n}min'",
    "minutes": "write '{n}min'",
    "hr": "write '{n}h'",
    "hours": "write '{n}h'",
    "day": "write '{n}d'",
    "days": "write '{n}d'",
    "weeks": "write '{n}w'",
}


def parse_duration(text: Duration) -> int:
    """Return a duration in microseconds.

    Parameters
    ----------
    text : str or timedelta
        A whole number and one of the units ``us ms s min h d w``. ``10m`` is refused, since it may
        mean minutes or months.

    Raises
    ------
    DefinitionError
        When the text is no such duration, or not positive.

    Examples
    --------
    >>> parse_duration("10min")
    600000000
    """
    if isinstance(text, timedelta):
        value = text // timedelta(microseconds=1)
    elif isinstance(text, str):
        value = _parse(text)
    else:
        raise DefinitionError(f"{text!r} is no duration", remedy="write a string such as '10min', '1h', '30d'")
    if value <= 0:
        raise DefinitionError(f"the duration {text!r} is not positive")
    return value


def _parse(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*([^\W\d]+)\s*", text)
    if match is None:
        raise DefinitionError(
            f"{text!r} is no duration", remedy="write a whole number and a unit: '10min', '1h', '30d'"
        )
    count, unit = int(match[1]), match[2]
    if unit in MICROSECONDS:
        return count * MICROSECONDS[unit]
    hint = _LIKELY.get(unit.lower(), "the units are us, ms, s, min, h, d, w")
    raise DefinitionError(f"{text!r} has no known unit", remedy=hint.format(n=count, d=30 * count))


def format_duration(value: int) -> str:
    """Return microseconds as the shortest exact text; zero is ``"0s"``.

    Examples
    --------
    >>> format_duration(86_400_000_000), format_duration(90_000_000)
    ('1d', '90s')
    """
    if value == 0:
        return "0s"
    unit = next(unit for unit, width in MICROSECONDS.items() if unit != "w" and value % width == 0)
    return f"{value // MICROSECONDS[unit]}{unit}"


def hop_of(window: int, hop: int | None = None) -> int:
    """Return the width of a window's tiles: the declared one, checked, or one of `HOPS`.

    Examples
    --------
    >>> format_duration(hop_of(parse_duration("7d")))
    '6h'
    """
    if hop is not None:
        if hop > window or window % hop:
            raise DefinitionError(
                f"the window {format_duration(window)} is no multiple of its hop {format_duration(hop)}",
                remedy=f"take a hop that divides it, such as {format_duration(_divisor(window))}",
            )
        return hop
    fitting = [width for width in HOPS if width * TILES_AT_LEAST <= window and window % width == 0]
    if fitting:
        return fitting[-1]
    reason = "is shorter than 12s" if window < TILES_AT_LEAST * HOPS[0] else "is no multiple of a usual hop"
    raise DefinitionError(
        f"the window {format_duration(window)} {reason}",
        remedy=f"say how fine its tail is, e.g. hop='{format_duration(_divisor(window))}', or exact=True",
    )


def spare_hop(window: int, hop: int | None = None) -> int:
    """Return the width of the tiles that stand in for an exact window: as `hop_of`, or some twelfth.

    Examples
    --------
    >>> format_duration(spare_hop(parse_duration("6s")))
    '500ms'
    """
    fits = any(width * TILES_AT_LEAST <= window and window % width == 0 for width in HOPS)
    return hop_of(window, hop) if fits or hop is not None else _divisor(window)


def _divisor(window: int) -> int:
    """Return a width that divides the window into at least twelve tiles where one is easily found."""
    return next((window // n for n in (12, 15, 16, 20, 24, 10, 6, 5, 4, 3, 2) if window % n == 0), window)
