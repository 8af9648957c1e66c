"""What the train rows looked like, kept with the version so that drift can be told from noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.features.words import to_words
from tidewheel.metrics import bin_counts, quantile_edges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BINS = 10
MOST_CATEGORIES = 20
PRIOR_ROWS = 20.0
MOST_KEYS = 100_000


@dataclass(frozen=True)
class NumberProfile:
    """A number column: inner bin edges and counts, the last of which is nulls."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class CategoryProfile:
    """A text column: its commonest values, and counts of each, then of others, then of nulls."""

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]


def number_profile(name: str, values: Floats) -> NumberProfile:
    """Return a number column's profile in deciles.

    Examples
    --------
    >>> number_profile("amount", np.array([1.0, 1.0, 1.0, np.nan])).counts
    (3, 1)
    """
    edges = quantile_edges(values, BINS)
    return NumberProfile(name, tuple(edges.tolist()), tuple(bin_counts(values, edges).tolist()))


def category_profile(name: str, column: pa.ChunkedArray) -> CategoryProfile:
    """Return a text column's profile.

    Examples
    --------
    >>> category_profile("country", pa.chunked_array([["SE", "SE", "NO", None]]))
    CategoryProfile(name='country', values=('SE', 'NO'), counts=(2, 1, 0, 1))
    """
    texts = column.cast(pa.string()).drop_null()
    counted = pc.value_counts(texts)
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    common = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:MOST_CATEGORIES]
    counts = [count for _, count in common]
    others, nulls = len(texts) - sum(counts), len(column) - len(texts)
    return CategoryProfile(name, tuple(value for value, _ in common), (*counts, others, nulls))


def view_profile(table: pa.Table, texts: Sequence[str]) -> list[NumberProfile | CategoryProfile]:
    """Return the profile of every column of a view."""
    return [
        category_profile(name, table[name])
        if name in texts
        else number_profile(name, to_words(table[name], text=False))
        for name in table.column_names
    ]


def score_table(keys: pa.Array, y: Floats, weight: Floats) -> Mapping[str, float]:
    """Return the mean label of each key, drawn towards the mean of all by twenty rows' weight.

    What a service answers from when it can't score: see ``tw.table(by=...)``. The commonest
    100,000 keys are kept; the key "" stands for all others.

    Examples
    --------
    >>> score_table(pa.array(["a", "a", None]), np.array([1.0, 1.0, 0.0]), np.ones(3))["a"] > 2 / 3
    True
    """
    overall = float(np.average(y, weights=weight))
    filled = keys.cast(pa.string()).dictionary_encode()
    codes = filled.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = codes >= 0
    size = len(filled.dictionary)
    mass = np.bincount(codes[held], weight[held], minlength=size)
    total = np.bincount(codes[held], (weight * y)[held], minlength=size)
    mean = (total + PRIOR_ROWS * overall) / (mass + PRIOR_ROWS)
    names = filled.dictionary.to_pylist()
    kept = sorted(range(size), key=lambda code: (-mass[code], names[code]))[:MOST_KEYS]
    return {"": overall} | {names[code]: float(mean[code]) for code in sorted(kept, key=names.__getitem__)}
