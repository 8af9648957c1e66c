"""Reading a state as if one more event had been folded into it: the row that it is read for (compiled)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import StorageError
from tidewheel.kernel._jit import Array, Word, inner
from tidewheel.kernel.layouts.layout import C_TRACK_AT, C_TRACKS, H_OFFSET, T_WIDTH, T_WORDS, Layout
from tidewheel.kernel.states._read import read_state
from tidewheel.kernel.states.events import NOTHING, fixed
from tidewheel.kernel.states.fold import lay_rooms, unpack
from tidewheel.kernel.states.state import apply_event, begin


class Requests(NamedTuple):
    """The rows that some reads are made for, one a read.

    Attributes
    ----------
    source : int8[m]
        Which source's event each is; `NOTHING` for a read of the past alone.
    slots : float64[m, n_slots]
    """

    source: NDArray[np.int8]
    slots: NDArray[np.float64]


def request_columns(layout: Layout, requests: Requests | None, reads: int) -> tuple[Array, Array]:
    """Return the requests' arrays as compiled code takes them."""
    if requests is None:
        return fixed(np.full(reads, NOTHING), np.int8), fixed(np.zeros((0, 1)), np.int64)
    if len(requests.source) != reads or requests.slots.shape != (reads, max(1, layout.n_slots)):
        raise StorageError(f"requests don't fit {reads} reads of {layout.n_slots} slots: {requests.slots.shape}")
    return fixed(requests.source, np.int8), fixed(requests.slots.view(np.int64), np.int64)


@inner
def with_one_more(code: Array, words: int) -> Word:
    """Return the words that a working state of `words` takes at most with one event more."""
    track = code[C_TRACK_AT]
    for _ in range(code[C_TRACKS]):
        words += code[track + T_WIDTH]
        track += T_WORDS
    return words


@inner
def read_asked(
    code: Array,
    w: Array,
    rooms: Array,
    scratch: Array,
    source: int,
    instant: int,
    slots: Array,
    first: int,
    cells: Array,
    out: Array,
    to: int,
) -> Word:
    """Do as `read_state` does of the working state `w`, with a request folded into a copy of it if there is one.

    The request happens and arrives at the instant of the read, after all else.
    """
    if source < 0:
        return read_state(code, w, 0, True, instant, cells, out, to)
    lay_rooms(code, rooms, w, 0, True, 1)
    begin(code, scratch, rooms)
    unpack(code, w, 0, scratch)
    apply_event(code, scratch, rooms, source, instant, instant, w[H_OFFSET] + 1, slots, first, instant)
    return read_state(code, scratch, 0, True, instant, cells, out, to)
