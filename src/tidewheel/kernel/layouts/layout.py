"""From aggregates to the shape of a state: tracks of tiles, and a program that compiled code walks.

A *track* holds the tiles of one (source, hop), one row a tile, oldest first; hop 0 is the whole
life of the entity in one row. A row is ``[tile, accumulators...]``. Aggregates share what they can:
the mean, the sum and the count of a column in three windows of the same hop are two accumulators
of one track. Distinct values have tracks of their own, with rows ``[hash, tile]``; so have decayed
sums, a track per half-life, and the rows that ``exact=True`` keeps, a track per input, each with a
track of one row ``[0, newest instant lost, rows lost]`` beside it.

Everything compiled code needs to know is in one int64 array, ``Layout.code``: passing one array
costs a tenth of a microsecond, passing ten a whole one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LAYOUT_VERSION = 1
"""Version of the blob's shape: header, directory, tracks."""
KERNEL_VERSION = 1
"""Version of what the accumulators mean."""

# A blob's header, in words; the directory of (position, rows) per track follows it.
H_LAYOUT, H_KERNEL, H_STATE, H_LENGTH, H_HORIZON, H_OFFSET, HEADER = range(7)

# The head of Layout.code.
(C_FEATURES, C_TRACKS, C_WINDOWS, C_CELLS, C_STATE, C_SLOTS,
 C_TRACK_AT, C_WINDOW_AT, C_FEATURE_AT, C_BLOB_HEAD, C_WORDS) = range(11)  # fmt: skip
# One track.
(T_KIND, T_SOURCE, T_HOP, T_KEEP, T_WIDTH, T_BUNDLE_AT, T_BUNDLES, T_SLOT, T_K, T_CLEAR_AT, T_FLAGS,
 T_LOST, T_WORDS) = range(13)  # fmt: skip
TILES, RECENT, PAIRS, DECAYS, EXACT, LOST = range(6)
"""Kinds of track: tiles; each value with its latest tile; each value with all its tiles; tiles of decayed
sums (T_K: the half-life); tiles of one microsecond (T_K: at most so many); what did not fit in those."""
QUANTILES, HEAVY, NEWEST_N = range(16, 19)
"""And those of `sketches`, which come last."""
TEXT, DELAYED = 1, 2
"""Flags of a sketch's track: its values are texts; a window ends before now."""
# What a track accumulates of one slot: bit i of the mask is accumulator i; their columns are adjacent.
B_SLOT, B_TEXT, B_MASK, B_COLUMN, B_WORDS = range(5)
COUNT, SUM, MIN, MAX, MOMENTS, FIRST, LAST, NEWEST, OLDEST, DECAY = range(10)
NULL_BITS = 0x7FF8000000000000
"""The canonical NaN: the null of numbers. The null of text is the word 0."""
NEVER = -(1 << 63)
FOREVER = (1 << 63) - 1
CLEAR = ((0,), (0,), (NULL_BITS,), (NULL_BITS,), (0, 0, 0), (FOREVER, 0, 0), (NEVER, 0, 0), (NEVER,),
         (FOREVER,), (NEVER, 0, 0))  # fmt: skip
"""What each accumulator holds before its first value."""
# One window of a track, and one cell: an accumulator folded over the window's tiles.
# W_LOST: 0, or 1 + i for one that is read only while track i has lost nothing of it, -(1 + i) for its stand-in.
W_TRACK, W_WIDTH, W_DELAY, W_CELL_AT, W_CELLS, W_LOST, W_WORDS = range(7)
L_OP, L_COLUMN, L_TO, L_WORDS = range(4)
DISTINCT, SPAN, LOSSES = 16, 17, 18
SKETCH = 32
"""Cells that are no accumulator's: how many values, how long the window is, what was lost of it, what a sketch
answers (it holds what is asked in place of a column)."""
# One feature: how it is finished from its cells; F_WINDOW is where its window is in the code.
F_OP, F_CELL, F_OTHER, F_DEFAULT, F_WINDOW, F_WORDS = range(6)
(F_COUNT, F_SUM, F_MEAN, F_EXTREME, F_STD, F_FIRST, F_LAST, F_SINCE, F_DISTINCT, F_PLACE, F_VAR,
 F_RATE, F_DECAYED_COUNT, F_DECAYED_SUM, F_DECAYED_MEAN) = range(15)  # fmt: skip

LONGEST = 1 << 61


class Layout(NamedTuple):
    """The shape of one group's state, for compiled code.

    Attributes
    ----------
    code : int64[:]
        Tracks, accumulators, windows and features; see the constants of this module.
    n_features : int
    n_slots : int
        Columns that `Events.slots` must have.
    """

    code: NDArray[np.int64]
    n_features: int
    n_slots: int
