"""What quantile, top_k and last_n should answer, computed in the plainest way. Shares no code with the product."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Seen(NamedTuple):
    """A value inside the window, in fold order."""

    tile: int
    at: int
    offset: int
    value: Any


def quantile(seen: Sequence[Seen], q: float, exact_to: int) -> float | None:
    """NumPy's quantile of the values, or of the middles of their bins when there are more than `exact_to`."""
    if not seen:
        return None
    values = [float(each.value) for each in seen]
    if len(values) > exact_to:
        values = [middle(value) for value in values]
    return float(np.quantile(np.array(values), q)) + 0.0


def middle(value: float) -> float:
    """The middle of a value's bin: 64 to a doubling, equally wide within it."""
    mantissa, exponent = math.frexp(abs(value))
    if abs(value) < 2.0**-1022 or not math.isfinite(value):
        return value if math.isinf(value) else 0.0
    return math.copysign(math.ldexp((math.floor(mantissa * 128) + 0.5) / 128, exponent), value)


def top_k(seen: Sequence[Seen], k: int, exact_to: int, order: Callable[[Any], Any] = lambda value: value) -> list[Any]:
    """The most frequent values: counted exactly while a tile has at most `exact_to`, else as Misra and Gries do."""
    total: Counter[Any] = Counter()
    for tile in {each.tile for each in seen}:
        counts: Counter[Any] = Counter()
        for each in seen:
            if each.tile != tile:
                continue
            if each.value in counts or len(counts) < exact_to:
                counts[each.value] += 1
            else:
                counts -= Counter(dict.fromkeys(counts, 1))
        total += counts
    return sorted(total, key=lambda value: (-total[value], order(value)))[:k]


def last_n(seen: Sequence[Seen], n: int) -> list[Any]:
    """The newest values by (at, offset); of two at one place the one folded later is newer."""
    return [each.value for each in sorted(seen, key=lambda each: (each.at, each.offset))[::-1][:n]]
