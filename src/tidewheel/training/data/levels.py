"""Category levels: fixed by the train rows, carried by the version, the same codes ever after.

A category reaches a learner as a code: its place among the sorted levels. What the train rows
never showed is one code of its own, ``len(levels)``; null is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.features.words import to_words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MOST_LEVELS = 10_000
"""Of a column with more, the most frequent are kept, and the rest share the unseen code."""


def fix_levels(table: pa.Table, texts: Sequence[str], rows: Ints) -> dict[str, list[str]]:
    """Return the sorted levels of each text column among `rows`.

    Examples
    --------
    >>> table = pa.table({"country": ["SE", "NO", None, "DK"]})
    >>> fix_levels(table, ["country"], np.array([0, 1, 2]))
    {'country': ['NO', 'SE']}
    """
    chosen = pa.array(rows)
    return {name: _levels(table[name].take(chosen)) for name in texts}


def encode(table: pa.Table, levels: Mapping[str, Sequence[str]]) -> Floats:
    """Return the matrix a learner sees: numbers as they are, categories as codes, columns in order.

    Examples
    --------
    >>> table = pa.table({"amount": [1.5, None], "country": ["SE", "FI"]})
    >>> encode(table, {"country": ["NO", "SE"]}).tolist()
    [[1.5, 1.0], [nan, 2.0]]
    """
    matrix = np.empty((table.num_rows, table.num_columns))
    for position, name in enumerate(table.column_names):
        if name in levels:
            matrix[:, position] = _codes(table[name], levels[name])
        else:
            matrix[:, position] = to_words(table[name], text=False)
    return matrix


def _levels(column: pa.ChunkedArray) -> list[str]:
    counted = pc.value_counts(column.cast(pa.string()).drop_null())
    found = pa.table({"level": counted.field("values"), "rows": counted.field("counts")})
    if found.num_rows > MOST_LEVELS:
        # Chosen in Arrow: a column that is an id by mistake has millions of levels
        commonest = pc.select_k_unstable(found, MOST_LEVELS, [("rows", "descending"), ("level", "ascending")])
        found = found.take(commonest)
    return sorted(found["level"].to_pylist())


def _codes(column: pa.ChunkedArray, levels: Sequence[str]) -> Floats:
    texts = column.cast(pa.string()).combine_chunks()
    places = pc.index_in(texts, value_set=pa.array(levels, pa.string())).fill_null(len(levels))
    codes: Floats = places.to_numpy(zero_copy_only=False).astype(np.float64)
    codes[texts.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return codes
