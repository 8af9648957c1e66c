"""How much more each part of the rows loses than all others, and by what chance: every part of a cut at once.

The difference of two means of a row's loss, with Welch's error where rows are drawn alone, and with the error of the
blocks' sums where rows of a block are alike (Liang and Zeger 1986): a block counts once, however many rows it has.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LEAST_BLOCKS = 20
"""Blocks in a part, and outside of it, below which nothing is said of chance."""


class Compared(NamedTuple):
    """One value a part.

    Attributes
    ----------
    rows : int64 array
    worse : float64 array
        Mean loss above that of all other rows, in standard deviations (Cohen's d); positive is worse.
    p : float64 array
        Chance of such a difference, or a greater one, where there is none; NaN for too few blocks.
    """

    rows: Ints
    worse: Floats
    p: Floats


def compare_parts(loss: Floats, codes: Ints, parts: int, block: Ints | None = None) -> Compared:
    """Compare each part with all other rows.

    Parameters
    ----------
    loss : float64 array, shape (n,)
    codes : int64 array, shape (n,)
        The part of each row, -1 for none.
    parts : int
    block : int64 array, shape (n,), optional
        Block of each row, numbered from 0 without gaps.

    Examples
    --------
    >>> found = compare_parts(np.array([1.0, 1.1, 0.9, 0.1, 0.2, 0.0]), np.array([0, 0, 0, 1, 1, 1]), 2)
    >>> found.rows.tolist(), (found.p < 0.01).tolist()
    ([3, 3], [True, False])
    """
    inside = np.bincount(codes + 1, minlength=parts + 1)[1:]
    total, squares = _sums(loss, codes, parts), _sums(loss * loss, codes, parts)
    rest = loss.size - inside
    with np.errstate(divide="ignore", invalid="ignore"):  # an empty part, or all rows: NaN
        mean, variance = _moments(total, squares, inside)
        other, other_variance = _moments(float(loss.sum()) - total, float(loss @ loss) - squares, rest)
        error = variance / inside + other_variance / rest
        if block is not None:
            error = _error_of_blocks(loss, codes, block, np.stack([total, inside, rest, mean, other]))
        worse = (mean - other) / np.sqrt((variance + other_variance) / 2.0)
        z = (mean - other) / np.sqrt(error)
    return Compared(inside, np.nan_to_num(worse), np.array([0.5 * math.erfc(v / math.sqrt(2.0)) for v in z.tolist()]))


def _sums(of: Floats, codes: Ints, parts: int) -> Floats:
    return np.bincount(codes + 1, of, minlength=parts + 1)[1:].astype(np.float64)


def _moments(total: Floats, squares: Floats, n: Ints) -> tuple[Floats, Floats]:
    mean = total / n
    return mean, np.maximum(0.0, squares / n - mean * mean) * n / (n - 1)


def _error_of_blocks(loss: Floats, codes: Ints, block: Ints, known: Floats) -> Floats:
    """Return the squared error of each part's difference: the sum of squares of what each block adds to it.

    A block adds ``a - d``: `a` is 0 unless it has rows in the part, `d` is what it would add if it had none. So only
    the pairs of block and part that there are need be looked at.
    """
    _, n, m, mean, other = known
    blocks, parts = int(block.max()) + 1, n.size
    pair, place = np.unique(block * (parts + 1) + codes + 1, return_inverse=True)
    of_block, of_part = np.divmod(pair, parts + 1)
    sums, rows = np.bincount(place, loss), np.bincount(place).astype(np.float64)
    all_sums, all_rows = np.bincount(of_block, sums), np.bincount(of_block, rows)
    taken = of_part > 0
    at, part = of_block[taken], of_part[taken] - 1
    a = sums[taken] * (1.0 / n + 1.0 / m)[part] - rows[taken] * (mean / n + other / m)[part]
    d = (all_sums[at] - other[part] * all_rows[at]) / m[part]
    alone = all_sums @ all_sums - 2.0 * other * (all_sums @ all_rows) + other * other * (all_rows @ all_rows)
    found = (np.bincount(part, a * (a - 2.0 * d), minlength=parts) + alone / (m * m)) * blocks / (blocks - 1)
    within = np.bincount(part, minlength=parts)
    whole = np.bincount(part, rows[taken] == all_rows[at], minlength=parts)
    return np.where((within >= LEAST_BLOCKS) & (blocks - whole >= LEAST_BLOCKS), np.maximum(found, 0.0), np.nan)
