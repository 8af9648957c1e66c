"""Text and numbers as 64-bit words, the same in every process, on every machine, for ever.

Text is hashed with XXH64 (seed 0; Collet, xxhash specification) of its UTF-8 bytes. The word 0 is
the null, so a text that really hashes to 0 gets 1.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidewheel.errors import InputError
from tidewheel.kernel._jit import Array, Word, as_word, entry, inner
from tidewheel.kernel.states.events import fixed
from tidewheel.kernel.threads import in_chunks, pieces

Words = NDArray[np.int64]

_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_P3 = np.uint64(0x165667B19E3779F9)
_P4 = np.uint64(0x85EBCA77C2B2AE63)
_P5 = np.uint64(0x27D4EB2F165667C5)
_KNOWN_LIMIT = 1 << 18
_known: dict[str, int] = {}


def hash_text(text: str | None) -> int:
    """Return the word of one text; 0 for None.

    Texts seen lately are remembered (at most 262,144, of at most 64 characters).

    Examples
    --------
    >>> hash_text("SE")
    6522492192635606312
    >>> hash_text(None)
    0
    """
    if text is None:
        return 0
    word = _known.get(text)
    if word is None:
        word = int(_hash_one(np.frombuffer(text.encode() or b"\0", np.uint8), len(text.encode())))
        if len(text) <= 64:
            if len(_known) >= _KNOWN_LIMIT:
                _known.clear()
            _known[text] = word
    return word


def hash_strings(texts: pa.Array | pa.ChunkedArray | Sequence[str | None]) -> Words:
    """Return the words of many texts; null gives 0.

    Parameters
    ----------
    texts : pyarrow.Array, pyarrow.ChunkedArray or sequence of str
        Any string type of Arrow, dictionary-encoded or not, sliced or not.

    Returns
    -------
    int64[n]

    Raises
    ------
    InputError
        When an Arrow array holds something else than strings.

    Examples
    --------
    >>> hash_strings(["SE", None]).tolist() == [hash_text("SE"), 0]
    True
    """
    if isinstance(texts, pa.ChunkedArray):
        parts = [hash_strings(chunk) for chunk in texts.chunks]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)
    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    if pa.types.is_null(array.type):
        return np.zeros(len(array), np.int64)
    if pa.types.is_dictionary(array.type):
        return _hash_dictionary(array)
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        array = _as_large(array)
    return _hash_array(array)


def _as_large(array: Any) -> Any:
    if not pa.types.is_string_view(array.type):
        raise InputError(f"expected strings, found {array.type}", remedy="cast the column to string")
    return array.cast(pa.large_string())


def _hash_dictionary(array: Any) -> Words:
    """Hash each value of the dictionary once."""
    words = np.append(hash_strings(array.dictionary), 0)
    codes = array.indices.cast(pa.int64()).fill_null(len(words) - 1)
    picked: Words = words[codes.to_numpy(zero_copy_only=False)]
    return picked


def _hash_array(array: Any) -> Words:
    validity, offsets, data = array.buffers()
    n, shift = len(array), array.offset
    if n == 0:
        return np.zeros(0, np.int64)
    kind = np.int64 if pa.types.is_large_string(array.type) else np.int32
    bounds = np.frombuffer(offsets, kind, n + 1, shift * np.dtype(kind).itemsize)
    bits = np.frombuffer(validity if validity is not None and array.null_count else b"", np.uint8)
    out = np.empty(n, np.int64)
    text = np.frombuffer(data if data is not None else b"", np.uint8)
    places = fixed(bounds, np.int64)
    in_chunks(pieces(n), lambda first, end: _hash_many(text, places, bits, shift, first, end, out))
    return out


def hash_numbers(numbers: NDArray[np.float64]) -> Words:
    """Return words for counting distinct numbers: equal numbers equal words, null (NaN) 0.

    Examples
    --------
    >>> hash_numbers(np.array([0.0, -0.0, np.nan])).tolist()[1:] == [hash_numbers(np.zeros(1))[0], 0]
    True
    """
    out = np.empty(len(numbers), np.int64)
    source = fixed(numbers, np.float64)
    in_chunks(pieces(len(out)), lambda first, end: _hash_numbers(source, first, end, out))
    return out


def partition_of(key: bytes, k: int) -> int:
    """Return which of `k` partitions a state's key lives in.

    Examples
    --------
    >>> partition_of(b"c42", 2)
    0
    """
    return zlib.crc32(key) % k


@inner
def hash_number(number: float) -> Word:
    """Mix a number's bits (the finaliser of MurmurHash3); NaN gives 0, both zeros the same."""
    if number != number:
        return 0
    h = np.uint64(as_word(number + 0.0)) ^ _P5
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    h = h ^ (h >> np.uint64(33))
    return np.int64(h) if h != 0 else 1


@inner
def _rotate(x: Any, bits: int) -> Any:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@inner
def _round(lane: Any, word: Any) -> Any:
    return _rotate(lane + word * _P2, 31) * _P1


@inner
def _load(data: Array, at: int, size: int) -> Any:
    """Return `size` little-endian bytes."""
    word = np.uint64(0)
    for i in range(size):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word


@inner
def _xxh64(data: Array, at: int, end: int) -> Word:
    size = end - at
    if size >= 32:
        a, b, c, d = _P1 + _P2, _P2, np.uint64(0), np.uint64(0) - _P1
        while at + 32 <= end:
            a = _round(a, _load(data, at, 8))
            b = _round(b, _load(data, at + 8, 8))
            c = _round(c, _load(data, at + 16, 8))
            d = _round(d, _load(data, at + 24, 8))
            at += 32
        h = _rotate(a, 1) + _rotate(b, 7) + _rotate(c, 12) + _rotate(d, 18)
        for lane in (a, b, c, d):
            h = (h ^ _round(np.uint64(0), lane)) * _P1 + _P4
    else:
        h = _P5
    h += np.uint64(size)
    while at + 8 <= end:
        h = _rotate(h ^ _round(np.uint64(0), _load(data, at, 8)), 27) * _P1 + _P4
        at += 8
    if at + 4 <= end:
        h = _rotate(h ^ (_load(data, at, 4) * _P1), 23) * _P2 + _P3
        at += 4
    while at < end:
        h = _rotate(h ^ (np.uint64(data[at]) * _P5), 11) * _P1
        at += 1
    h = (h ^ (h >> np.uint64(33))) * _P2
    h = (h ^ (h >> np.uint64(29))) * _P3
    h = h ^ (h >> np.uint64(32))
    return np.int64(h) if h != 0 else 1


@entry
def _hash_one(data: Array, size: int) -> Word:
    return _xxh64(data, 0, size)


@entry
def _hash_many(data: Array, bounds: Array, validity: Array, shift: int, first: int, end: int, out: Array) -> None:
    for i in range(first, end):
        at = i + shift
        if len(validity) > 0 and not (validity[at >> 3] >> (at & 7)) & 1:
            out[i] = 0
        else:
            out[i] = _xxh64(data, bounds[i], bounds[i + 1])


@entry
def _hash_numbers(numbers: Array, first: int, end: int, out: Array) -> None:
    for i in range(first, end):
        out[i] = hash_number(numbers[i])
