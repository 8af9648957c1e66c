"""Quantiles, most frequent and newest values: equal to the oracle to the bit, within the errors stated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import datasketches
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sketch_oracle import Seen, last_n, middle, quantile, top_k

from tidewheel.errors import DefinitionError
from tidewheel.kernel import (
    AggregateSpec,
    Blobs,
    Events,
    Layout,
    build_layout,
    empty,
    fold,
    hash_text,
    read,
    replay,
)
from tidewheel.kernel.layouts.layout import NULL_BITS

WINDOWS = [(0, 0, 0), (12, 1, 0), (60, 5, 0), (40, 10, 7), (60, 5, 12)]
QS = (0.1, 0.5, 1.0)
SPECS = [AggregateSpec("quantile", 0, 0, *w, exact_to=k, q=q) for w in WINDOWS for k in (1, 6) for q in QS]
SPECS += [
    AggregateSpec("top_k", 0, text, *w, exact_to=k, n=2, place=place, text=bool(text), default=0.5)
    for w in WINDOWS
    for k in (1, 3)
    for text in (0, 1)
    for place in (1, 2)
]
SPECS += [
    AggregateSpec("last_n", 0, text, *w, n=n, place=place, text=bool(text))
    for w in WINDOWS
    for n in (1, 3)
    for text in (0, 1)
    for place in {1, n}
]
SPECS += [AggregateSpec("quantile", 1, 0, 60, 5, exact_to=4, q=0.5), AggregateSpec("count", 0, 0)]
LAYOUT = build_layout(SPECS)
WORDS = [hash_text(word) for word in ("", "a", "b", "ö", "long " * 9)]

numbers = st.one_of(
    st.none(),
    st.integers(-2, 3).map(float),
    st.just(-0.0),
    st.floats(-1e6, 1e6, allow_subnormal=True),
    st.floats(0.99, 1.01),
)
Row = tuple[int, int, int, int, float | None, int | None]
"""Source, at, arrived, offset, number, text."""


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Events of one entity in fold order: ties, late ones, nulls, and pairs at one effective offset."""
    arrived, offset, rows = 1000, 0, []
    for _ in range(draw(st.integers(0, 60))):
        arrived += draw(st.sampled_from([0, 0, 0, 1, 2, 7, 30]))
        offset += draw(st.sampled_from([0, 1, 1, 1, 3]))
        at = arrived - draw(st.sampled_from([0, 0, 0, 1, 3, 11, 55]))
        text = draw(st.sampled_from([None, *WORDS]))
        rows.append((draw(st.sampled_from([0, 0, 0, 1])), at, arrived, offset, draw(numbers), text))
    return rows


def events_of(entities: list[list[Row]]) -> Events:
    rows = [row for entity in entities for row in entity]
    source, at, arrived, offset = (np.array([row[i] for row in rows], np.int64) for i in range(4))
    slots = np.empty((len(rows), 2))
    slots[:, 0] = [np.nan if row[4] is None else row[4] for row in rows]
    slots[:, 1] = np.array([row[5] or 0 for row in rows], np.int64).view(np.float64)
    starts = np.cumsum([0, *map(len, entities)]).astype(np.int64)
    return Events(starts, source.astype(np.int8), at, arrived, offset, slots)


def seen_by(spec: AggregateSpec, rows: list[Row], instant: int) -> list[Seen]:
    seen = []
    for source, at, _, offset, *slots in rows:
        tile = at // spec.hop if spec.hop else 0
        late = spec.window and tile < (instant - spec.delay - spec.window) // spec.hop
        early = spec.delay and tile >= (instant - spec.delay) // spec.hop
        if source == spec.source and slots[spec.slot] is not None and not late and not early:
            seen.append(Seen(tile, at, offset, slots[spec.slot]))
    return seen


def answer(spec: AggregateSpec, rows: list[Row], instant: int) -> int:
    """The word of a feature, by the oracle."""
    seen = seen_by(spec, rows, instant)
    value: float | int | None
    if spec.op == "quantile":
        value = quantile(seen, spec.q, spec.exact_to)
    elif spec.op == "count":
        value = float(len(seen))
    else:
        if spec.op == "top_k":
            seen = [each._replace(value=each.value + 0.0 if not spec.text else each.value) for each in seen]
        values = top_k(seen, spec.n, spec.exact_to) if spec.op == "top_k" else last_n(seen, spec.n)
        value = values[spec.place - 1] if len(values) >= spec.place else None
    if value is None:
        word = np.array([spec.default]).view(np.int64)[0]
        return 0 if spec.text and word == NULL_BITS else int(word)
    return value if spec.text else int(np.array([value], float).view(np.int64)[0])


def in_batches(layout: Layout, events: Events, cuts: list[int]) -> Blobs:
    """Fold one entity's events in several batches."""
    blobs = empty(1)
    for start, end in zip([0, *cuts], [*cuts, len(events.at)], strict=True):
        part = [column[start:end] for column in events[1:] if column is not None]
        blobs = fold(layout, blobs, Events(np.array([0, end - start]), *part))
    return blobs


@settings(max_examples=80, deadline=None)
@given(st.lists(histories(), min_size=1, max_size=3), st.data())
def test_fold_read_replay_and_oracle_agree_to_the_bit(entities: list[list[Row]], data: st.DataObject) -> None:
    events = events_of(entities)
    whole = fold(LAYOUT, empty(len(entities)), events)
    cuts = [data.draw(st.integers(0, len(rows))) for rows in entities]
    after = data.draw(st.sampled_from([0, 1, 9, 41]))
    instants = np.array(
        [max([r[2] for r in rows[:cut]], default=999) + after for rows, cut in zip(entities, cuts, strict=True)]
    )
    replayed, _ = replay(LAYOUT, events, np.arange(len(entities) + 1), np.array(cuts), instants)
    for e, rows in enumerate(entities):
        single = events_of([rows])
        splits = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
        blob = in_batches(LAYOUT, single, splits)
        assert blob.words.tobytes() == whole.words[whole.starts[e] : whole.starts[e + 1]].tobytes()
        now = max([r[2] for r in rows], default=999) + after
        found = read(LAYOUT, blob, np.array([now]))[0].view(np.int64)[0]
        for spec, online, past in zip(SPECS, found.tolist(), replayed.view(np.int64)[e].tolist(), strict=True):
            assert online == answer(spec, rows, now), spec
            assert past == answer(spec, rows[: cuts[e]], int(instants[e])), spec


def many(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values, both positive and negative, over many magnitudes."""
    random = np.random.default_rng(seed)
    at = np.cumsum(random.integers(0, 3, n))
    sign = np.where(random.random(n) < 0.2, -1.0, 1.0)
    return at, sign * np.exp(random.normal(0, 3, n)) * random.integers(0, 30, n)


def one_entity(at: np.ndarray, values: np.ndarray) -> Events:
    n = len(at)
    return Events(
        np.array([0, n]), np.zeros(n, np.int8), at, np.full(n, at.max()), np.arange(1, n + 1), values[:, None]
    )


@pytest.mark.parametrize("window", [(0, 0, 0), (2000, 200, 0), (2000, 200, 500)])
def test_quantiles_of_many_values_are_within_their_error(window: tuple[int, int, int]) -> None:
    at, values = many(7, 9000)
    qs = [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0]
    layout = build_layout([AggregateSpec("quantile", 0, 0, *window, exact_to=64, q=q) for q in qs])
    cuts = np.arange(1, 9000, 300)
    instants = np.full(len(cuts), at.max() + 1)
    rows, _ = replay(layout, one_entity(at, values), np.array([0, len(cuts)]), cuts, instants)
    specs = AggregateSpec("quantile", 0, 0, *window)
    for row, cut in zip(rows, cuts, strict=True):
        first, end = (at.max() + 1 - specs.delay - specs.window) // (specs.hop or 1), 1 << 62
        end = (at.max() + 1 - specs.delay) // specs.hop if specs.delay else end
        tile = at[:cut] // specs.hop if specs.hop else np.zeros(cut)
        inside = np.sort(values[:cut][(tile >= first) & (tile < end)]) if specs.hop else np.sort(values[:cut])
        if len(inside) == 0:
            assert np.isnan(row).all()
            continue
        if len(inside) <= 64:
            assert row.tolist() == np.quantile(inside, qs).tolist()
        for q, found in zip(qs, row.tolist(), strict=True):
            position = q * (len(inside) - 1)
            near = max(abs(inside[int(position)]), abs(inside[min(int(position) + 1, len(inside) - 1)]))
            assert abs(found - np.quantile(inside, q)) <= near / 128


def test_the_histogram_is_at_least_as_near_as_kll() -> None:
    for seed in range(5):
        _, values = many(seed, 20_000)
        qs = np.linspace(0.02, 0.98, 33)
        layout = build_layout([AggregateSpec("quantile", 0, 0, exact_to=256, q=q) for q in qs])
        found = read(layout, fold(layout, empty(1), one_entity(np.zeros(20_000, int), values)), np.array([1]))[0][0]
        kll = datasketches.kll_doubles_sketch(200)
        kll.update(values)
        ours, theirs = (
            np.array([rank(values, v) for v in found]),
            np.array([rank(values, v) for v in kll.get_quantiles(qs)]),
        )
        stated = kll.normalized_rank_error(False)
        assert np.abs(theirs - qs).max() < 2 * stated, "the library is within its own error"
        assert np.abs(ours - qs).max() < stated
        exact = np.quantile(values, qs)
        assert (np.abs(found - exact) <= np.abs(exact) / 128 + 1e-12).all()


def rank(values: np.ndarray, value: float) -> float:
    """The nearest share of values up to `value`, ties taken as they suit."""
    return float(np.mean(values < value) + np.mean(values == value) / 2)


def test_most_frequent_agree_with_the_library_within_both_errors() -> None:
    random = np.random.default_rng(3)
    values = random.zipf(1.3, 30_000).clip(max=10**6).astype(float)
    capacity, k = 64, 5
    layout = build_layout([AggregateSpec("top_k", 0, 0, exact_to=capacity, n=k, place=p) for p in range(1, k + 1)])
    blob = fold(layout, empty(1), one_entity(np.zeros(30_000, int), values))
    found = read(layout, blob, np.array([1]))[0][0].tolist()
    counts = Counter(values.tolist())
    slack = len(values) / (capacity + 1)
    least = min(count for _, count in counts.most_common(k))
    assert all(counts[value] >= least - slack for value in found)
    assert {value for value, count in counts.items() if count > least + slack} <= set(found)
    library = datasketches.frequent_items_sketch(7)
    for value in values:
        library.update(str(int(value)))
    sure = library.get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_POSITIVES)
    assert {float(item[0]) for item in sure[: k - 1] if item[2] > least + slack} <= set(found)


def spread(values: list[float]) -> Iterator[tuple[int, float]]:
    yield from ((n // 5, value) for n, value in enumerate(values))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), st.data())
def test_a_quantile_does_not_depend_on_the_order_of_events(values: list[float], data: st.DataObject) -> None:
    rows = list(spread(values))
    mixed = data.draw(st.permutations(rows))
    layout = build_layout(
        [AggregateSpec("quantile", 0, 0, *w, exact_to=4, q=0.5) for w in ((8, 1, 0), (8, 1, 2), (0, 0, 0))]
    )
    blobs = [
        fold(layout, empty(1), one_entity(np.array([a for a, _ in part]), np.array([v for _, v in part])))
        for part in (rows, mixed)
    ]
    assert blobs[0].words.tobytes() == blobs[1].words.tobytes()


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-310, 2.0**-1022, 1.0, 1.9999, 1e300, np.finfo(float).max, np.inf])
def test_a_bin_s_middle(value: float) -> None:
    layout = build_layout([AggregateSpec("quantile", 0, 0, exact_to=1, q=0.5)])
    for number in (value, -value):
        found = read(
            layout, fold(layout, empty(1), one_entity(np.zeros(2, int), np.array([number] * 2))), np.array([1])
        )[0]
        assert found.tolist() == [[middle(number)]]


def test_state_stays_small() -> None:
    at, values = many(1, 20_000)
    specs = [
        (AggregateSpec("last_n", 0, 0, 2000, 200, n=5), 5 * 4),
        (AggregateSpec("last_n", 0, 0, 2000, 200, 400, n=5), 14 * 5 * 4),
        (AggregateSpec("top_k", 0, 0, 2000, 200, exact_to=16, n=5), 12 * 16 * 3),
        (AggregateSpec("quantile", 0, 0, 2000, 200, exact_to=16, q=0.5), 12 * 3 * 200),
    ]
    for spec, most in specs:
        layout = build_layout([spec])
        words = np.arange(len(at)) * 0.37 if spec.op == "top_k" else values
        assert len(fold(layout, empty(1), one_entity(at, words)).words) <= most + 8, spec
    close = 100.0 + np.random.default_rng(2).random(len(at))
    layout = build_layout([AggregateSpec("quantile", 0, 0, 2000, 20, exact_to=32, q=0.5)])
    words = fold(layout, empty(1), one_entity(at, close)).words
    assert len(words) <= 102 * 2 * 3 + 33 * 3 + 8, "only the newest tiles keep values, others two bins"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"op": "top_k", "n": 3, "place": 4}, "place 4 is none of 1 to 3"),
        ({"op": "last_n", "n": 0}, "place 1 is none of 1 to 0"),
        ({"op": "quantile", "q": 1.5}, "q=1.5 is not between"),
        ({"op": "quantile", "exact_to": 0}, "exact_to=0 keeps nothing"),
    ],
)
def test_what_has_no_meaning_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        build_layout([AggregateSpec(**{"source": 0, "slot": 0, **wrong})])
