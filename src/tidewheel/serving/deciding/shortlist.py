"""From scored candidates to a list: business rules, limits, diversity, ties by id. A pure function of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions.ir.ranking import Top

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[Any]]
"""What rules and limits read, a value for each candidate; see `columns_of`."""


class Cut(NamedTuple):
    """Places of candidates: those of the list in its order, others that might have stood in it, what is pinned."""

    chosen: list[int]
    rest: list[int]
    pinned: frozenset[int]


def shortlist(
    top: Top,
    ids: Sequence[str],
    scores: Floats,
    columns: Columns,
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
        NaN of what can't stand in the list.
    columns : Columns
    vectors : float32[n, size], optional
        Unit vectors, zeros for an item without; needed where the list is spread.
    left : bool[n], optional
        Which candidates there are: those of `allowed`, unless given.
    """
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.intp)
    columns = {name: column[order] for name, column in columns.items()}
    scores = _boosted(top, scores[order], columns)
    kept = (allowed(top, columns, len(ids)) if left is None else left[order]) & ~np.isnan(scores)
    pinned: dict[int, int] = {}
    for rule in top.rules:
        if rule.kind != "pin" or rule.at > top.k or rule.at - 1 in pinned:  # of two rules for a place the first counts
            continue
        found = np.flatnonzero(kept & (columns[rule.column] == 1.0))
        if found.size:
            best = int(found[scores[found].argmax()])
            pinned[rule.at - 1] = best
            kept[best] = False
    spread = top.diversity < 1.0 and vectors is not None
    chosen = _filled(top, scores, columns, vectors[order] if spread and vectors is not None else None, kept, pinned)
    rest = np.flatnonzero(kept)
    return Cut(order[chosen].tolist(), order[rest].tolist(), frozenset(order[list(pinned.values())].tolist()))


def allowed(top: Top, columns: Columns, n: int) -> npt.NDArray[np.bool_]:
    """Return which of `n` candidates no rule leaves out."""
    kept = np.ones(n, np.bool_)
    for rule in top.rules:
        if rule.kind == "drop":
            kept &= columns[rule.column] != 1.0
    return kept


def passed(
    top: Top,
    ids: Sequence[str],
    columns: Columns,
    k: int,
    scores: Floats,
    left: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Return which candidates go on to a cascade's next model.

    They are the `k` that stand best so far, boosts counted and equal ones by id, and the best for each place that a
    rule pins.
    """
    scores = _boosted(top, scores, columns)
    order = sorted(np.flatnonzero(left & ~np.isnan(scores)).tolist(), key=lambda place: (-scores[place], ids[place]))
    going = np.zeros(len(ids), np.bool_)
    going[order[:k]] = True
    for rule in top.rules:
        if rule.kind == "pin":
            best = next((place for place in order if columns[rule.column][place] == 1.0), None)
            going[[] if best is None else [best]] = True
    return going


def _boosted(top: Top, scores: Floats, columns: Columns) -> Floats:
    for rule in top.rules:
        if rule.kind == "boost":
            scores = np.where(columns[rule.column] == 1.0, scores + rule.by, scores)
    return scores


def _filled(
    top: Top,
    scores: Floats,
    columns: Columns,
    vectors: npt.NDArray[np.float32] | None,
    kept: npt.NDArray[np.bool_],
    pinned: Mapping[int, int],
) -> list[int]:
    """Fill the list from the top: what is pinned stands where it is, the rest follows by its value."""
    limits = [(columns[name], most, _Counts()) for name, most in top.at_most]
    scaled = _scaled(scores, kept) if vectors is not None else scores
    likeness = np.zeros(len(scores))
    chosen: list[int] = []

    def count(place: int) -> None:
        for codes, most, counts in limits:
            if codes[place] != NOTHING and counts.add(int(codes[place])) >= most:
                kept[codes == codes[place]] = False

    def take(place: int) -> None:
        nonlocal likeness
        chosen.append(place)
        kept[place] = False
        if vectors is not None:
            alike = vectors @ vectors[place]
            likeness = alike if len(chosen) == 1 else np.maximum(likeness, alike)

    for place in pinned.values():  # they will stand in the list, so what comes before them must leave them room
        count(place)
    while len(chosen) < top.k:
        if len(chosen) in pinned:
            take(pinned[len(chosen)])
            continue
        if not kept.any():
            break
        value = scaled if vectors is None else top.diversity * scaled - (1.0 - top.diversity) * likeness
        best = np.flatnonzero(kept)
        take(place := int(best[value[best].argmax()]))
        count(place)
    chosen.extend(place for at, place in sorted(pinned.items()) if place not in chosen)
    return chosen


class _Counts(dict[int, int]):
    """How many items of each value the list holds."""

    def add(self, value: int) -> int:
        """Count one more; return how many there are."""
        self[value] = self.get(value, 0) + 1
        return self[value]


NOTHING = -1
"""The code of a null, which no limit counts."""


def columns_of(top: Top, words: Floats, places: Mapping[str, tuple[int, bool]]) -> Columns:
    """Return the columns of the item view as rules and limits read them.

    Parameters
    ----------
    top : Top
    words : float64[n, columns]
        The item view's rows.
    places : mapping
        Of each column its place, and whether it is a text.
    """
    limited = dict(top.at_most)
    return {
        name: limit_codes(words[:, place], text) if name in limited else words[:, place]
        for name, (place, text) in places.items()
    }


def limit_codes(words: Floats, text: bool) -> npt.NDArray[np.intp]:
    """Return a small number for each value of a column of words, the same for equal ones; `NOTHING` for nulls.

    A text's word is a hash, any bits; so it is told from a number before it is looked at as one.

    Examples
    --------
    >>> limit_codes(np.array([2.0, np.nan, -0.0, 0.0]), text=False).tolist()
    [1, -1, 0, 0]
    """
    hashes = np.ascontiguousarray(words).view(np.int64)
    values, null = (hashes, hashes == 0) if text else (words, np.isnan(words))
    codes = np.unique(values, return_inverse=True)[1]
    return np.where(null, NOTHING, codes)


def _scaled(scores: Floats, kept: npt.NDArray[np.bool_]) -> Floats:
    """Return scores from 0 to 1 over the candidates that are left; what is infinite stands at an end."""
    known = scores[kept & np.isfinite(scores)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    scaled = (scores - low) / (high - low) if high > low else np.where(np.isinf(scores), scores, 0.0)
    return np.clip(scaled, 0.0, 1.0)
