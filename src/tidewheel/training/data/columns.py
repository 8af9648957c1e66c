"""Columns from which nothing can be learned, or that tell rows apart by name alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.features.words import one_array, to_words
from tidewheel.training.data.findings import EXAMPLES, Finding
from tidewheel.training.data.levels import MOST_LEVELS

Ints = npt.NDArray[np.int64]
LEAST_ROWS = 100
"""Of fewer rows nobody can say that each has a value of its own."""
UNIQUE = 0.95
"""Share of distinct values from which on a column is like an id."""


def check_columns(view: pa.Table, texts: Sequence[str], train: Ints, test: Ints) -> Iterator[Finding]:
    """Yield what is wrong with single columns of a data set.

    Parameters
    ----------
    view : Table
        The view's columns.
    texts : sequence of str
        Those that hold strings.
    train, test : int64 arrays
        Positions of the rows on either side.

    Examples
    --------
    >>> view = pa.table({"code": [f"c{i}" for i in range(200)], "amount": [None] * 200})
    >>> [(found.column, found.kind) for found in check_columns(view, ["code"], np.arange(150), np.arange(150, 200))]
    [('code', 'like an id'), ('amount', 'empty')]
    """
    for name in view.column_names:
        learned, tested = (one_array(view[name].take(pa.array(rows))) for rows in (train, test))
        found = _texts(name, learned, tested) if name in texts else _numbers(name, learned, tested)
        if found is not None:
            yield found


def _texts(name: str, train: pa.Array, test: pa.Array) -> Finding | None:
    train, test = train.cast(pa.string()), test.cast(pa.string())
    levels = pc.unique(train.drop_null())
    filled = len(train) - train.null_count
    nothing = _nothing(name, len(train), filled, len(levels), len(test) - test.null_count)
    if nothing is not None:
        return nothing
    if filled >= LEAST_ROWS and len(levels) >= UNIQUE * filled:
        return _like_an_id(name, filled, len(levels), levels[:EXAMPLES].to_pylist())
    if len(levels) > MOST_LEVELS:
        return _many_levels(name, train, test, levels)
    return None


def _numbers(name: str, train: pa.Array, test: pa.Array) -> Finding | None:
    words = to_words(train, text=False)
    known = words[~np.isnan(words)]
    distinct = np.unique(known)
    seen = int(np.count_nonzero(~np.isnan(to_words(test, text=False))))
    nothing = _nothing(name, len(train), known.size, distinct.size, seen)
    if nothing is not None:
        return nothing
    whole = known.size >= LEAST_ROWS and distinct.size == known.size and bool(np.all(known == np.floor(known)))
    return _like_an_id(name, known.size, distinct.size, distinct[:EXAMPLES].tolist()) if whole else None


def _nothing(name: str, rows: int, filled: int, distinct: int, seen: int) -> Finding | None:
    evidence = {"train_rows": rows, "filled": filled, "filled_in_test": seen}
    if not filled:
        return Finding("empty", name, f"null on all {rows} train rows: nothing can be learned from it", evidence)
    if distinct == 1 and filled == rows:
        return Finding("constant", name, f"the same on all {rows} train rows: nothing can be learned from it", evidence)
    if not seen and filled >= 0.05 * rows:
        said = f"null on every test row, and filled on {filled} of {rows} train rows: did its source stop?"
        return Finding("empty in test", name, said, evidence)
    return None


def _like_an_id(name: str, filled: int, distinct: int, examples: list[object]) -> Finding:
    said = f"{distinct} values on {filled} train rows, nearly one a row: like an id or a clock, it knows no row to come"
    return Finding("like an id", name, said, {"filled": filled, "distinct": distinct, "examples": examples})


def _many_levels(name: str, train: pa.Array, test: pa.Array, levels: pa.Array) -> Finding:
    counts = np.sort(pc.value_counts(train.drop_null()).field("counts").to_numpy())[::-1]
    rare = float(counts[MOST_LEVELS:].sum() / counts.sum())
    filled = max(1, len(test) - test.null_count)
    unseen = 1.0 - pc.sum(pc.is_in(test.drop_null(), value_set=levels)).as_py() / filled if len(test) else 0.0
    said = (
        f"{len(levels)} levels: the {MOST_LEVELS} commonest are kept, and the others, {rare:.1%} of the train rows, "
        f"are one; {unseen:.1%} of the test rows have a level that training never saw"
    )
    evidence = {"levels": len(levels), "kept": MOST_LEVELS, "rows_of_others": rare, "unseen_in_test": unseen}
    return Finding("many levels", name, said, evidence)
