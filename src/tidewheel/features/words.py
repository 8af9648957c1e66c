"""Columns and single values as the kernel's 8-byte words, and back.

Numbers, booleans (0/1) and times (microseconds) are float64 with one canonical NaN for null;
strings are 64-bit hashes viewed as float64, 0 for null.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.errors import FeatureError
from tidewheel.kernel import hash_strings, hash_text

Words = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FEW = 8
"""Up to so many, a loop is faster than arrays."""


def microseconds(time: datetime) -> int:
    """Return a zoned time as whole microseconds since 1970, UTC.

    Examples
    --------
    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (time - EPOCH) // MICROSECOND


def number(value: object) -> float:
    """Return a column value that is no string as a word; null and NaN as the canonical NaN."""
    if value is None:
        return np.nan
    if isinstance(value, datetime):
        return float(microseconds(value))
    word = float(value)  # type: ignore[arg-type]  # numbers and booleans only: rows are checked at the door
    return word if word == word else np.nan


def text_word(text: str | None) -> float:
    """Return a string as a word: its hash's bits, seen as a float."""
    hash = 0 if text is None else hash_text(text)
    return float(np.array([hash], np.int64).view(np.float64)[0])


def to_words(column: pa.Array | pa.ChunkedArray, text: bool) -> Words:
    """Return a whole column as words."""
    array = one_array(column)
    return hashes_of(array).view(np.float64) if text else numbers_of(array)


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, its chunks joined."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def hashes_of(texts: pa.Array) -> Hashes:
    """Return the hash of each string, 0 for null; a dictionary is hashed once a value."""
    if pa.types.is_dictionary(texts.type):
        table: Hashes = np.append(hashes_of(texts.dictionary), np.int64(0))
        codes = texts.indices.fill_null(len(texts.dictionary)).to_numpy(zero_copy_only=False)
        found: Hashes = table[codes]
        return found
    if not pa.types.is_string(texts.type):
        texts = texts.cast(pa.string())
    return np.ascontiguousarray(hash_strings(texts), dtype=np.int64)


def numbers_of(column: pa.Array) -> Words:
    """Return numbers, booleans and times as float64, null as the canonical NaN."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64())
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    elif pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    words = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return canonical(words)


def canonical(words: Words) -> Words:
    """Return `words` with every NaN made the canonical one; copies only when it must."""
    missing = np.isnan(words)
    if not missing.any():
        return np.ascontiguousarray(words)
    words = words.copy()
    words[missing] = np.nan
    return words


class Texts:
    """The strings behind hashes, for results that are strings.

    Parameters
    ----------
    lookup : callable, optional
        Asked for the string of a hash that is not known yet; None when there is none.

    Examples
    --------
    >>> texts = Texts()
    >>> texts.add(pa.array(["SE", "NO", None]))
    >>> texts.strings(hashes_of(pa.array(["NO", None])))
    array(['NO', None], dtype=object)
    """

    def __init__(self, lookup: Callable[[int], str | None] | None = None) -> None:
        self._of: dict[int, str] = {}
        self._lookup = lookup

    def __len__(self) -> int:
        return len(self._of)

    def clear(self) -> None:
        """Forget every string."""
        self._of.clear()

    def add(self, texts: pa.Array | pa.ChunkedArray) -> None:
        """Remember the strings of a column."""
        array = one_array(texts)
        distinct = array.dictionary if pa.types.is_dictionary(array.type) else pc.unique(array)
        distinct = distinct.drop_null()
        self._of.update(zip(hashes_of(distinct).tolist(), distinct.to_pylist(), strict=True))

    def add_one(self, hash: int, text: str) -> None:
        """Remember one string by its hash."""
        self._of[hash] = text

    def all(self) -> dict[int, str]:
        """Return every string that is known, by its hash."""
        return dict(self._of)

    def known(self, hash: int) -> str | None:
        """Return the string of `hash` when it is known, else None."""
        return self._of.get(hash)

    def string(self, hash: int) -> str | None:
        """Return the string of `hash`; None for 0.

        Raises
        ------
        FeatureError
            When nobody knows the string.
        """
        if hash == 0:
            return None
        text = self._of.get(hash)
        if text is None:
            text = self._lookup(hash) if self._lookup is not None else None
            if text is None:
                raise FeatureError(
                    f"no string is stored for the hash {hash}",
                    remedy="rebuild the state from the log: its strings were lost",
                )
            self._of[hash] = text
        return text

    def strings(self, hashes: Hashes) -> npt.NDArray[np.object_]:
        """Return the strings of many hashes, None for 0."""
        if len(hashes) <= FEW:
            found = np.empty(len(hashes), dtype=object)
            found[:] = [self.string(hash) for hash in hashes.tolist()]
            return found
        distinct, codes = np.unique(hashes, return_inverse=True)
        table = np.empty(len(distinct), dtype=object)
        table[:] = [self.string(hash) for hash in distinct.tolist()]
        return table[codes]
