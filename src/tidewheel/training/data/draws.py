"""Numbers from 0 to 1 that follow from a row's name and a seed alone: the same anywhere, in any order of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.features.words import one_array
from tidewheel.kernel import hash_strings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ODD = np.uint64(0x9E3779B97F4A7C15)


def names_of(column: pa.Array | pa.ChunkedArray, instead: Ints | None = None) -> Ints:
    """Return the hash of each value, written as text; that of `instead` where there is none, else 0."""
    array = one_array(column)
    if not (pa.types.is_string(array.type) or pa.types.is_dictionary(array.type)):
        array = array.cast(pa.string())
    hashes = np.asarray(hash_strings(array), dtype=np.int64)
    return hashes if instead is None else np.where(hashes == 0, instead, hashes)


def uniforms(hashes: Ints, seed: int, salt: int = 0) -> Floats:
    """Return a number in [0, 1) for each hash; other seeds or salts give numbers that have nothing to do with it.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014), twice: over seed and salt, and over the hash.

    Examples
    --------
    >>> draws = uniforms(names_of(pa.array([f"p{i}" for i in range(10_000)])), seed=7)
    >>> bool(abs(draws.mean() - 0.5) < 0.01), draws[3] == uniforms(names_of(pa.array(["p3"])), seed=7)[0]
    (True, np.True_)
    """
    with np.errstate(over="ignore"):
        start = _mixed(np.array([seed], np.int64).view(np.uint64) * _ODD + np.uint64(salt))
        mixed = _mixed(hashes.view(np.uint64) ^ start)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _mixed(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    words = words + _ODD
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(words ^ (words >> np.uint64(31)))
