"""A column of the view as a handful of values: a number in quarters, a text's commonest levels, null apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions.projects.masking import MASK
from tidewheel.features.words import to_words
from tidewheel.metrics import quantile_edges

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
BINS = 4
MOST_VALUES = 20
NULL = "(null)"


def cells(column: pa.ChunkedArray, *, text: bool, personal: bool = False) -> tuple[Ints, list[str]]:
    """Return the place of each row among the values, -1 for a rare one, and the values in words.

    With `personal` values are numbered, not named: what is found of them goes to reports, gates and cards.

    Examples
    --------
    >>> codes, values = cells(pa.chunked_array([["SE", "NO", None, "SE"]]), text=True)
    >>> codes.tolist(), values
    ([0, 1, 2, 0], ['SE', 'NO', '(null)'])
    >>> codes, values = cells(pa.chunked_array([[1.0, 2.0, 3.0, 4.0]]), text=False)
    >>> codes.tolist(), values
    ([0, 1, 2, 3], ['1', '2', '3', '4'])
    >>> cells(pa.chunked_array([["Ann", "Bob", None, "Ann"]]), text=True, personal=True)[1]
    ['[personal] 1', '[personal] 2', '(null)']
    """
    codes, values = _levels(column) if text else _bins(to_words(column, text=False))
    if personal:
        values = [value if value == NULL else f"{MASK} {place}" for place, value in enumerate(values, 1)]
    return codes, values


def _levels(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    texts = column.cast(pa.string()).combine_chunks()
    counted = pc.value_counts(texts.drop_null())
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    levels = [value for value, _ in sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES]]
    codes = pc.index_in(texts, value_set=pa.array(levels, pa.string())).fill_null(-1)
    found = np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)
    return _with_null(found, texts.is_null().to_numpy(zero_copy_only=False), levels)


def _bins(values: Floats) -> tuple[Ints, list[str]]:
    distinct = np.unique(values[~np.isnan(values)])
    if distinct.size <= BINS:
        found = np.searchsorted(distinct, values)
        return _with_null(found.astype(np.int64), np.isnan(values), [f"{value:.6g}" for value in distinct])
    edges = quantile_edges(values, BINS)
    ends = ["-inf", *(f"{edge:.6g}" for edge in edges), "inf"]
    names = [f"({low}, {high}{')' if high == 'inf' else ']'}" for low, high in pairwise(ends)]
    return _with_null(np.searchsorted(edges, values, side="left").astype(np.int64), np.isnan(values), names)


def _with_null(codes: Ints, null: npt.NDArray[np.bool_], names: list[str]) -> tuple[Ints, list[str]]:
    codes = np.where(null, len(names), codes)
    return codes, [*names, NULL] if null.any() else names
