"""A search by words: BM25 over one text of each item."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from tidewheel.retrieval.best import best

K1, B = 1.2, 0.75
_WORD = re.compile(r"[^\W_]+")


class WordIndex:
    """Items by the words of a text (Robertson and Zaragoza, 2009; the idf of Lucene, which is never below 0).

    Parameters
    ----------
    ids : sequence of str
        Rising.
    texts : sequence of str or None

    Examples
    --------
    >>> index = WordIndex(["m1", "m2", "m3"], ["The Third Man", "The Man", "Heat"])
    >>> index.search("third man", 10)
    ['m1', 'm2']
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str | None]) -> None:
        self.ids = list(ids)
        self._postings = _postings([words_of(text or "") for text in texts])

    def search(self, query: str | None, k: int) -> list[str]:
        """Return the ids of the `k` items that answer a query best; those that share no word with it never."""
        scores = np.zeros(len(self.ids))
        for word, times in Counter(words_of(query or "")).items():
            if word in self._postings:
                places, weights = self._postings[word]
                scores[places] += times * weights
        return [self.ids[place] for place in best(np.where(scores > 0.0, scores, np.nan), k).tolist()]


Postings = dict[str, tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]]


def words_of(text: str) -> list[str]:
    """Return the words of a text: runs of letters and digits, without case, however they are encoded.

    Examples
    --------
    >>> words_of("Se7en (1995)"), words_of("STRASSE") == words_of("Straße")
    (['se7en', '1995'], True)
    """
    return _WORD.findall(normalize("NFKC", text).casefold())


def _postings(documents: list[list[str]]) -> Postings:
    """Return, for each word, the items that hold it and what it is worth in each."""
    lengths = np.array([len(document) for document in documents], np.float64)
    mean = lengths.mean() if lengths.any() else 1.0
    held: dict[str, tuple[list[int], list[int]]] = {}
    for place, document in enumerate(documents):
        for word, times in Counter(document).items():
            places, counts = held.setdefault(word, ([], []))
            places.append(place)
            counts.append(times)
    postings: Postings = {}
    for word, (places, counts) in held.items():
        where, often = np.array(places, np.int32), np.array(counts, np.float64)
        idf = np.log1p((len(documents) - where.size + 0.5) / (where.size + 0.5))
        postings[word] = where, idf * often * (K1 + 1.0) / (often + K1 * (1.0 - B + B * lengths[where] / mean))
    return postings
