"""Indexes: the same as looking at everything one by one; kept, and made anew beside who asks."""

from __future__ import annotations

import gzip
import math
import re
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.retrieval.best import best
from tidewheel.retrieval.fresh import Fresh
from tidewheel.retrieval.vectors import VectorIndex
from tidewheel.retrieval.words import WordIndex, words_of

NPL = Path(__file__).parents[3] / "shared" / "data" / "vaswani_npl"
SOME = st.sampled_from(["a", "b", "c", "dd", "e1"])


@given(st.lists(st.one_of(st.just(math.nan), st.integers(0, 5).map(float)), max_size=40), st.integers(1, 50))
def test_the_best_are_those_of_a_whole_sort(values: list[float], k: int) -> None:
    whole = sorted((place for place, v in enumerate(values) if v == v), key=lambda place: (-values[place], place))
    assert best(np.array(values, np.float64), k).tolist() == whole[:k]


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_the_nearest_are_those_of_all_cosines(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-3, 4, (n, 4)).astype(float)
    query = rng.normal(size=4)
    ids = [f"i{place:03}" for place in range(n)]
    index = VectorIndex(ids, vectors)
    lengths = np.linalg.norm(vectors, axis=1)
    like = {id: float(v @ query / length) for id, v, length in zip(ids, vectors, lengths, strict=True) if length > 0}
    found = index.nearest(query, k)
    assert len(found) == min(k, len(like))
    assert not {id for id in found if id not in like}
    worst = min((like[id] for id in found), default=0.0)
    assert all(like[id] <= worst + 1e-5 for id in like if id not in found)


def test_an_item_without_a_vector_is_like_nothing() -> None:
    index = VectorIndex(["a", "b"], np.array([[1.0, 0.0], [np.nan, np.nan]]))
    assert index.nearest(np.array([1.0, 1.0]), 5) == ["a"]
    assert index.near_item("b", 5) == index.near_item("nobody", 5) == index.near_item("a", 5) == []
    assert index.rows(["b", "nobody"]).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert index.nearest(np.array([np.nan, 1.0]), 5) == []


def text_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


def bm25(texts: list[str], query: str) -> list[float]:
    """Score every text word by word, as the formula stands."""
    documents = [words_of(text) for text in texts]
    mean = sum(map(len, documents)) / len(documents) or 1.0
    scores = []
    for document in documents:
        score = 0.0
        for word in words_of(query):
            held = sum(word in other for other in documents)
            idf = math.log1p((len(documents) - held + 0.5) / (held + 0.5))
            often = Counter(document)[word]
            score += idf * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(document) / mean))
        scores.append(score)
    return scores


@given(
    st.lists(st.lists(SOME, max_size=6).map(" ".join), min_size=1, max_size=12),
    st.lists(SOME, max_size=4).map(" ".join),
)
def test_words_are_weighed_by_the_formula(texts: list[str], query: str) -> None:
    ids = [f"d{place:02}" for place in range(len(texts))]
    found, scores = WordIndex(ids, texts).search(query, 20), dict(zip(ids, bm25(texts, query), strict=True))
    assert {id for id in ids if scores[id] > 0} == set(found)
    assert all(scores[a] >= scores[b] - 1e-9 for a, b in pairwise(found))


@pytest.mark.skipif(not NPL.exists(), reason="the collection is not beside this repository")
def test_questions_find_what_was_judged_to_answer_them() -> None:
    documents = re.findall(
        r"<DOCNO>(\d+)</DOCNO>\s*(.*?)</DOC>", text_of(NPL / "corpus" / "doc-text.trec.gz"), re.DOTALL
    )
    queries = dict(re.findall(r"<num>(\d+)</num><title>\s*(.*?)</title>", text_of(NPL / "query-text.trec"), re.DOTALL))
    relevant: dict[str, set[str]] = {}
    for line in text_of(NPL / "qrels").splitlines():
        query, _, document, _ = line.split()
        relevant.setdefault(query, set()).add(document)
    index = WordIndex([id for id, _ in documents], [text for _, text in documents])
    recalls = [len(set(index.search(queries[q], 100)) & found) / len(found) for q, found in relevant.items()]
    assert len(recalls) == 93
    assert np.mean(recalls) > 0.35


def test_it_is_made_anew_beside_who_asks() -> None:
    made: list[int] = []
    gate = threading.Event()

    def make() -> int:
        if made:
            gate.wait(10)
        made.append(len(made))
        return len(made)

    index = Fresh(make, 0.0)
    assert index.get() == 1
    assert index.get() == 1, "who asks gets the old one, and does not wait"
    gate.set()
    until = time.monotonic() + 10
    while index.get() == 1 and time.monotonic() < until:
        time.sleep(0.005)
    assert index.get() >= 2


def test_one_that_fails_stays_as_it_was() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        if len(made) > 1:
            raise OSError("gone")
        return 7

    index = Fresh(make, 0.0)
    assert index.get() == 7
    index.get()
    until = time.monotonic() + 10
    while len(made) < 2 and time.monotonic() < until:
        time.sleep(0.005)
    assert index.get() == 7
    assert len(made) >= 2
