"""Formulas whose floating-point result depends on how they are computed, written out plainly.

They follow docs/aggregations.md step by step, so they agree to the bit; `Fraction` and `math` hold
them to the mathematics in tests/kernel.
"""

from __future__ import annotations

import math


def lost(aggregate, counted, seen, instant):
    """How many instants an exact window lost to its cap, as far as it reaches back to one of them; else 0.

    `seen` holds every event of the entity in fold order, `counted` those that count.
    """
    kept: set[int] = set()
    horizon, newest, number = -math.inf, -math.inf, 0
    for event in seen:
        at = event.own.at
        horizon = max(horizon, event.arrived, at)
        oldest = horizon - aggregate.window - aggregate.delay
        if event not in counted or at + 1 <= oldest or at in kept:
            continue
        kept = {one for one in kept if one + 1 > oldest}
        if len(kept) >= aggregate.cap:
            gone = min(at, *kept)
            newest, number = max(newest, gone), number + 1
            kept.discard(gone)
            if at == gone:
                continue
        kept.add(at)
    return number if newest >= instant - aggregate.delay - aggregate.window else 0


def tiles(aggregate, values):
    """Values by tile, oldest tile first, each in fold order."""
    found: dict[int, list] = {}
    for event, value in values:
        found.setdefault(event.own.at // aggregate.hop if aggregate.hop else 0, []).append((event.own.at, value))
    return [found[tile] for tile in sorted(found)]


def total(aggregate, values):
    """Each tile by itself in fold order, then tiles oldest first."""
    result = 0.0
    for tile in tiles(aggregate, values):
        part = 0.0
        for _, value in tile:
            part += value
        result += part
    return result


def variance(aggregate, values):
    """Welford within a tile, then tiles merged oldest first (Chan, Golub and LeVeque)."""
    n, mean, m2 = 0, 0.0, 0.0
    for tile in tiles(aggregate, values):
        n2, mean2, m22 = 0, 0.0, 0.0
        for _, value in tile:
            n2 += 1
            delta = value - mean2
            mean2 += delta / n2
            m22 += delta * (value - mean2)
        delta = mean2 - mean
        mean += delta * n2 / (n + n2)
        m2 += m22 + delta * delta * n * n2 / (n + n2)
        n += n2
    return m2 / (n - 1) if n > 1 else None


def deviation(aggregate, values):
    found = variance(aggregate, values)
    return None if found is None else math.sqrt(found)


def power_of_two(part: int, whole: int) -> float:
    x, scale = part / whole, 1.0
    if x > 0.5:
        x, scale = x - 1.0, 2.0
    s = x * x
    p = x * ((2.30933477057345225087e-2 * s + 2.02020656693165307700e1) * s + 1.51390680115615096133e3)
    q = (s + 2.33184211722314911771e2) * s + 4.36821166879210612817e3
    return scale * (1.0 + 2.0 * (p / (q - p)))


def halved(value: float, times: int) -> float:
    return math.ldexp(value, -times) if times <= 1022 else 0.0


def weighed(rows):
    """Add (half-life, weight, weighted value) up; the newest half-life is the common one."""
    newest, weights, weighted = rows[0]
    for half_life, weight, value in rows[1:]:
        if half_life > newest:
            weights, weighted = halved(weights, half_life - newest), halved(weighted, half_life - newest)
            newest = half_life
        weights += halved(weight, newest - half_life)
        weighted += halved(value, newest - half_life)
    return newest, weights, weighted


def decayed(aggregate, values, instant):
    """Weights as of the epoch, 2 ** (at / half_life), then brought to the window's end."""
    whole = aggregate.half_life
    sums = []
    for tile in tiles(aggregate, values):
        rows = []
        for at, value in tile:
            weight = power_of_two(at % whole, whole)
            rows.append((at // whole, weight, value * weight))
        sums.append(weighed(rows))
    newest, weights, weighted = weighed(sums)
    if aggregate.op == "mean":
        return weighted / weights
    end = instant - aggregate.delay
    return halved(weights if aggregate.op == "count" else weighted, end // whole - newest) / power_of_two(
        end % whole, whole
    )


def rate(aggregate, values, instant):
    span = aggregate.window
    if not aggregate.delay:
        span = instant - (instant - aggregate.window) // aggregate.hop * aggregate.hop
    return len(values) / (span / 1e6)
