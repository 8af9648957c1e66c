"""Which tile an instant lies in, and which tiles no read can see any more (compiled)."""

from __future__ import annotations

from tidewheel.kernel._jit import Array, Word, inner
from tidewheel.kernel.layouts.layout import NEVER, T_HOP, T_KEEP


@inner
def tile_of(at: int, hop: int) -> int:
    """Return the number of the tile that holds `at`; 0 for a whole life."""
    return at // hop if hop > 0 else 0


@inner
def oldest_instant(code: Array, track: int, horizon: int) -> Word:
    """Return the oldest instant whose tile a read at or after `horizon` can see."""
    if code[track + T_HOP] == 0 or horizon == NEVER:
        return NEVER
    return horizon - code[track + T_KEEP]


@inner
def is_dead(tile: int, hop: int, oldest: int) -> bool:
    """Tell whether a tile ends before the tile of the oldest instant begins."""
    return hop > 0 and (tile + 1) * hop <= oldest
