"""Fold in micro-batches, replay and the oracle agree on random histories."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import CorruptError
from tidewheel.kernel import (
    EMPTY_BLOB,
    OK,
    AggregateSpec,
    Blobs,
    Events,
    build_layout,
    carry,
    empty,
    fold,
    gather,
    hash_numbers,
    headers,
    plan_reads,
    read,
    read_blobs,
    read_many,
    replay,
)

ROWS = ("count", "time_since_first", "time_since_last")
OPS = ("sum", "mean", "min", "max", "std", "var", "first", "last", *ROWS)
WINDOWS = [(0, 0, 0), (12, 1, 0), (60, 5, 0), (30, 30, 0), (40, 1, 7), (60, 5, 12)]
SPECS = [AggregateSpec(op, s, s, w, h, d) for op in OPS for s in (0, 1) for w, h, d in WINDOWS]
SPECS += [AggregateSpec(op, 0, 2, w, h, d, text=True) for op in ("first", "last") for w, h, d in WINDOWS]
SPECS += [AggregateSpec("distinct", 1, 2, w, h, d) for w, h, d in WINDOWS]
SPECS += [AggregateSpec(op, 1, -1, w, h, d) for op in ROWS for w, h, d in WINDOWS]
SPECS += [AggregateSpec("rate", s, -s, w, h, d) for s in (0, 1) for w, h, d in WINDOWS if w]
SPECS += [
    AggregateSpec(op, 0, 0, w, h, d, half_life=half_life)
    for op in ("count", "sum", "mean")
    for w, h, d in WINDOWS
    for half_life in (3, 50)
]
LAYOUT = build_layout(SPECS)
EXACT = {"count", "min", "max", "first", "last", "distinct", "time_since_first", "time_since_last"}

numbers = st.one_of(
    st.none(),
    st.integers(-3, 3).map(float),
    st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3)),
)
texts = st.one_of(st.none(), st.sampled_from([int(w) for w in hash_numbers(np.arange(6.0))]))


@dataclass(frozen=True)
class Event:
    source: int
    at: int
    arrived: int
    offset: int
    slots: tuple[float | int | None, ...]
    """None is null; text and distinct slots hold integers (hash words)."""


def in_window(spec: AggregateSpec, event: Event, instant: int) -> bool:
    if event.source != spec.source or (spec.slot >= 0 and event.slots[spec.slot] is None):
        return False
    if spec.window == 0:
        return True
    tile = event.at // spec.hop
    if tile < (instant - spec.delay - spec.window) // spec.hop:
        return False
    return spec.delay == 0 or tile < (instant - spec.delay) // spec.hop


def answer(spec: AggregateSpec, events: list[Event], instant: int) -> float | int | None:
    """Return the feature's exact value (floats: rounded once); None is null."""
    inside = [event for event in events if in_window(spec, event, instant)]
    if spec.half_life:
        return decayed(spec, inside, instant)
    if spec.op == "count":
        return len(inside)
    if spec.op == "rate":
        first = (instant - spec.window) // spec.hop * spec.hop
        return len(inside) / ((spec.window if spec.delay else instant - first) / 1e6)
    if spec.op in ("time_since_first", "time_since_last"):
        pick = max if spec.op == "time_since_last" else min
        return (instant - pick(e.at for e in inside)) / 1e6 if inside else None
    values = [event.slots[spec.slot] for event in inside]
    if spec.op == "distinct":
        return len(set(values))
    if not inside:
        return None
    if spec.op in ("first", "last"):
        pick = min if spec.op == "first" else max
        return pick(inside, key=lambda event: (event.at, event.offset)).slots[spec.slot]
    numbers = [float(value) for value in values if value is not None]
    if spec.op in ("std", "var"):
        spread = statistics.stdev if spec.op == "std" else statistics.variance
        return float(spread(map(Fraction, numbers))) if len(numbers) > 1 else None
    exact = {"sum": math.fsum, "min": min, "max": max, "mean": lambda v: math.fsum(v) / len(v)}
    return float(exact[spec.op](numbers))


def decayed(spec: AggregateSpec, inside: list[Event], instant: int) -> float | None:
    weights = [2.0 ** (-(instant - spec.delay - event.at) / spec.half_life) for event in inside]
    values = [float(event.slots[spec.slot] or 0.0) for event in inside]
    weighted = math.fsum(w * v for w, v in zip(weights, values, strict=True))
    if not inside:
        return 0.0 if spec.op == "count" else None
    if spec.op == "mean":  # all weights may be too small for a float, their shares are not
        return float(sum(share(inside, e, spec.half_life) * Fraction(v) for e, v in zip(inside, values, strict=True)))
    return math.fsum(weights) if spec.op == "count" else weighted


def share(inside: list[Event], event: Event, half_life: int) -> Fraction:
    newest = max(e.at for e in inside)
    weights = {e.offset: Fraction(2.0 ** ((e.at - newest) / half_life)) for e in inside}
    return weights[event.offset] / sum(weights.values())


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    """Several entities' events in offset order: ties, late and very late events, nulls, two sources."""
    entities: list[list[Event]] = [[] for _ in range(draw(st.integers(1, 3)))]
    now = draw(st.sampled_from([-1_000, -30, 0, 500]))
    offset = 0
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0, 0, 1, 1, 2, 5, 13, 70]))
        offset += draw(st.integers(1, 3))
        late = draw(st.sampled_from([0, 0, 0, 1, 3, 10, 60, 200]))
        slots = (draw(numbers), draw(numbers), draw(texts))
        event = Event(draw(st.integers(0, 1)), now - late, now, offset, slots)
        entities[draw(st.integers(0, len(entities) - 1))].append(event)
    return entities


def words(event: Event) -> list[float]:
    floats = [math.nan if value is None else float(value) for value in event.slots[:2]]
    return [*floats, float(np.int64(event.slots[2] or 0).view(np.float64))]


def arrays(entities: list[list[Event]]) -> Events:
    flat = [event for events in entities for event in events]
    slots = np.empty((len(flat), 3))
    for i, event in enumerate(flat):
        slots[i, :2] = words(event)[:2]
        slots.view(np.int64)[i, 2] = event.slots[2] or 0
    return Events(
        np.cumsum([0, *map(len, entities)]).astype(np.int64),
        np.array([e.source for e in flat], np.int8),
        np.array([e.at for e in flat], np.int64),
        np.array([e.arrived for e in flat], np.int64),
        np.array([e.offset for e in flat], np.int64),
        slots,
    )


def compare(row: np.ndarray, events: list[Event], instant: int) -> None:
    for spec, word in zip(SPECS, row, strict=True):
        expected = answer(spec, events, instant)
        if spec.text:
            assert word.view(np.int64) == (expected or 0), spec
        elif expected is None:
            assert np.isnan(word), spec
        elif spec.op in EXACT and not spec.half_life:
            assert word == expected, spec
        else:
            assert word == pytest.approx(expected, rel=1e-9, abs=1e-7), spec


@settings(max_examples=150, deadline=None)
@given(histories(), st.data())
def test_fold_in_parts_equals_replay_equals_the_oracle(entities: list[list[Event]], data: st.DataObject) -> None:
    steps = sorted(data.draw(st.lists(st.integers(0, 40), max_size=4)))
    whole = arrays(entities)
    blobs = empty(len(entities))
    done = [0] * len(entities)
    seen: list[tuple[int, int, int, bytes]] = []
    for step in [*steps, 40]:
        part = [events[start:step] for start, events in zip(done, entities, strict=True)]
        blobs = fold(LAYOUT, blobs, arrays(part))
        done = [max(start, min(step, len(events))) for start, events in zip(done, entities, strict=True)]
        visible = [events[:end] for events, end in zip(entities, done, strict=True)]
        instants = [max((e.arrived for e in v), default=0) + data.draw(st.integers(0, 80)) for v in visible]
        rows, status = read(LAYOUT, blobs, np.array(instants))
        assert (status == OK).all()
        assert headers(blobs).last_offset.tolist() == [v[-1].offset if v else 0 for v in visible]
        for e, (row, events, instant) in enumerate(zip(rows, visible, instants, strict=True)):
            compare(row, events, instant)
            seen.append((e, len(events), instant, row.tobytes()))
    seen.sort(key=lambda one: one[:2])
    starts = np.searchsorted([one[0] for one in seen], np.arange(len(entities) + 1)).astype(np.int64)
    again, status = replay(
        LAYOUT, whole, starts, np.array([one[1] for one in seen]), np.array([one[2] for one in seen])
    )
    assert (status == OK).all()
    assert [row.tobytes() for row in again] == [one[3] for one in seen]
    turned = np.arange(len(seen))[::-1]
    flipped, _ = replay(
        LAYOUT, whole, starts, np.array([one[1] for one in seen]), np.array([one[2] for one in seen]), places=turned
    )
    assert flipped[::-1].tobytes() == again.tobytes()
    at_once = fold(LAYOUT, empty(len(entities)), whole)
    assert at_once.words.tobytes() == blobs.words.tobytes()
    assert at_once.starts.tolist() == blobs.starts.tolist()


def history(n: int = 200, seed: int = 0) -> list[Event]:
    random = np.random.default_rng(seed)
    at = np.cumsum(random.integers(0, 3, n))
    return [Event(i % 2, int(t), int(t), i + 1, (float(i), 0.1 * i, None)) for i, t in enumerate(at)]


def test_a_read_below_the_horizon_is_refused() -> None:
    events = history()
    blobs = fold(LAYOUT, empty(1), arrays([events]))
    rows, status = read(LAYOUT, blobs, np.array([events[-1].arrived - 1]))
    assert status.tolist() == [1]
    assert np.isnan(rows).all()


def test_many_layouts_in_one_call_agree_with_one_by_one() -> None:
    other = build_layout(SPECS[::7], state_hash=99)
    first, second = (fold(layout, empty(1), arrays([history(seed=s)])) for s, layout in ((1, LAYOUT), (2, other)))
    plan = plan_reads([LAYOUT, other, LAYOUT])
    stored = [first.blob(0), second.blob(0), b""]
    joined = gather(stored)
    out, again = np.empty(plan.n_features), np.empty(plan.n_features)
    newest = int(max(headers(joined).horizon[:2]))
    assert read_many(plan, joined.words, joined.starts, 5, out) == newest + 1
    assert read_blobs(plan, [blob or EMPTY_BLOB for blob in stored], 5, again) == newest + 1
    parts = [
        read(layout, blobs, np.array([newest + 1]))[0][0]
        for layout, blobs in ((LAYOUT, first), (other, second), (LAYOUT, empty(1)))
    ]
    assert out.tobytes() == again.tobytes() == np.concatenate(parts).tobytes()
    assert read_many(plan, joined.words, joined.starts, newest + 50, out) == newest + 50


def test_order_and_repeats_of_aggregates_do_not_change_the_state() -> None:
    backwards = build_layout([*SPECS[::-1], SPECS[3]])
    events = arrays([history()])
    one, two = fold(LAYOUT, empty(1), events), fold(backwards, empty(1), events)
    assert one.words.tobytes() == two.words.tobytes()
    instant = np.array([10_000])
    assert read(backwards, two, instant)[0][0][:-1].tobytes() == read(LAYOUT, one, instant)[0][0][::-1].tobytes()


def test_extremes_of_different_columns_are_each_its_own() -> None:
    layout = build_layout([AggregateSpec("min", 0, 0, 60, 5), AggregateSpec("max", 0, 1, 60, 5)])
    at = np.array([1, 7, 8])
    slots = np.array([[3.0, 30.0], [1.0, 50.0], [2.0, 40.0]])
    events = Events(np.array([0, 3]), np.zeros(3, np.int8), at, at, at, slots)
    assert read(layout, fold(layout, empty(1), events), np.array([9]))[0].tolist() == [[1.0, 50.0]]


@given(histories(), st.lists(st.integers(0, 400), min_size=1, max_size=12))
def test_replay_may_leave_out_what_no_read_sees(entities: list[list[Event]], ages: list[int]) -> None:
    """Far apart or going back in time, reads by replay are those of the states that hold everything."""
    whole = arrays(entities)
    sizes = np.diff(whole.starts)
    cuts = np.concatenate([np.linspace(0, size, len(ages)).astype(np.int64) for size in sizes])
    newest = max((event.arrived for events in entities for event in events), default=0)
    instants = newest + np.tile(np.array(ages), len(entities))
    read_starts = np.arange(len(entities) + 1) * len(ages)
    kept, _, _ = carry(LAYOUT, empty(len(entities)), whole, read_starts, cuts, instants)
    assert replay(LAYOUT, whole, read_starts, cuts, instants)[0].tobytes() == kept.tobytes()


def test_dead_tiles_go_and_a_state_stays_small() -> None:
    layout = build_layout([AggregateSpec("sum", 0, 0, 12, 1)])
    n = 100_000
    at = np.arange(n)
    events = Events(np.array([0, n]), np.zeros(n, np.int8), at, at, at + 1, np.ones((n, 1)))
    blobs = fold(layout, empty(1), events)
    assert len(blobs.words) < 60
    assert read(layout, blobs, np.array([n - 1]))[0].tolist() == [[13.0]]


@pytest.mark.parametrize("default", [0.0, -1.5])
def test_defaults(default: float) -> None:
    specs = [AggregateSpec(op, 0, 0, default=default) for op in (*OPS, "distinct")]
    specs += [AggregateSpec(op, 0, 0, half_life=5, default=default) for op in ("count", "sum", "mean")]
    specs.append(AggregateSpec("rate", 0, -1, 12, 1, default=default))
    assert read(build_layout(specs), empty(1), np.zeros(1, np.int64))[0].tolist() == [[default] * len(specs)]


def test_exact_windows_keep_every_instant() -> None:
    layout = build_layout([AggregateSpec("count", 0, -1, 1000, 1), AggregateSpec("sum", 0, 0, 1000, 1)])
    random = np.random.default_rng(3)
    at = np.cumsum(random.integers(0, 40, 500))
    events = Events(np.array([0, 500]), np.zeros(500, np.int8), at, at, at + 1, np.ones((500, 1)))
    cuts = np.arange(501)
    instants = np.concatenate([[0], at]) + 3
    rows, _ = replay(layout, events, np.array([0, 501]), cuts, instants)
    expected = [int((at[:c] >= t - 1000).sum()) for c, t in zip(cuts, instants, strict=True)]
    assert rows[:, 0].tolist() == expected


def test_blobs_of_another_state_are_refused() -> None:
    blobs = fold(LAYOUT, empty(1), arrays([history()]))
    other = build_layout(SPECS, state_hash=5)
    with pytest.raises(CorruptError):
        read(other, blobs, np.array([1]))
    with pytest.raises(CorruptError):
        fold(other, blobs, arrays([history()]))
    cut_short = Blobs(blobs.words[:-1], np.array([0, len(blobs.words) - 1]))
    with pytest.raises(CorruptError):
        read(LAYOUT, cut_short, np.array([1]))
    with pytest.raises(CorruptError):
        read_blobs(plan_reads([LAYOUT]), [cut_short.words.tobytes()], 1, np.empty(LAYOUT.n_features))
