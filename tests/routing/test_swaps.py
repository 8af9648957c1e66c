"""Lists are explored as often, and with the probabilities, that are told."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.routing.swaps import Swaps

EVENTS = 40_000


def test_items_stand_where_they_are_said_to() -> None:
    swaps = Swaps("Recommend", 0.5)
    chosen, rest = [10, 11, 12], [13, 14]
    lists: Counter[tuple[int, ...]] = Counter()
    places: Counter[tuple[int, int]] = Counter()
    told: dict[tuple[int, ...], float] = {}
    stood: dict[tuple[int, int], float] = {}
    for number in range(EVENTS):
        found = swaps(f"e{number}", chosen, rest, {12})
        shown = tuple(found.order)
        lists[shown] += 1
        assert told.setdefault(shown, found.propensity) == found.propensity
        assert found.explored == (shown != tuple(chosen))
        for place, (item, propensity) in enumerate(zip(shown, found.propensities, strict=True)):
            places[place, item] += 1
            assert stood.setdefault((place, item), propensity) == pytest.approx(propensity)
    assert sum(told.values()) == pytest.approx(1.0)
    for shown, count in lists.items():
        assert count / EVENTS == pytest.approx(told[shown], abs=0.012), shown
    for at, count in places.items():
        assert count / EVENTS == pytest.approx(stood[at], abs=0.012), at
    assert {item for place, item in places if place == 2} == {12}
    assert sum(stood[0, item] for item in (10, 11, 13, 14)) == pytest.approx(1.0)


@given(st.integers(0, 6), st.integers(0, 6), st.floats(0.0, 1.0), st.text(), st.sets(st.integers(0, 5)))
def test_a_list_keeps_what_is_fixed(n: int, more: int, share: float, event: str, fixed: set[int]) -> None:
    chosen, rest = list(range(n)), list(range(n, n + more))
    found = Swaps("Recommend", share)(event, chosen, rest, fixed)
    assert len(set(found.order)) == n
    assert set(found.order) <= {*chosen, *rest}
    assert all(found.order[item] == item for item in fixed if item < n)
    assert sum(a != b for a, b in zip(found.order, chosen, strict=True)) in ((1, 2) if found.explored else (0,))
    assert all(0.0 <= p <= 1.0 + 1e-12 for p in [found.propensity, *found.propensities])
    assert found == Swaps("Recommend", share)(event, chosen, rest, fixed)
