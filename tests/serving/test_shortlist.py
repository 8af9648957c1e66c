"""The cut of a list: rules, limits, diversity; whatever they are, a list is whole, bounded and the same each time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.definitions.ir.ranking import Rerank, Top
from tidewheel.kernel import hash_text
from tidewheel.serving.deciding.shortlist import Columns, Cut, columns_of, shortlist

IDS = ["a", "b", "c", "d", "e"]
SCORES = np.array([1.0, 5.0, 3.0, 5.0, 2.0])


def cut(top: Top, vectors: np.ndarray | None = None, scores: np.ndarray = SCORES, **columns: list[float]) -> str:
    return "".join(IDS[place] for place in whole(top, vectors, scores, **columns).chosen)


def whole(top: Top, vectors: np.ndarray | None = None, scores: np.ndarray = SCORES, **columns: list[float]) -> Cut:
    words = np.array(list(columns.values()), np.float64).reshape(-1, len(scores)).T
    places = {name: (place, False) for place, name in enumerate(columns)}
    return shortlist(top, IDS[: len(scores)], scores, columns_of(top, words, places), vectors)


def test_by_score_and_then_by_id() -> None:
    assert cut(Top(3)) == "bdc"
    assert cut(Top(9)) == "bdcea"
    backwards = shortlist(Top(5), IDS[::-1], SCORES[::-1], {}).chosen
    assert "".join(IDS[::-1][place] for place in backwards) == "bdcea"


def test_at_most_so_many_of_a_value() -> None:
    assert cut(Top(5, at_most=(("g", 1),)), g=[1, 2, 2, 2, 1]) == "be"
    assert cut(Top(5, at_most=(("g", 1),)), g=[0, 0, 0, 1, 1]) == "bd"
    assert cut(Top(5, at_most=(("g", 1),)), g=[math.nan] * 5) == "bdcea", "an item without a value is not counted"
    assert cut(Top(5, at_most=(("g", 1),)), g=[-0.0, 0.0, 0.0, 1, 1]) == "bd", "0 is one number"


def texts(*values: str | None) -> Columns:
    words = np.array([hash_text(value) for value in values], np.int64).view(np.float64).reshape(-1, 1)
    return columns_of(Top(5, at_most=(("g", 1),)), words, {"g": (0, True)})


def test_at_most_so_many_of_a_text_whatever_its_hash() -> None:
    top = Top(5, at_most=(("g", 1),))
    assert len(shortlist(top, IDS, SCORES, texts(*[None] * 5)).chosen) == 5, "an item without a value is not counted"
    assert np.isnan(np.int64(hash_text("g657")).view(np.float64)), "its bits are those of no number"
    assert shortlist(top, IDS, SCORES, texts(*["g657"] * 5)).chosen == [1]


def test_rules_drop_boost_and_pin() -> None:
    drop = Top(5, rules=(Rerank("drop", "r"),))
    assert cut(drop, r=[0, 1, 0, math.nan, 0]) == "dcea"
    assert cut(Top(3, rules=(Rerank("boost", "r", by=9.0),)), r=[1, 0, 0, 0, 0]) == "abd"
    pin = Top(3, rules=(Rerank("pin", "r", at=2),))
    assert cut(pin, r=[1, 0, 0, 0, 1]) == "bed", "the best of those that it holds for"
    assert cut(Top(2, rules=(Rerank("pin", "r", at=3),)), r=[1, 0, 0, 0, 0]) == "bd", "beyond the list"
    both = Top(5, rules=(Rerank("drop", "r"), Rerank("pin", "r", at=1)))
    assert cut(both, r=[1, 0, 0, 0, 0]) == "bdce", "what is dropped is not pinned"


def test_of_two_pins_for_a_place_the_first_counts_and_nothing_is_lost() -> None:
    two = Top(5, rules=(Rerank("pin", "r", at=1), Rerank("pin", "s", at=1)))
    assert cut(two, r=[1, 0, 0, 0, 0], s=[0, 0, 0, 0, 1]) == "abdce"
    assert cut(two, r=[0, 0, 0, 0, 0], s=[0, 0, 0, 0, 1]) == "ebdca"


def test_a_limit_leaves_room_for_what_is_pinned() -> None:
    top = Top(3, at_most=(("g", 1),), rules=(Rerank("pin", "r", at=3),))
    assert cut(top, g=[1, 1, 2, 3, 4], r=[1, 0, 0, 0, 0]) == "dca"


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_what_has_no_score_or_an_endless_one_has_its_place(weight: float) -> None:
    scores = np.array([math.nan, -math.inf, 1.0, math.inf, 2.0])
    alike = np.eye(5, dtype=np.float32)
    found = whole(Top(5, diversity=weight), alike, scores)
    assert [IDS[place] for place in found.chosen][:2] == ["d", "e"]
    assert {IDS[place] for place in found.chosen} == {*"bcde"}
    assert IDS.index("a") not in found.rest, "nothing is explored that has no score"
    assert cut(Top(5, rules=(Rerank("pin", "r", at=1),)), scores=scores, r=[1, 0, 0, 0, 0]) == "decb"
    assert cut(Top(2), scores=np.full(5, -math.inf)) == "ab"
    assert not cut(Top(2), scores=np.full(5, math.nan))


def test_likeness_is_weighed_against_the_score() -> None:
    alike = np.array([[0, 1], [1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    assert cut(Top(3, diversity=0.5), alike) == "bcd"
    assert cut(Top(3, diversity=0.99), alike) == "bdc"
    assert cut(Top(3, diversity=0.5)) == "bdc", "without vectors nothing is alike"


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2), st.booleans()), max_size=12),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.4, 1.0]),
)
def test_a_list_holds_to_its_limits(rows: list[tuple[int, int, bool]], k: int, most: int, weight: float) -> None:
    ids = [f"i{place}" for place in range(len(rows))]
    scores = np.array([row[0] for row in rows], np.float64)
    words = {"g": np.array([row[1] for row in rows], np.intp), "r": np.array([row[2] for row in rows], np.float64)}
    vectors = np.eye(3, dtype=np.float32)[[row[1] for row in rows]].reshape(-1, 3)
    top = Top(k, diversity=weight, at_most=(("g", most),), rules=(Rerank("drop", "r"),))
    cut = shortlist(top, ids, scores, words, vectors)
    assert cut == shortlist(top, ids, scores, words, vectors)
    chosen = cut.chosen
    assert not {*cut.rest} & {*chosen}
    assert cut.pinned <= {*chosen}
    assert len(set(chosen)) == len(chosen) <= k
    assert not any(rows[place][2] for place in chosen)
    counts = [sum(rows[place][1] == value for place in chosen) for value in range(3)]
    assert max(counts) <= most
    left = [place for place in range(len(rows)) if not rows[place][2] and place not in chosen]
    if len(chosen) < k:
        assert all(counts[rows[place][1]] == most for place in left), "only what a limit keeps out is left"
