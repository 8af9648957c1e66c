"""The cut of a list: rules, limits, diversity; whatever they are, a list is whole, bounded and the same each time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.definitions.ir.ranking import Rerank, Top
from tidewheel.serving.deciding.shortlist import limit_words, shortlist

IDS = ["a", "b", "c", "d", "e"]
SCORES = np.array([1.0, 5.0, 3.0, 5.0, 2.0])


def cut(top: Top, vectors: np.ndarray | None = None, **columns: list[float]) -> str:
    words = {name: np.array(values, np.float64) for name, values in columns.items()}
    return "".join(IDS[place] for place in shortlist(top, IDS, SCORES, words, vectors).chosen)


def test_by_score_and_then_by_id() -> None:
    assert cut(Top(3)) == "bdc"
    assert cut(Top(9)) == "bdcea"
    backwards = shortlist(Top(5), IDS[::-1], SCORES[::-1], {}).chosen
    assert "".join(IDS[::-1][place] for place in backwards) == "bdcea"


def test_at_most_so_many_of_a_value() -> None:
    assert cut(Top(5, at_most=(("g", 1),)), g=[1, 2, 2, 2, 1]) == "be"
    assert cut(Top(5, at_most=(("g", 1),)), g=[0, 0, 0, 1, 1]) == "bd"
    assert cut(Top(5, at_most=(("g", 1),)), g=[math.nan] * 5) == "bdcea", "an item without a value is not counted"
    nothing = limit_words(np.zeros(5), text=True)
    assert len(shortlist(Top(5, at_most=(("g", 1),)), IDS, SCORES, {"g": nothing}).chosen) == 5


def test_rules_drop_boost_and_pin() -> None:
    drop = Top(5, rules=(Rerank("drop", "r"),))
    assert cut(drop, r=[0, 1, 0, math.nan, 0]) == "dcea"
    assert cut(Top(3, rules=(Rerank("boost", "r", by=9.0),)), r=[1, 0, 0, 0, 0]) == "abd"
    pin = Top(3, rules=(Rerank("pin", "r", at=2),))
    assert cut(pin, r=[1, 0, 0, 0, 1]) == "bed", "the best of those that it holds for"
    assert cut(Top(2, rules=(Rerank("pin", "r", at=3),)), r=[1, 0, 0, 0, 0]) == "bd", "beyond the list"
    both = Top(5, rules=(Rerank("drop", "r"), Rerank("pin", "r", at=1)))
    assert cut(both, r=[1, 0, 0, 0, 0]) == "bdce", "what is dropped is not pinned"


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
    words = {"g": np.array([row[1] for row in rows], np.float64), "r": np.array([row[2] for row in rows], np.float64)}
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
