"""State blobs side by side, and what their headers say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.kernel.layouts.layout import H_HORIZON, H_KERNEL, H_LAYOUT, H_OFFSET, H_STATE, HEADER

Words = NDArray[np.int64]


class Blobs(NamedTuple):
    """Some states, one after the other.

    Attributes
    ----------
    words : int64[:]
        The blobs.
    starts : int64[n + 1]
        Where each begins. An empty slice is a state that nothing was folded into yet.
    """

    words: Words
    starts: Words

    def blob(self, i: int) -> bytes:
        """Return state `i` as bytes to store; empty when nothing was folded into it."""
        return self.words[self.starts[i] : self.starts[i + 1]].tobytes()


class Header(NamedTuple):
    """What a blob says of itself; for an empty one all are 0."""

    layout_version: int
    kernel_version: int
    state_hash: int
    horizon: int
    """The largest arrival folded so far: instants below it can't be answered from this state."""
    last_offset: int
    """Offset of the event folded last."""


class Headers(NamedTuple):
    """The same of many blobs, as arrays."""

    layout_version: Words
    kernel_version: Words
    state_hash: Words
    horizon: Words
    last_offset: Words


_FIELDS = (H_LAYOUT, H_KERNEL, H_STATE, H_HORIZON, H_OFFSET)

EMPTY_BLOB = np.array([0, 0, 0, HEADER, np.iinfo(np.int64).min, 0], np.int64).tobytes()
"""Stands for "no state yet" where blobs are simply joined, see `read_blobs`."""


def gather(blobs: list[bytes | None] | list[bytes]) -> Blobs:
    """Put stored blobs side by side; None or ``b""`` is a state that doesn't exist yet.

    Examples
    --------
    >>> gather([None, EMPTY_BLOB]).starts.tolist()
    [0, 0, 6]
    """
    starts = np.zeros(len(blobs) + 1, np.int64)
    np.cumsum([0 if blob is None else len(blob) // 8 for blob in blobs], out=starts[1:])
    return Blobs(np.frombuffer(b"".join(blob for blob in blobs if blob), np.int64), starts)


def empty(n: int) -> Blobs:
    """Return `n` states that nothing was folded into."""
    return Blobs(np.zeros(0, np.int64), np.zeros(n + 1, np.int64))


def header(words: Words) -> Header:
    """Read one blob's header."""
    if len(words) < HEADER:
        return Header(0, 0, 0, 0, 0)
    return Header(*(int(words[field]) for field in _FIELDS))


def headers(blobs: Blobs) -> Headers:
    """Read the headers of many blobs at once.

    Examples
    --------
    >>> headers(empty(2)).last_offset.tolist()
    [0, 0]
    """
    starts = blobs.starts[:-1]
    present = blobs.starts[1:] > starts
    columns = []
    for field in _FIELDS:
        column = np.zeros(len(starts), np.int64)
        column[present] = blobs.words[starts[present] + field]
        columns.append(column)
    return Headers(*columns)
