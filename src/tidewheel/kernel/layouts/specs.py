"""What an aggregate needs of a state: its track, the accumulators there, and the cells it is finished from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tidewheel.errors import DefinitionError
from tidewheel.kernel.layouts.layout import (
    CLEAR,
    COUNT,
    DECAY,
    DECAYS,
    DELAYED,
    DISTINCT,
    EXACT,
    F_COUNT,
    F_DECAYED_COUNT,
    F_DECAYED_MEAN,
    F_DECAYED_SUM,
    F_DISTINCT,
    F_EXTREME,
    F_FIRST,
    F_LAST,
    F_MEAN,
    F_PLACE,
    F_RATE,
    F_SINCE,
    F_STD,
    F_SUM,
    F_VAR,
    FIRST,
    HEAVY,
    LAST,
    LONGEST,
    LOSSES,
    LOST,
    MAX,
    MIN,
    MOMENTS,
    NEWEST,
    NEWEST_N,
    NULL_BITS,
    OLDEST,
    PAIRS,
    QUANTILES,
    RECENT,
    SKETCH,
    SPAN,
    SUM,
    TEXT,
    TILES,
)


class AggregateSpec(NamedTuple):
    """One feature that is an aggregate over one source.

    Attributes
    ----------
    op : str
        ``count sum mean min max var std first last distinct time_since_first time_since_last rate
        quantile top_k last_n``. ``var`` and ``std`` are the sample's (n - 1); null for fewer than two
        values. ``rate`` is rows per second of the span that the window covers, its tail's tile whole.
    source : int
        Which source's events it folds.
    slot : int
        Column of `Events.slots` with its input. -1 takes every event of the source (those that take
        rows, not values). ``distinct`` takes hash words, see `hash_numbers`.
    window, hop, delay : int
        Microseconds; a window of 0 is the whole life of the entity, and has neither hop nor delay.
    default : float
        What an empty window gives, as a word (a text default is its hash's bits). NaN: none.
    exact_to : int
        For ``distinct``, ``quantile`` and ``top_k`` (different values): exact up to so many values.
    text : bool
        The slot holds text words (null is the word 0) instead of numbers (null is NaN).
    n, place : int
        For ``top_k`` and ``last_n``: how many values are kept, and which of them this feature is, from 1.
    q : float
        For ``quantile``: which, 0 to 1.
    cap : int
        For a window that is exact to the microsecond: how many instants' rows are kept. While none that
        the window reaches back to has been lost for the cap, tiles of one microsecond answer, else
        those of `hop`. 0: those of `hop` always.
    past_cap : bool
        The feature is not the aggregate but how many rows the cap has cost: 0 while it is exact.
    half_life : int
        For ``count``, ``sum`` and ``mean``: each row weighs 2 ** (-age / half_life). 0: all weigh 1.
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
    n: int = 0
    place: int = 1
    q: float = 0.0
    half_life: int = 0
    cap: int = 0
    past_cap: bool = False


_NEEDS: dict[str, tuple[int, ...]] = {
    "count": (COUNT,),
    "sum": (SUM, COUNT),
    "mean": (SUM, COUNT),
    "min": (MIN,),
    "max": (MAX,),
    "std": (MOMENTS,),
    "var": (MOMENTS,),
    "first": (FIRST,),
    "last": (LAST,),
    "time_since_last": (NEWEST,),
    "time_since_first": (OLDEST,),
    "rate": (COUNT,),
}
_FINISH = {
    "count": F_COUNT, "sum": F_SUM, "mean": F_MEAN, "min": F_EXTREME, "max": F_EXTREME, "std": F_STD,
    "first": F_FIRST, "last": F_LAST, "time_since_last": F_SINCE, "time_since_first": F_SINCE, "distinct": F_DISTINCT,
    "var": F_VAR, "rate": F_RATE, "quantile": F_PLACE, "top_k": F_PLACE, "last_n": F_PLACE,
}  # fmt: skip
_DECAYED = {"count": F_DECAYED_COUNT, "sum": F_DECAYED_SUM, "mean": F_DECAYED_MEAN}
_ROWS = ("count", "rate", "time_since_first", "time_since_last")
"""What takes rows, so that it needs no slot; the others take values."""

SKETCHES = {"quantile": QUANTILES, "top_k": HEAVY, "last_n": NEWEST_N}
WIDTHS = {RECENT: 2, PAIRS: 2, QUANTILES: 3, HEAVY: 3, NEWEST_N: 4, LOST: 3}

TrackKey = tuple[int, int, int, int, int, int]  # kind, source, hop, slot, k, flags (the last three for sets)
Accumulator = tuple[int, int, int]  # slot, op, text (a sketch: what is asked)


class Window(NamedTuple):
    """What makes two windows the same one; `spare` is the hop of the tiles that stand in for exact ones."""

    track: TrackKey
    width: int
    delay: int
    spare: int


def check(spec: AggregateSpec) -> None:
    """Refuse what the kernel has no meaning for."""
    problem = ""
    if spec.op not in _FINISH:
        problem = f"unknown aggregate {spec.op!r}; expected one of {', '.join(sorted(_FINISH))}"
    elif spec.slot < 0 and spec.op not in _ROWS:
        problem = f"{spec.op} needs a slot"
    elif min(spec.window, spec.hop, spec.delay) < 0 or spec.window + spec.delay > LONGEST:
        problem = "window, hop and delay must be durations that are not negative"
    elif spec.window == 0 and (spec.hop or spec.delay):
        problem = "an aggregate over the whole life has neither hop nor delay"
    elif spec.window and (spec.hop == 0 or spec.window % spec.hop):
        problem = f"the window of {spec.window} µs is no multiple of its hop of {spec.hop} µs"
    elif spec.op == "distinct" and spec.exact_to < 3:
        problem = f"exact_to={spec.exact_to} is too small for an estimate; at least 3"
    elif spec.op in ("quantile", "top_k") and spec.exact_to < 1:
        problem = f"exact_to={spec.exact_to} keeps nothing; at least 1"
    elif spec.op in ("top_k", "last_n") and not 1 <= spec.place <= spec.n:
        problem = f"place {spec.place} is none of 1 to {spec.n}"
    elif spec.op == "quantile" and not 0 <= spec.q <= 1:
        problem = f"q={spec.q} is not between 0 and 1"
    elif spec.op == "rate" and spec.window == 0:
        problem = "a rate needs a window"
    elif spec.half_life and (spec.op not in _DECAYED or not 0 < spec.half_life <= LONGEST):
        problem = f"half_life={spec.half_life} is for {', '.join(_DECAYED)}, and positive"
    elif spec.cap and (spec.cap < 1 or not spec.window or spec.half_life or spec.op not in _NEEDS):
        problem = "a cap is a positive number, for a window without decay, of an aggregate that is no set"
    if problem:
        raise DefinitionError(problem, where=f"aggregate {spec.op}")


def tracks_of(spec: AggregateSpec) -> list[tuple[TrackKey, set[Accumulator]]]:
    """Return the tracks an aggregate needs, with its accumulators there."""
    accumulators = {(spec.slot, op, int(spec.text)) for op in _accumulators(spec)}
    if not spec.cap:
        return [(_track(spec), accumulators)]
    exact: list[tuple[TrackKey, set[Accumulator]]] = [(_track(spec), accumulators), (lost_track(_track(spec)), set())]
    return exact if spec.past_cap else [*exact, (tile_track(spec.source, spec.hop), accumulators)]


def window_of(spec: AggregateSpec) -> Window:
    """Return the window whose cells an aggregate is finished from."""
    if spec.past_cap:
        return Window(lost_track(_track(spec)), spec.window, spec.delay, 0)
    return Window(_track(spec), spec.window, spec.delay, spec.hop if spec.cap else 0)


def _track(spec: AggregateSpec) -> TrackKey:
    if spec.op in SKETCHES:
        k = spec.n if spec.op == "last_n" else spec.exact_to
        flags = TEXT * spec.text + DELAYED * (spec.delay > 0)
        return (SKETCHES[spec.op], spec.source, spec.hop, spec.slot, k, flags)
    if spec.op == "distinct":
        return (PAIRS if spec.delay else RECENT, spec.source, spec.hop, spec.slot, spec.exact_to, 0)
    if spec.half_life:
        return (DECAYS, spec.source, spec.hop, 0, spec.half_life, 0)
    if spec.cap:
        return (EXACT, spec.source, 1, spec.slot, spec.cap, 0)
    return tile_track(spec.source, spec.hop)


def tile_track(source: int, hop: int) -> TrackKey:
    """Return the track of a source's tiles."""
    return (TILES, source, hop, 0, 0, 0)


def lost_track(exact: TrackKey) -> TrackKey:
    """Return the track that tells what an exact track has lost."""
    _, source, _, slot, cap, _ = exact
    return (LOST, source, 0, slot, cap, 0)


def _accumulators(spec: AggregateSpec) -> tuple[int, ...]:
    return (DECAY,) if spec.half_life else _NEEDS.get(spec.op, ())


def cells_of(spec: AggregateSpec) -> list[Accumulator]:
    """Return what a feature is finished from: accumulators folded over its window, or what a set or sketch answers."""
    if spec.past_cap:
        return [(spec.slot, LOSSES, 0)]
    if spec.op == "quantile":
        return [(spec.slot, SKETCH, bits_of(spec.q))]
    if spec.op in SKETCHES:
        return [(spec.slot, SKETCH, spec.n)]
    if spec.op == "distinct":
        return [(spec.slot, DISTINCT, spec.exact_to)]
    cells = [(spec.slot, op, int(spec.text)) for op in _accumulators(spec)]
    return [*cells, (spec.slot, SPAN, 0)] if spec.op == "rate" else cells


def finish_of(spec: AggregateSpec) -> int:
    """Return how a feature is finished from its cells."""
    if spec.past_cap:
        return F_COUNT
    return (_DECAYED if spec.half_life else _FINISH)[spec.op]


def default_word(spec: AggregateSpec) -> int:
    """Return what an empty window gives."""
    bits = bits_of(spec.default)
    if bits != NULL_BITS:
        return bits
    text_value = spec.text and spec.op in ("first", "last", "top_k", "last_n")
    return 0 if text_value or spec.past_cap or spec.op in ("count", "distinct", "rate") else NULL_BITS


def cell_words(kind: int, op: int, asked: int) -> int:
    """Return how many words a cell takes."""
    if op == SKETCH:
        return {QUANTILES: 2, HEAVY: 1 + 2 * asked, NEWEST_N: 1 + asked}[kind]
    return 1 if op >= DISTINCT else len(CLEAR[op])


def bits_of(number: float) -> int:
    """Return a float's bits."""
    return int(np.float64(number).view(np.int64))
