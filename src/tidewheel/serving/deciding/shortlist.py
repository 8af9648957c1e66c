"""From scored candidates to a list: business rules, limits, diversity, ties by id. A pure function of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions.ir.ranking import Top

Floats = npt.NDArray[np.float64]


class Cut(NamedTuple):
    """Places of candidates: those of the list in its order, others that might have stood in it, what is pinned."""

    chosen: list[int]
    rest: list[int]
    pinned: frozenset[int]


def shortlist(
    top: Top,
    ids: Sequence[str],
    scores: Floats,
    columns: Mapping[str, Floats],
    vectors: npt.NDArray[np.float32] | None = None,
    left: npt.NDArray[np.bool_] | None = None,
) -> Cut:
    """Return the places of the items of a list.

    Parameters
    ----------
    top : Top
        How the list is cut.
    ids : sequence of str
        Of the candidates, each once.
    scores : float64[n]
    columns : mapping
        What rules and limits read, a value (a word) for each candidate.
    vectors : float32[n, size], optional
        Unit vectors, zeros for an item without; needed where the list is spread.
    left : bool[n], optional
        Which candidates there are: those of `allowed`, unless given.
    """
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.intp)
    kept = (allowed(top, columns, len(ids)) if left is None else left)[order]
    columns = {name: column[order] for name, column in columns.items()}
    scores = _boosted(top, scores[order], columns)
    pinned: dict[int, int] = {}
    for rule in top.rules:
        found = np.flatnonzero(kept & (columns[rule.column] == 1.0)) if rule.kind == "pin" else np.empty(0, np.intp)
        if found.size and rule.at <= top.k:
            best = int(found[scores[found].argmax()])
            pinned[rule.at - 1] = best
            kept[best] = False
    spread = top.diversity < 1.0 and vectors is not None
    chosen = _filled(top, scores, columns, vectors[order] if spread and vectors is not None else None, kept, pinned)
    rest = np.flatnonzero(kept)
    return Cut(order[chosen].tolist(), order[rest].tolist(), frozenset(order[list(pinned.values())].tolist()))


def allowed(top: Top, columns: Mapping[str, Floats], n: int) -> npt.NDArray[np.bool_]:
    """Return which of `n` candidates no rule leaves out."""
    kept = np.ones(n, np.bool_)
    for rule in top.rules:
        if rule.kind == "drop":
            kept &= columns[rule.column] != 1.0
    return kept


def passed(
    top: Top,
    ids: Sequence[str],
    columns: Mapping[str, Floats],
    k: int,
    scores: Floats,
    left: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Return which candidates go on to a cascade's next model.

    They are the `k` that stand best so far, boosts counted and equal ones by id, and the best for each place that a
    rule pins.
    """
    scores = _boosted(top, scores, columns)
    order = sorted(np.flatnonzero(left).tolist(), key=lambda place: (-scores[place], ids[place]))
    going = np.zeros(len(ids), np.bool_)
    going[order[:k]] = True
    for rule in top.rules:
        if rule.kind == "pin":
            best = next((place for place in order if columns[rule.column][place] == 1.0), None)
            going[[] if best is None else [best]] = True
    return going


def _boosted(top: Top, scores: Floats, columns: Mapping[str, Floats]) -> Floats:
    for rule in top.rules:
        if rule.kind == "boost":
            scores = np.where(columns[rule.column] == 1.0, scores + rule.by, scores)
    return scores


def _filled(
    top: Top,
    scores: Floats,
    columns: Mapping[str, Floats],
    vectors: npt.NDArray[np.float32] | None,
    kept: npt.NDArray[np.bool_],
    pinned: Mapping[int, int],
) -> list[int]:
    """Fill the list from the top: what is pinned stands where it is, the rest follows by its value."""
    limits = [(columns[name].view(np.int64), most, _Counts()) for name, most in top.at_most]
    scaled = _scaled(scores, kept) if vectors is not None else scores
    likeness = np.zeros(len(scores))
    chosen: list[int] = []

    def take(place: int) -> None:
        nonlocal likeness
        chosen.append(place)
        kept[place] = False
        for values, most, counts in limits:
            if not _is_null(values[place]) and counts.add(int(values[place])) >= most:
                kept[values == values[place]] = False
        if vectors is not None:
            alike = vectors @ vectors[place]
            likeness = alike if len(chosen) == 1 else np.maximum(likeness, alike)

    while len(chosen) < top.k:
        if len(chosen) in pinned:
            take(pinned[len(chosen)])
            continue
        if not kept.any():
            break
        value = scaled if vectors is None else top.diversity * scaled - (1.0 - top.diversity) * likeness
        take(int(np.where(kept, value, -np.inf).argmax()))
    chosen.extend(place for at, place in sorted(pinned.items()) if place not in chosen)
    return chosen


class _Counts(dict[int, int]):
    """How many items of each value the list holds."""

    def add(self, value: int) -> int:
        """Count one more; return how many there are."""
        self[value] = self.get(value, 0) + 1
        return self[value]


def _is_null(word: np.int64) -> bool:
    """Tell null from a value: no text's hash is 0, and NaN is no number. The number 0.0 is not null."""
    return bool(np.isnan(np.int64(word).view(np.float64))) or word == _NOTHING


_NOTHING = np.iinfo(np.int64).min
"""Stands for a null text; `limit_words` puts it there."""


def limit_words(words: Floats, text: bool) -> Floats:
    """Return a column of words such that a null text is told from the number 0.

    Examples
    --------
    >>> limit_words(np.array([0.0]), text=True).view(np.int64).tolist() == [_NOTHING]
    True
    """
    if not text:
        return words
    hashes = np.ascontiguousarray(words).view(np.int64)
    return np.where(hashes == 0, _NOTHING, hashes).view(np.float64)


def _scaled(scores: Floats, kept: npt.NDArray[np.bool_]) -> Floats:
    """Return scores from 0 to 1 over the candidates that are left."""
    if not kept.any():
        return scores
    low, high = scores[kept].min(), scores[kept].max()
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))
