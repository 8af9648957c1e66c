"""Clock readings to UTC, a column at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tidewheel.collect.checking.values import clock_oddity, local_to_utc

_DAY = 86_400_000_000
_UNIX = datetime(1970, 1, 1)
Instants = npt.NDArray[np.int64]


class Converted(NamedTuple):
    """Instants in UTC, and how many readings fell into an hour that clocks repeat or skip."""

    instants: Instants
    repeated: int
    skipped: int


def clock_to_utc(readings: Instants, zone: ZoneInfo) -> Converted:
    """Return the instants of clock readings (microseconds since 1970 on the clock) in `zone`.

    The rule is that of `values.instant_of`: the first of a repeated hour, forward over a skipped one.

    Notes
    -----
    Nearly every local day has one offset; those that change it (two a year) are taken reading by reading.
    """
    days, which = np.unique(np.floor_divide(readings, _DAY), return_inverse=True)
    offsets = np.array([_offset_of_day(int(day), zone) for day in days], np.float64)
    shift = offsets[which]
    instants = readings - np.where(np.isnan(shift), 0, shift).astype(np.int64)
    odd = np.flatnonzero(np.isnan(shift))
    repeated = skipped = 0
    for position in odd.tolist():
        reading = _UNIX + timedelta(microseconds=int(readings[position]))
        instants[position] = local_to_utc(reading, zone)
        oddity = clock_oddity(reading, zone)
        repeated += oddity == "repeated"
        skipped += oddity == "skipped"
    return Converted(instants, repeated, skipped)


def _offset_of_day(day: int, zone: ZoneInfo) -> float:
    """Microseconds the zone is ahead of UTC on that local day, NaN when they change within it."""
    try:
        midnight = _UNIX + timedelta(days=day)
        seen = {
            (midnight + timedelta(hours=hour)).replace(tzinfo=zone, fold=fold).utcoffset()
            for hour in (0, 6, 12, 18, 24)
            for fold in (0, 1)
        }
    except OverflowError:
        return float("nan")
    only = seen.pop()
    if seen or only is None:
        return float("nan")
    return float(only // timedelta(microseconds=1))
