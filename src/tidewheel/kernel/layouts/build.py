"""Lays out the state that answers some aggregates, and writes the program that compiled code walks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tidewheel.kernel.layouts.layout import (
    C_BLOB_HEAD,
    C_CELLS,
    C_FEATURE_AT,
    C_FEATURES,
    C_SLOTS,
    C_STATE,
    C_TRACK_AT,
    C_TRACKS,
    C_WINDOW_AT,
    C_WINDOWS,
    C_WORDS,
    CLEAR,
    EXACT,
    HEADER,
    T_WORDS,
    W_WORDS,
    Layout,
)
from tidewheel.kernel.layouts.specs import (
    SKETCHES,
    WIDTHS,
    Accumulator,
    AggregateSpec,
    TrackKey,
    Window,
    cell_words,
    cells_of,
    check,
    default_word,
    finish_of,
    lost_track,
    tile_track,
    tracks_of,
    window_of,
)


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
        check(spec)
    tracks: dict[TrackKey, set[Accumulator]] = {}
    keep: dict[TrackKey, int] = {}
    for spec in specs:
        for key, accumulators in tracks_of(spec):
            tracks.setdefault(key, set()).update(accumulators)
            keep[key] = max(keep.get(key, 0), spec.window + spec.delay)
    return _Writer(specs, sorted(tracks), tracks, keep, state_hash).write()


class _Writer:
    """Writes `Layout.code` section by section."""

    def __init__(
        self,
        specs: Sequence[AggregateSpec],
        order: list[TrackKey],
        tracks: dict[TrackKey, set[Accumulator]],
        keep: dict[TrackKey, int],
        state_hash: int,
    ) -> None:
        self.specs = specs
        self.order = order
        self.tracks = tracks
        self.keep = keep
        self.code: list[int] = [0] * C_WORDS
        self.code[C_STATE] = state_hash
        self.columns: dict[tuple[TrackKey, Accumulator], int] = {}
        self.windows: dict[Window, int] = {}
        self.cells: dict[tuple[Window, Accumulator], int] = {}

    def write(self) -> Layout:
        """Return the finished layout."""
        self._tracks()
        self._windows()
        self._features()
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
            kind, source, hop, slot, k, flags = key
            width = WIDTHS.get(kind, 1)
            clear = [0]
            bundle_at = len(self.code)
            bundles = sorted({(slot, text) for slot, _, text in self.tracks[key]})
            for bundle in bundles:
                ops = sorted(op for slot, op, text in self.tracks[key] if (slot, text) == bundle)
                self.code += [bundle[0], bundle[1], sum(1 << op for op in ops), width]
                for op in ops:
                    self.columns[key, (bundle[0], op, bundle[1])] = width
                    width += len(CLEAR[op])
                    clear += CLEAR[op]
            clear_at = len(self.code)
            self.code += clear
            record = [kind, source, hop, self.keep[key], width, bundle_at, len(bundles), slot, k, clear_at, flags]
            record.append(self.order.index(lost_track(key)) if kind == EXACT else 0)
            self.code[at + i * T_WORDS : at + (i + 1) * T_WORDS] = record

    def _windows(self) -> None:
        """Write each distinct window once with its cells; one that is exact is followed by its stand-in."""
        wanted: dict[Window, set[Accumulator]] = {}
        for spec in self.specs:
            wanted.setdefault(window_of(spec), set()).update(cells_of(spec))
        windows = [w for window in sorted(wanted) for w in (window, *([window] if window.spare else []))]
        at = self.code[C_WINDOW_AT] = len(self.code)
        self.code[C_WINDOWS] = len(windows)
        self.code += [0] * (W_WORDS * len(windows))
        for i, window in enumerate(windows):
            stands_in = window in self.windows
            self.windows.setdefault(window, at + i * W_WORDS)
            record = self._window(window, sorted(wanted[window]), stands_in)
            self.code[at + i * W_WORDS : at + (i + 1) * W_WORDS] = record

    def _window(self, window: Window, cells: list[Accumulator], stands_in: bool) -> list[int]:
        """Write a window's cells and return its record."""
        track, lost = window.track, 0
        if window.spare:
            lost = 1 + self.order.index(lost_track(track))
        if stands_in:
            track, lost = tile_track(track[1], window.spare), -lost
        cell_at = len(self.code)
        for cell in cells:
            if (window, cell) not in self.cells:
                self.cells[window, cell] = self.code[C_CELLS]
                self.code[C_CELLS] += cell_words(track[0], cell[1], cell[2])
            _, op, asked = cell
            self.code += [op, self.columns.get((track, cell), asked), self.cells[window, cell]]
        return [self.order.index(track), window.width, window.delay, cell_at, len(cells), lost]

    def _features(self) -> None:
        self.code[C_FEATURE_AT] = len(self.code)
        for spec in self.specs:
            window = window_of(spec)
            where = [self.cells[window, cell] for cell in cells_of(spec)]
            other = where[0] + spec.place if spec.op in SKETCHES else where[-1]
            self.code += [finish_of(spec), where[0], other, default_word(spec), self.windows[window]]
