"""Reading a state at an instant (compiled): fold each window's tiles oldest to newest, then finish."""

from __future__ import annotations

import math

from tidewheel.kernel._jit import Array, Word, as_float, as_word, inner
from tidewheel.kernel.layouts.layout import (
    C_FEATURE_AT,
    C_FEATURES,
    C_STATE,
    C_TRACK_AT,
    C_WINDOW_AT,
    C_WINDOWS,
    COUNT,
    DECAY,
    DISTINCT,
    F_CELL,
    F_COUNT,
    F_DECAYED_COUNT,
    F_DEFAULT,
    F_DISTINCT,
    F_EXTREME,
    F_LAST,
    F_MEAN,
    F_OP,
    F_OTHER,
    F_PLACE,
    F_RATE,
    F_SINCE,
    F_STD,
    F_SUM,
    F_VAR,
    F_WORDS,
    FIRST,
    FOREVER,
    H_HORIZON,
    H_KERNEL,
    H_LAYOUT,
    H_LENGTH,
    H_STATE,
    HEADER,
    KERNEL_VERSION,
    L_COLUMN,
    L_OP,
    L_TO,
    L_WORDS,
    LAST,
    LAYOUT_VERSION,
    LOSSES,
    MAX,
    MIN,
    MOMENTS,
    NEVER,
    NULL_BITS,
    OLDEST,
    QUANTILES,
    SPAN,
    SUM,
    T_HOP,
    T_KIND,
    T_WIDTH,
    T_WORDS,
    W_CELL_AT,
    W_CELLS,
    W_DELAY,
    W_LOST,
    W_TRACK,
    W_WIDTH,
    W_WORDS,
)
from tidewheel.kernel.windows.decay import finish_decayed, fold_decayed
from tidewheel.kernel.windows.rows import first_row
from tidewheel.kernel.windows.sets import count_set
from tidewheel.kernel.windows.sketches import read_sketch

OK, BELOW_HORIZON, NOT_THIS_STATE = range(3)


@inner
def check_blob(code: Array, w: Array, base: int, length: int) -> int:
    """Tell whether the words at `base` are a state of this layout (or none at all)."""
    if length == 0:
        return OK
    if length < HEADER or w[base + H_LENGTH] != length:
        return NOT_THIS_STATE
    if w[base + H_LAYOUT] != LAYOUT_VERSION or w[base + H_KERNEL] != KERNEL_VERSION:
        return NOT_THIS_STATE
    return OK if w[base + H_STATE] == code[C_STATE] else NOT_THIS_STATE


@inner
def read_state(code: Array, w: Array, base: int, exists: bool, instant: int, cells: Array, out: Array, to: int) -> int:
    """Write the features of the state at `base` as of `instant` to ``out[to:]``; return the status."""
    if exists and instant < w[base + H_HORIZON]:
        for i in range(code[C_FEATURES]):
            out[to + i] = NULL_BITS
        return BELOW_HORIZON
    window = code[C_WINDOW_AT]
    for _ in range(code[C_WINDOWS]):
        lost = code[window + W_LOST]
        if lost == 0 or (lost > 0) == (lost_rows(code, window, w, base, exists, instant, abs(lost) - 1) == 0):
            read_window(code, window, w, base, exists, instant, cells)
        window += W_WORDS
    feature = code[C_FEATURE_AT]
    for i in range(code[C_FEATURES]):
        out[to + i] = finish(code, feature, cells, instant)
        feature += F_WORDS
    return OK


@inner
def lost_rows(code: Array, window: int, w: Array, base: int, exists: bool, instant: int, k: int) -> Word:
    """Return how many rows the exact track of a window has lost; 0 when it reaches back to none of them."""
    if not exists or w[base + HEADER + 2 * k + 1] == 0:
        return 0
    row = base + w[base + HEADER + 2 * k]
    return w[row + 2] if w[row + 1] >= instant - code[window + W_DELAY] - code[window + W_WIDTH] else 0


@inner
def read_window(code: Array, window: int, w: Array, base: int, exists: bool, instant: int, cells: Array) -> None:
    """Fold the tiles of one window into its cells."""
    k = code[window + W_TRACK]
    track = code[C_TRACK_AT] + k * T_WORDS
    hop = code[track + T_HOP]
    width = code[track + T_WIDTH]
    first, end = NEVER, FOREVER
    if hop > 0:
        delay = code[window + W_DELAY]
        first = (instant - delay - code[window + W_WIDTH]) // hop
        if delay > 0:
            end = (instant - delay) // hop
    start = base + w[base + HEADER + 2 * k] if exists else 0
    rows = w[base + HEADER + 2 * k + 1] if exists else 0
    cell = code[window + W_CELL_AT]
    if code[cell + L_OP] == DISTINCT:
        cells[code[cell + L_TO]] = as_word(count_set(w, start, rows, first, end, code[cell + L_COLUMN]))
        return
    if code[cell + L_OP] == LOSSES:
        cells[code[cell + L_TO]] = lost_rows(code, window, w, base, exists, instant, k)
        return
    if code[track + T_KIND] >= QUANTILES:
        for _ in range(code[window + W_CELLS]):
            asked, to = code[cell + L_COLUMN], code[cell + L_TO]
            read_sketch(code, track, w, start, rows, first, end, asked, cells, to)
            cell += L_WORDS
        return
    low = first_row(w, start, rows, width, first)
    high = rows if end == FOREVER else first_row(w, start, rows, width, end)
    span = code[window + W_WIDTH] if end != FOREVER else instant - first * hop
    fold_cells(code, cell, code[window + W_CELLS], span, w, start + low * width, high - low, width, cells)


@inner
def fold_cells(
    code: Array, cell: int, left: int, span: int, w: Array, start: int, rows: int, width: int, cells: Array
) -> None:
    """Fold the `left` cells from `cell` on over `rows` rows of a track, the first at `start`."""
    while left > 0:
        op, to = code[cell + L_OP], code[cell + L_TO]
        column, beside = start + code[cell + L_COLUMN], cell + L_WORDS
        paired = op in (COUNT, MIN) and left > 1 and code[beside + L_OP] == op + 1
        if op == SPAN:
            cells[to] = span
        elif paired:
            fold_pair(op, w, column, start + code[beside + L_COLUMN], rows, width, cells, to, code[beside + L_TO])
        else:
            fold_cell(op, w, column, rows, width, cells, to)
        cell += (1 + paired) * L_WORDS
        left -= 1 + paired


@inner
def fold_cell(op: int, w: Array, column: int, rows: int, width: int, cells: Array, to: int) -> None:
    """Fold one accumulator over `rows` rows, the first at `column`, oldest to newest."""
    if op == COUNT:
        count = 0
        for i in range(rows):
            count += w[column + i * width]
        cells[to] = count
    elif op == SUM:
        total = 0.0
        for i in range(rows):
            total += as_float(w[column + i * width])
        cells[to] = as_word(total)
    elif op in (MIN, MAX):
        cells[to] = as_word(fold_extreme(op, w, column, rows, width))
    elif op == MOMENTS:
        fold_moments(w, column, rows, width, cells, to)
    elif op == FIRST:
        cells[to] = FOREVER
        for i in range(rows):
            if w[column + i * width] != FOREVER:
                cells[to] = w[column + i * width]
                cells[to + 1] = w[column + i * width + 2]
                break
    elif op == OLDEST:
        cells[to] = FOREVER
        for i in range(rows):
            cells[to] = min(cells[to], w[column + i * width])
    elif op == DECAY:
        fold_decayed(w, column, rows, width, cells, to)
    else:
        cells[to] = NEVER
        for i in range(rows - 1, -1, -1):
            if w[column + i * width] != NEVER:
                cells[to] = w[column + i * width]
                if op == LAST:
                    cells[to + 1] = w[column + i * width + 2]
                break


@inner
def fold_pair(
    op: int, w: Array, column: int, other: int, rows: int, width: int, cells: Array, to: int, other_to: int
) -> None:
    """Do as `fold_cell` does of two accumulators in one pass: a count and a sum, or a least and a greatest."""
    if op == COUNT:
        count, total = 0, 0.0
        for i in range(rows):
            count += w[column + i * width]
            total += as_float(w[other + i * width])
        cells[to] = count
        cells[other_to] = as_word(total)
        return
    least, greatest = as_float(NULL_BITS), as_float(NULL_BITS)
    for i in range(rows):
        low, high = as_float(w[column + i * width]), as_float(w[other + i * width])
        least = low if not (least <= low) and low == low else least
        greatest = high if not (greatest >= high) and high == high else greatest
    cells[to] = as_word(least)
    cells[other_to] = as_word(greatest)


@inner
def fold_extreme(op: int, w: Array, column: int, rows: int, width: int) -> Word:
    """Return the least (greatest) of a column; NaN when there is none."""
    best = as_float(NULL_BITS)
    if op == MIN:
        for i in range(rows):
            value = as_float(w[column + i * width])
            if not (best <= value) and value == value:
                best = value
        return best
    for i in range(rows):
        value = as_float(w[column + i * width])
        if not (best >= value) and value == value:
            best = value
    return best


@inner
def fold_moments(w: Array, column: int, rows: int, width: int, cells: Array, to: int) -> None:
    """Merge (n, mean, sum of squared deviations) of rows as Chan, Golub and LeVeque do (1979)."""
    n, mean, m2 = 0, 0.0, 0.0
    for i in range(rows):
        at = column + i * width
        more = w[at]
        if more == 0:
            continue
        delta = as_float(w[at + 1]) - mean
        both = n + more
        mean += delta * more / both
        m2 += as_float(w[at + 2]) + delta * delta * n * more / both
        n = both
    cells[to] = n
    cells[to + 1] = as_word(mean)
    cells[to + 2] = as_word(m2)


@inner
def finish(code: Array, feature: int, cells: Array, instant: int) -> Word:
    """Return a feature's word from its cells."""
    op = code[feature + F_OP]
    a = cells[code[feature + F_CELL]]
    default = code[feature + F_DEFAULT]
    if op in (F_SUM, F_MEAN):
        n = cells[code[feature + F_OTHER]]
        if n == 0:
            return default
        return a if op == F_SUM else as_word(as_float(a) / n)
    if op == F_COUNT:
        return default if a == 0 else as_word(float(a))
    if op == F_EXTREME:
        return a if as_float(a) == as_float(a) else default
    if op == F_DISTINCT:
        return a if as_float(a) != 0.0 else default
    if op == F_PLACE:
        other = code[feature + F_OTHER]
        return cells[other] if other - code[feature + F_CELL] <= a else default
    if op in (F_STD, F_VAR):
        if a < 2:
            return default
        variance = as_float(cells[code[feature + F_CELL] + 2]) / (a - 1)
        return as_word(math.sqrt(variance) if op == F_STD else variance)
    if op == F_SINCE:
        return default if a in (NEVER, FOREVER) else as_word((instant - a) / 1e6)
    if op == F_RATE:
        return default if a == 0 else as_word(a / (cells[code[feature + F_OTHER]] / 1e6))
    if op >= F_DECAYED_COUNT:
        return finish_decayed(code, feature, cells, instant)
    if op == F_LAST:
        return default if a == NEVER else cells[code[feature + F_CELL] + 1]
    return default if a == FOREVER else cells[code[feature + F_CELL] + 1]
