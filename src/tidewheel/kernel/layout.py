"""From aggregates to the shape of a state: tracks of tiles, and a program that compiled code walks.

A *track* holds the tiles of one (source, hop), one row a tile, oldest first; hop 0 is the whole
life of the entity in one row. A row is ``[tile, accumulators...]``. Aggregates share what they can:
the mean, the sum and the count of a column in three windows of the same hop are two accumulators
of one track. Distinct values have tracks of their own, with rows ``[hash, tile]``.

Everything compiled code needs to know is in one int64 array, ``Layout.code``: passing one array
costs a tenth of a microsecond, passing ten a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import DefinitionError

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
T_KIND, T_SOURCE, T_HOP, T_KEEP, T_WIDTH, T_BUNDLE_AT, T_BUNDLES, T_SLOT, T_K, T_CLEAR_AT, T_WORDS = range(11)
TILES, RECENT, PAIRS = range(3)
"""Kinds of track: tiles; each value with its latest tile; each value with all its tiles."""
# What a track accumulates of one slot: bit i of the mask is accumulator i; their columns are adjacent.
B_SLOT, B_TEXT, B_MASK, B_COLUMN, B_WORDS = range(5)
COUNT, SUM, MIN, MAX, MOMENTS, FIRST, LAST, NEWEST = range(8)
NULL_BITS = 0x7FF8000000000000
"""The canonical NaN: the null of numbers. The null of text is the word 0."""
NEVER = -(1 << 63)
FOREVER = (1 << 63) - 1
CLEAR = ((0,), (0,), (NULL_BITS,), (NULL_BITS,), (0, 0, 0), (FOREVER, 0, 0), (NEVER, 0, 0), (NEVER,))
"""What each accumulator holds before its first value."""
# One window of a track, and one cell: an accumulator folded over the window's tiles.
W_TRACK, W_WIDTH, W_DELAY, W_CELL_AT, W_CELLS, W_WORDS = range(6)
L_OP, L_COLUMN, L_TO, L_WORDS = range(4)
DISTINCT = 8
# One feature: how it is finished from its cells.
F_OP, F_CELL, F_OTHER, F_DEFAULT, F_WORDS = range(5)
F_COUNT, F_SUM, F_MEAN, F_EXTREME, F_STD, F_FIRST, F_LAST, F_SINCE, F_DISTINCT = range(9)

LONGEST = 1 << 61


class AggregateSpec(NamedTuple):
    """One feature that is an aggregate over one source.

    Attributes
    ----------
    op : str
        ``count sum mean min max std first last distinct time_since_last``. ``std`` is the sample
        standard deviation (n - 1); null for fewer than two values.
    source : int
        Which source's events it folds.
    slot : int
        Column of `Events.slots` with its input. -1 takes every event of the source (``count`` and
        ``time_since_last`` only). ``distinct`` takes hash words, see `hash_numbers`.
    window, hop, delay : int
        Microseconds; a window of 0 is the whole life of the entity, and has neither hop nor delay.
    default : float
        What an empty window gives, as a word (a text default is its hash's bits). NaN: none.
    exact_to : int
        For ``distinct``: exact up to so many values.
    text : bool
        The slot holds text words (null is the word 0) instead of numbers (null is NaN).
    """

    op: str
    source: int
    slot: int
    window: int = 0
    hop: int = 0
    delay: int = 0
    default: float = float("nan")
    exact_to: int = 256
    text: bool = False


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


_NEEDS: dict[str, tuple[int, ...]] = {
    "count": (COUNT,),
    "sum": (SUM, COUNT),
    "mean": (SUM, COUNT),
    "min": (MIN,),
    "max": (MAX,),
    "std": (MOMENTS,),
    "first": (FIRST,),
    "last": (LAST,),
    "time_since_last": (NEWEST,),
}
_FINISH = {
    "count": F_COUNT, "sum": F_SUM, "mean": F_MEAN, "min": F_EXTREME, "max": F_EXTREME, "std": F_STD,
    "first": F_FIRST, "last": F_LAST, "time_since_last": F_SINCE, "distinct": F_DISTINCT,
}  # fmt: skip

_TrackKey = tuple[int, int, int, int, int]  # kind, source, hop, slot, k (the last two for sets)
_Accumulator = tuple[int, int, bool]  # slot, op, text


def build_layout(specs: Sequence[AggregateSpec], state_hash: int = 1) -> Layout:
    """Lay out the state that answers `specs`.

    The state's shape does not depend on the order of `specs`, nor on repeats among them; the
    features come out in their order.

    Parameters
    ----------
    specs : sequence of AggregateSpec
    state_hash : int
        Names the state (64 bits of its id). A blob of another state is refused by fold and read.

    Raises
    ------
    DefinitionError
        For an unknown operator, a window that is no multiple of its hop, or the like.

    Examples
    --------
    >>> day = 86_400_000_000
    >>> layout = build_layout([AggregateSpec("mean", 0, 0, day, day // 24), AggregateSpec("count", 0, -1)])
    >>> layout.n_features, layout.n_slots
    (2, 1)
    """
    for spec in specs:
        _check(spec)
    tracks: dict[_TrackKey, set[_Accumulator]] = {}
    keep: dict[_TrackKey, int] = {}
    for spec in specs:
        key = _track_key(spec)
        tracks.setdefault(key, set()).update(_accumulators(spec))
        keep[key] = max(keep.get(key, 0), spec.window + spec.delay)
    return _Writer(specs, sorted(tracks), tracks, keep, state_hash).write()


def _check(spec: AggregateSpec) -> None:
    """Refuse what the kernel has no meaning for."""
    problem = ""
    if spec.op not in _FINISH:
        problem = f"unknown aggregate {spec.op!r}; expected one of {', '.join(sorted(_FINISH))}"
    elif spec.slot < 0 and spec.op not in ("count", "time_since_last"):
        problem = f"{spec.op} needs a slot"
    elif min(spec.window, spec.hop, spec.delay) < 0 or spec.window + spec.delay > LONGEST:
        problem = "window, hop and delay must be durations that are not negative"
    elif spec.window == 0 and (spec.hop or spec.delay):
        problem = "an aggregate over the whole life has neither hop nor delay"
    elif spec.window and (spec.hop == 0 or spec.window % spec.hop):
        problem = f"the window of {spec.window} µs is no multiple of its hop of {spec.hop} µs"
    elif spec.op == "distinct" and spec.exact_to < 3:
        problem = f"exact_to={spec.exact_to} is too small for an estimate; at least 3"
    if problem:
        raise DefinitionError(problem, where=f"aggregate {spec.op}")


def _track_key(spec: AggregateSpec) -> _TrackKey:
    if spec.op != "distinct":
        return (TILES, spec.source, spec.hop, 0, 0)
    return (PAIRS if spec.delay else RECENT, spec.source, spec.hop, spec.slot, spec.exact_to)


def _accumulators(spec: AggregateSpec) -> set[_Accumulator]:
    return {(spec.slot, op, spec.text) for op in _NEEDS.get(spec.op, ())}


class _Writer:
    """Writes `Layout.code` section by section."""

    def __init__(
        self,
        specs: Sequence[AggregateSpec],
        order: list[_TrackKey],
        tracks: dict[_TrackKey, set[_Accumulator]],
        keep: dict[_TrackKey, int],
        state_hash: int,
    ) -> None:
        self.specs = specs
        self.order = order
        self.tracks = tracks
        self.keep = keep
        self.code: list[int] = [0] * C_WORDS
        self.code[C_STATE] = state_hash
        self.columns: dict[tuple[_TrackKey, _Accumulator], int] = {}

    def write(self) -> Layout:
        """Return the finished layout."""
        self._tracks()
        cells = self._windows()
        self._features(cells)
        n_slots = 1 + max((spec.slot for spec in self.specs), default=-1)
        self.code[C_FEATURES] = len(self.specs)
        self.code[C_SLOTS] = n_slots
        self.code[C_BLOB_HEAD] = HEADER + 2 * len(self.order)
        code = np.array(self.code, np.int64)
        code.flags.writeable = False
        return Layout(code, len(self.specs), n_slots)

    def _tracks(self) -> None:
        at = self.code[C_TRACK_AT] = len(self.code)
        self.code[C_TRACKS] = len(self.order)
        self.code += [0] * (T_WORDS * len(self.order))
        for i, key in enumerate(self.order):
            kind, source, hop, slot, k = key
            width = 2 if kind != TILES else 1
            clear = [0]
            bundle_at = len(self.code)
            bundles = sorted({(slot, text) for slot, _, text in self.tracks[key]})
            for bundle in bundles:
                ops = sorted(op for slot, op, text in self.tracks[key] if (slot, text) == bundle)
                self.code += [bundle[0], int(bundle[1]), sum(1 << op for op in ops), width]
                for op in ops:
                    self.columns[key, (bundle[0], op, bundle[1])] = width
                    width += len(CLEAR[op])
                    clear += CLEAR[op]
            clear_at = len(self.code)
            self.code += clear
            record = [kind, source, hop, self.keep[key], width, bundle_at, len(bundles), slot, k, clear_at]
            self.code[at + i * T_WORDS : at + (i + 1) * T_WORDS] = record

    def _windows(self) -> dict[tuple[_TrackKey, int, int, _Accumulator], int]:
        """Write each distinct (track, window, delay) once with its cells; return where cells land."""
        wanted: dict[tuple[_TrackKey, int, int], set[_Accumulator]] = {}
        for spec in self.specs:
            needs = _accumulators(spec) or {(spec.slot, DISTINCT, True)}
            wanted.setdefault((_track_key(spec), spec.window, spec.delay), set()).update(needs)
        at = self.code[C_WINDOW_AT] = len(self.code)
        self.code[C_WINDOWS] = len(wanted)
        self.code += [0] * (W_WORDS * len(wanted))
        cells: dict[tuple[_TrackKey, int, int, _Accumulator], int] = {}
        for i, (key, width, delay) in enumerate(sorted(wanted)):
            cell_at = len(self.code)
            accumulators = sorted(wanted[key, width, delay])
            for accumulator in accumulators:
                to = cells[key, width, delay, accumulator] = self.code[C_CELLS]
                op = accumulator[1]
                self.code += [op, key[4] if op == DISTINCT else self.columns[key, accumulator], to]
                self.code[C_CELLS] += 1 if op == DISTINCT else len(CLEAR[op])
            record = [self.order.index(key), width, delay, cell_at, len(accumulators)]
            self.code[at + i * W_WORDS : at + (i + 1) * W_WORDS] = record
        return cells

    def _features(self, cells: dict[tuple[_TrackKey, int, int, _Accumulator], int]) -> None:
        self.code[C_FEATURE_AT] = len(self.code)
        for spec in self.specs:
            needs = _NEEDS.get(spec.op, (DISTINCT,))
            where = [
                cells[_track_key(spec), spec.window, spec.delay, (spec.slot, op, spec.text or op == DISTINCT)]
                for op in needs
            ]
            self.code += [_FINISH[spec.op], where[0], where[-1], self._default(spec)]

    @staticmethod
    def _default(spec: AggregateSpec) -> int:
        bits = int(np.float64(spec.default).view(np.int64))
        if bits != NULL_BITS:
            return bits
        text_value = spec.text and spec.op in ("first", "last")
        return 0 if text_value or spec.op in ("count", "distinct") else NULL_BITS
