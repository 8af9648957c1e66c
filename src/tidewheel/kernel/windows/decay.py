"""Sums in which a row's weight halves with its age (compiled).

A row of age ``a`` weighs ``2 ** (-a / h)``, so the weights of all rows change with every microsecond.
What is kept does not: each row is weighed as of the epoch, ``2 ** (at / h)``, of which the whole part
goes to an exponent that all rows of an accumulator share: ``[newest half-life, weights, weighted values]``.
The shared exponent is the newest row's; moving it multiplies by a power of two, which is exact. So
the order in which rows come matters as much as in any floating-point sum, and no more, and a late
row needs no special care. What weighs less than 2**-1022 of the newest row counts as nothing.

The fraction's power is a rational function (Cephes' ``exp2``: Moshier, 1989) of + - x / alone, hence the
same bits on every machine: within 2 units in the last place.
"""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, as_float, as_word, inner
from tidewheel.kernel.layouts.layout import (
    B_COLUMN,
    B_SLOT,
    B_WORDS,
    C_TRACK_AT,
    F_CELL,
    F_DECAYED_COUNT,
    F_DECAYED_MEAN,
    F_DEFAULT,
    F_OP,
    F_WINDOW,
    NEVER,
    T_BUNDLE_AT,
    T_BUNDLES,
    T_K,
    T_WORDS,
    W_DELAY,
    W_TRACK,
)


@inner
def power_of_two(part: int, whole: int) -> float:
    """Return ``2 ** (part / whole)`` for 0 <= part < whole."""
    x = part / whole
    scale = 1.0
    if x > 0.5:
        x -= 1.0
        scale = 2.0
    square = x * x
    p = x * ((2.30933477057345225087e-2 * square + 2.02020656693165307700e1) * square + 1.51390680115615096133e3)
    q = (square + 2.33184211722314911771e2) * square + 4.36821166879210612817e3
    return scale * (1.0 + 2.0 * (p / (q - p)))


@inner
def halved(value: float, times: int) -> float:
    """Return ``value / 2 ** times``; exact, and 0 for more than 1022 times."""
    if times > 1022:
        return 0.0
    scale: float = as_float((1023 - max(times, -1023)) << 52)
    return value * scale


@inner
def add_decayed(w: Array, column: int, half_life: int, weight: float, weighted: float) -> None:
    """Add weights as of the beginning of one half-life to an accumulator."""
    newest = w[column]
    if newest == NEVER:
        w[column] = half_life
        w[column + 1] = as_word(weight)
        w[column + 2] = as_word(weighted)
    elif half_life > newest:
        w[column] = half_life
        w[column + 1] = as_word(halved(as_float(w[column + 1]), half_life - newest) + weight)
        w[column + 2] = as_word(halved(as_float(w[column + 2]), half_life - newest) + weighted)
    else:
        w[column + 1] = as_word(as_float(w[column + 1]) + halved(weight, newest - half_life))
        w[column + 2] = as_word(as_float(w[column + 2]) + halved(weighted, newest - half_life))


@inner
def decay(code: Array, track: int, w: Array, row: int, at: int, slots: Array, first: int) -> None:
    """Fold one event's slots into a row of decayed sums."""
    whole = code[track + T_K]
    half_life = at // whole
    weight = power_of_two(at - half_life * whole, whole)
    bundle = code[track + T_BUNDLE_AT]
    for _ in range(code[track + T_BUNDLES]):
        slot = code[bundle + B_SLOT]
        value = as_float(slots[first + slot]) if slot >= 0 else 0.0
        if value == value:
            add_decayed(w, row + code[bundle + B_COLUMN], half_life, weight, value * weight)
        bundle += B_WORDS


@inner
def fold_decayed(w: Array, column: int, rows: int, width: int, cells: Array, to: int) -> None:
    """Add up the decayed sums of some rows, oldest to newest."""
    cells[to] = NEVER
    for i in range(rows):
        at = column + i * width
        if w[at] != NEVER:
            add_decayed(cells, to, w[at], as_float(w[at + 1]), as_float(w[at + 2]))


@inner
def finish_decayed(code: Array, feature: int, cells: Array, instant: int) -> Word:
    """Return a decayed count, sum or mean as of the window's end: the instant, less the delay."""
    op = code[feature + F_OP]
    cell = code[feature + F_CELL]
    if cells[cell] == NEVER:
        return code[feature + F_DEFAULT]
    weights, weighted = as_float(cells[cell + 1]), as_float(cells[cell + 2])
    if op == F_DECAYED_MEAN:
        return as_word(weighted / weights)
    window = code[feature + F_WINDOW]
    whole = code[code[C_TRACK_AT] + code[window + W_TRACK] * T_WORDS + T_K]
    end = instant - code[window + W_DELAY]
    half_life = end // whole
    total = weights if op == F_DECAYED_COUNT else weighted
    return as_word(halved(total, half_life - cells[cell]) / power_of_two(end - half_life * whole, whole))
