"""What the train rows looked like, kept with the version so that drift can be told from noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.features.words import to_words
from tidewheel.metrics import bin_counts, quantile_edges
from tidewheel.registry.models.profile import FallbackTable, FeatureProfile, Profile

Floats = npt.NDArray[np.float64]
BINS = 10
MOST_LEVELS = 20
PRIOR_ROWS = 20.0
MOST_KEYS = 100_000


def number_profile(name: str, values: Floats) -> FeatureProfile:
    """Return a number column's profile in deciles.

    Examples
    --------
    >>> seen = number_profile("amount", np.array([1.0, 1.0, 1.0, 3.0, np.nan]))
    >>> seen.edges, seen.counts, seen.nulls
    ([1.0], [3, 1], 1)
    """
    edges = quantile_edges(values, BINS)
    *counts, nulls = bin_counts(values, edges).tolist()
    filled = values[np.isfinite(values)]
    mean, std = (float(filled.mean()), float(filled.std())) if filled.size else (None, None)
    return FeatureProfile(name=name, nulls=nulls, edges=edges.tolist(), counts=counts, mean=mean, std=std)


def category_profile(name: str, column: pa.ChunkedArray) -> FeatureProfile:
    """Return a text column's profile: its commonest values, and all others together.

    Examples
    --------
    >>> seen = category_profile("country", pa.chunked_array([["SE", "SE", "NO", None]]))
    >>> seen.levels, seen.level_counts, seen.nulls
    (['SE', 'NO'], [2, 1, 0], 1)
    """
    texts = column.cast(pa.string()).drop_null()
    counted = pc.value_counts(texts)
    found = pa.table({"level": counted.field("values"), "rows": counted.field("counts")})
    order = [("rows", "descending"), ("level", "ascending")]
    common = found.take(pc.select_k_unstable(found, min(MOST_LEVELS, found.num_rows), order))
    counts = common["rows"].to_pylist()
    return FeatureProfile(
        name=name,
        nulls=len(column) - len(texts),
        levels=common["level"].to_pylist(),
        level_counts=[*counts, len(texts) - sum(counts)],
    )


def training_profile(table: pa.Table, texts: Sequence[str], y: Floats, test_score: Floats) -> Profile:
    """Return the profile of the train rows and of the scores of rows not trained on.

    Parameters
    ----------
    table : Table
        View columns of the train rows.
    texts : sequence of str
        Which of them are strings.
    y : float64 array
        Labels of the train rows.
    test_score : float64 array
        Scores of the test rows.
    """
    features = [
        category_profile(name, table[name])
        if name in texts
        else number_profile(name, to_words(table[name], text=False))
        for name in table.column_names
    ]
    score = number_profile("score", test_score)
    return Profile(rows=table.num_rows, features=features, score=score, label_rate=float(y.mean()))


def fallback_table(by: tuple[str, ...], keys: pa.Array | pa.ChunkedArray, y: Floats, weight: Floats) -> FallbackTable:
    """Return the mean label of each key, drawn towards the mean of all by twenty rows' weight.

    What a service answers from when it can't score: see ``tw.table(by=...)``. The commonest
    100,000 keys are kept.

    Examples
    --------
    >>> table = fallback_table(("card",), pa.array(["a", "a", None]), np.array([1.0, 1.0, 0.0]), np.ones(3))
    >>> table.scores["a"] > table.default
    True
    """
    overall = float(np.average(y, weights=weight))
    filled = keys.cast(pa.string())
    filled = (filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled).dictionary_encode()
    codes = filled.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = codes >= 0
    size = len(filled.dictionary)
    mass = np.bincount(codes[held], weight[held], minlength=size)
    total = np.bincount(codes[held], (weight * y)[held], minlength=size)
    mean = (total + PRIOR_ROWS * overall) / (mass + PRIOR_ROWS)
    names = filled.dictionary.to_pylist()
    kept = sorted(range(size), key=lambda code: (-mass[code], names[code]))[:MOST_KEYS]
    scores = {names[code]: float(mean[code]) for code in sorted(kept, key=names.__getitem__)}
    return FallbackTable(by=by, scores=scores, default=overall)
