"""What merges associatively does so to the bit: tiles may be joined in any groups, sets in any order."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewheel.kernel import AggregateSpec, Events, Layout, build_layout, empty, fold, hash_numbers, header, read
from tidewheel.kernel.layouts.layout import H_OFFSET

WINDOW, NOW = 120, 240
HOPS = (1, 2, 5, 12, 40, 120)
"""All divide the window and the instant of the read, so every one of them holds the same events."""
WHOLE = ("count", "sum", "mean", "min", "max", "first", "last", "time_since_first", "time_since_last")
EVENTS = st.lists(
    st.tuples(st.integers(0, NOW - 1), st.one_of(st.none(), st.integers(-(2**40), 2**40), st.just(-0.0))), max_size=30
)


def layout(hop: int) -> Layout:
    """Aggregates of whole numbers, and a set."""
    specs = [AggregateSpec(op, 0, 0, WINDOW, hop) for op in WHOLE]
    return build_layout([*specs, AggregateSpec("distinct", 0, 1, WINDOW, hop, exact_to=4)])


def events(rows: list[tuple[int, float | None]], order: list[int] | None = None) -> Events:
    """One entity's events, all arrived by the end, at their own offsets in whatever order they are folded."""
    places = np.array(range(len(rows)) if order is None else order, np.int64)
    at = np.array([at for at, _ in rows], np.int64)[places]
    values = np.array([np.nan if value is None else value for _, value in rows], float)[places]
    slots = np.column_stack([values, hash_numbers(values).view(np.float64)])
    arrived = np.full(len(rows), NOW - 1)
    return Events(np.array([0, len(rows)]), np.zeros(len(rows), np.int8), at, arrived, places + 1, slots)


def bits(layout: Layout, history: Events) -> list[int]:
    """The features' bits, with both zeros as one: a sum that is zero may have either sign."""
    return (read(layout, fold(layout, empty(1), history), np.array([NOW]))[0][0] + 0.0).view(np.int64).tolist()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS)
def test_tiles_joined_in_any_groups_give_the_same_bits(rows: list[tuple[int, float | None]]) -> None:
    expected = bits(layout(HOPS[0]), events(rows))
    for hop in HOPS[1:]:
        assert bits(layout(hop), events(rows)) == expected, hop


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS, st.data(), st.sampled_from(HOPS))
def test_folded_in_any_order_a_state_has_the_same_bytes(
    rows: list[tuple[int, float | None]], data: st.DataObject, hop: int
) -> None:
    one = fold(layout(hop), empty(1), events(rows)).words.copy()
    other = fold(layout(hop), empty(1), events(rows, data.draw(st.permutations(range(len(rows)))))).words.copy()
    if len(rows):
        assert header(one).horizon == header(other).horizon
        one[H_OFFSET] = other[H_OFFSET] = 0  # of the event folded last
    assert (one == other).all()


def test_floating_point_sums_do_not_so_nothing_regroups_them() -> None:
    rows = [(at, 1 / at) for at in range(NOW - WINDOW, NOW)]
    sums = {bits(build_layout([AggregateSpec("sum", 0, 0, WINDOW, hop)]), events(rows))[0] for hop in HOPS}
    assert len(sums) > 1
