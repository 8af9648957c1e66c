"""What the expression machine calculates beyond operators: circles, spheres, calendars, buckets, vectors.

Only + - x / and square roots, in one fixed order, and remainders, which are exact. No library of
mathematics is asked, so that every machine and every row gives the same bits.
"""

from __future__ import annotations

import math

import numpy as np

from tidewheel.kernel._jit import Array, Word, as_float, as_word, inner
from tidewheel.kernel.layouts.layout import NULL_BITS

EARTH_KM = 6371.0088
"""Mean radius of the Earth (IUGG): a third of the sum of two equatorial radii and the polar one."""
HOUR = 3_600_000_000
DAY = 24 * HOUR
_FURTHEST = 9.0e18
"""Whole numbers beyond this do not fit a word."""
_SINE = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(8, -1, -1))
_COSINE = tuple((-1) ** k / math.factorial(2 * k) for k in range(9, -1, -1))
"""Taylor's coefficients, highest power first; within an eighth of a turn what is left out is below 1e-17."""


@inner
def finite(number: float) -> Word:
    """Return a number's word; null when it is not finite."""
    return as_word(number) if math.isfinite(number) else NULL_BITS


@inner
def sine(angle: float) -> float:
    """Return the sine of at most an eighth of a turn."""
    z, total = angle * angle, 0.0
    for factor in _SINE:
        total = total * z + factor
    return angle * total


@inner
def cosine(angle: float) -> float:
    """Return the cosine of at most an eighth of a turn."""
    z, total = angle * angle, 0.0
    for factor in _COSINE:
        total = total * z + factor
    return total


@inner
def sine_of(turns: float, ahead: int) -> float:
    """Return the sine of an angle of a few turns, `ahead` quarters further on: one quarter on is the cosine."""
    quarters = math.floor(4.0 * turns + 0.5)
    angle = 2.0 * math.pi * (turns - 0.25 * quarters)
    quadrant = (quarters + ahead) % 4
    value = sine(angle) if quadrant % 2 == 0 else cosine(angle)
    return value if quadrant < 2 else -value


@inner
def arc_sine(value: float) -> float:
    """Return the angle whose sine is between 0 and the root of a half, by Newton's steps."""
    z = value * value
    angle = value * (1.0 + z * (1.0 / 6.0 + z * (3.0 / 40.0)))
    for _ in range(3):
        angle -= (sine(angle) - value) / cosine(angle)
    return angle


@inner
def cyclic(x: float, period: float, ahead: int) -> Word:
    """Return the sine of where `x` is in its period (`ahead` of 1: the cosine)."""
    if not period > 0.0:
        return NULL_BITS
    return finite(sine_of(x % period / period, ahead))


@inner
def calendar(at: float, ahead: float, weekday: bool) -> Word:
    """Return the hour (0-23) or the day of the week (Monday is 0) of a time, on a clock ahead of UTC."""
    if not abs(at + ahead) < _FURTHEST:
        return NULL_BITS
    local = math.floor(at) + int(ahead)
    return as_word(float((local // DAY + 3) % 7 if weekday else local // HOUR % 24))


@inner
def haversine(r: Array, at: int) -> Word:
    """Return the great-circle distance in km of two points: latitude and longitude of each, in degrees."""
    lat1, lon1, lat2, lon2 = as_float(r[at]), as_float(r[at + 1]), as_float(r[at + 2]), as_float(r[at + 3])
    if not (abs(lat1) <= 90.0 and abs(lat2) <= 90.0 and abs(lon1) < _FURTHEST and abs(lon2) < _FURTHEST):
        return NULL_BITS
    north = sine_of((lat2 - lat1) / 720.0, 0)
    east = sine_of((lon2 - lon1) % 720.0 / 720.0, 0)
    narrow = sine_of(lat1 / 360.0, 1) * sine_of(lat2 / 360.0, 1)
    h = min(1.0, north * north + narrow * east * east)
    half = arc_sine(math.sqrt(h)) if h <= 0.5 else 0.5 * math.pi - arc_sine(math.sqrt(1.0 - h))
    return as_word(2.0 * EARTH_KM * half)


@inner
def bucket_of_number(r: Array, a: int, first: int, n: int) -> Word:
    """Return how many of `n` rising edges are not above a value."""
    value = as_float(r[a])
    if value != value:
        return NULL_BITS
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if as_float(r[first + middle]) <= value:
            low = middle + 1
        else:
            high = middle
    return as_word(float(low))


@inner
def bucket_of_word(word: int, buckets: int) -> Word:
    """Return the bucket of a hash, null for the null."""
    if word == 0:
        return NULL_BITS
    return as_word(float(np.uint64(word) % np.uint64(as_float(buckets))))


@inner
def joined(a: int, b: int) -> Word:
    """Return one hash of two, in their order (the finaliser of MurmurHash3); null when either is."""
    if a == 0 or b == 0:
        return 0
    h = np.uint64(a) * np.uint64(0x9E3779B185EBCA87)
    h = ((h << np.uint64(31)) | (h >> np.uint64(33))) ^ np.uint64(b)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    h = h ^ (h >> np.uint64(33))
    return np.int64(h) if h != 0 else 1


@inner
def product(r: Array, a: int, b: int, n: int) -> float:
    """Return the inner product of two vectors, added from the first element to the last."""
    total = 0.0
    for i in range(n):
        total += as_float(r[a + i]) * as_float(r[b + i])
    return total
