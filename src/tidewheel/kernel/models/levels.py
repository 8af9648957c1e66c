"""Categories as codes: what a learner sees of a text column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidewheel.kernel._jit import Array, Word, entry, inner
from tidewheel.kernel.layouts.layout import NULL_BITS
from tidewheel.kernel.words.hashing import hash_strings

Words = NDArray[np.int64]


def level_tables(levels: Sequence[Sequence[str] | None]) -> Words:
    """Pack the levels of each column for `encode_levels`.

    Parameters
    ----------
    levels : sequence
        For each column its category levels, code 0 first; None for a column of numbers, which passes as it is.

    Returns
    -------
    int64[:]
        Number of columns; per column where its (hash, code) pairs begin and how many (-1: numbers).

    Examples
    --------
    >>> words = np.array([[hash_strings(["no"])[0], 0, hash_strings(["?"])[0]]]).view(np.float64).T.copy()
    >>> encode_levels(words, level_tables([["se", "no"]])).T.tolist()
    [[1.0, nan, 2.0]]
    """
    head: list[int] = [len(levels)]
    pairs: list[Words] = []
    at = 1 + 2 * len(levels)
    for column in levels:
        head += [at, -1 if column is None else len(column)]
        if column:
            hashes = hash_strings(list(column))
            order = np.argsort(hashes, kind="stable")
            pairs.append(np.stack([hashes[order], order], axis=1).reshape(-1))
            at += 2 * len(column)
    tables = np.concatenate([np.array(head, np.int64), *pairs]).astype(np.int64)
    tables.flags.writeable = False
    return tables


def encode_levels(words: NDArray[np.float64], tables: Words) -> NDArray[np.float64]:
    """Turn text words into category codes; unseen text gets the number of levels, null stays null (NaN).

    Parameters
    ----------
    words : float64[n, f]
    tables : int64[:]
        Of `level_tables`, with f columns.

    Returns
    -------
    float64[n, f]
    """
    out = np.empty(words.shape)
    fill_levels(words, tables, out)
    return out


@entry
def fill_levels(words: Array, tables: Array, out: Array) -> None:
    """Do as `encode_levels` does, into `out`, which may be `words` (compiled; for the request path)."""
    bits = words.view(np.int64)
    target = out.view(np.int64)
    for row in range(len(words)):
        for column in range(tables[0]):
            start = tables[1 + 2 * column]
            n = tables[2 + 2 * column]
            word = bits[row, column]
            if n < 0:
                target[row, column] = word
            elif word == 0:
                target[row, column] = NULL_BITS
            else:
                out[row, column] = code_of(tables, start, n, word)


@inner
def code_of(tables: Array, start: int, n: int, word: int) -> Word:
    """Return the code of a level by binary search; `n` when it is none of them."""
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        if tables[start + 2 * middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < n and tables[start + 2 * low] == word:
        return float(tables[start + 2 * low + 1])
    return float(n)
