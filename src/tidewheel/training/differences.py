"""In which rows, columns and scores a repeated run differs from the one it repeats, and what may have done it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.features.words import to_words
from tidewheel.registry.models.arrays import unpack_arrays

MOST_COLUMNS = 5
"""Columns that are named; the rest are counted."""
_ROWS_ONLY = ("lake table", "history")
"""Changes that reach a model through its rows alone."""


def data_differences(before: pa.Table, after: pa.Table) -> list[str]:
    """Return a sentence for each way in which two data sets differ; both as ``DataSet.table`` gives them.

    Values are compared to the bit, on the rows that both have.

    Examples
    --------
    >>> one = pa.table({"_id": ["a", "b", "c"], "amount": [1.0, 2.0, 3.0]})
    >>> data_differences(one, pa.table({"_id": ["b", "c", "d"], "amount": [2.0, 3.5, 4.0]}))
    ['rows: 1 only then, 1 only now, 2 in both', 'column amount: 1 of 2 rows differ, first c: 3.0 then, 3.5 now']
    """
    found = []
    shared = pc.is_in(before["_id"], after["_id"].combine_chunks())
    one = before.filter(shared)
    two = after.filter(pc.is_in(after["_id"], before["_id"].combine_chunks()))
    gone, come = before.num_rows - one.num_rows, after.num_rows - two.num_rows
    if gone or come:
        found.append(f"rows: {gone} only then, {come} only now, {one.num_rows} in both")
    for what, names, others in (("only then", before, after), ("only now", after, before)):
        lacking = [name for name in names.column_names if name not in others.column_names]
        found += [f"columns {what}: {', '.join(lacking)}"] if lacking else []
    if not one["_id"].equals(two["_id"]):
        return [*found, "rows: in another order"]
    return found + _columns(one, two)


def prediction_differences(before: bytes, after: bytes) -> list[str]:
    """Return a sentence on how the scores of test rows differ; both as a run's artifact ``predictions``.

    Examples
    --------
    >>> from tidewheel.registry.models.arrays import pack_arrays
    >>> rows = np.array([4, 7])
    >>> one, two = (pack_arrays({"offset": rows, "score": np.array([0.5, last])}) for last in (0.25, 0.75))
    >>> prediction_differences(one, two)
    ['predictions: 1 of 2 test rows score differently, by at most 0.5 (offset 7: 0.25 then, 0.75 now)']
    """
    one, two = unpack_arrays(before), unpack_arrays(after)
    if not np.array_equal(one["offset"], two["offset"]):
        both = len(np.intersect1d(one["offset"], two["offset"]))
        return [
            f"predictions: of other test rows ({len(one['offset'])} then, {len(two['offset'])} now, {both} in both)"
        ]
    far = np.abs(one["score"] - two["score"])
    odd = int(_unequal(one["score"], two["score"]).sum())
    if not odd:
        return []
    most = int(far.argmax())
    pair = f"offset {one['offset'][most]}: {float(one['score'][most])!r} then, {float(two['score'][most])!r} now"
    return [f"predictions: {odd} of {len(far)} test rows score differently, by at most {far[most]:.3g} ({pair})"]


def reason(same_data: bool, same_predictions: bool, same_metrics: bool, changed: Sequence[str]) -> str:
    """Return where two runs parted and which of the changes may have done it; "" when they are the same.

    Examples
    --------
    >>> reason(True, False, False, ["lake table Payment: 3 then, 4 now", "library lightgbm: 4.6.0 then, 4.7.0 now"])
    'on the same rows the model came out otherwise; what changed: library lightgbm'
    >>> reason(True, False, False, [])
    'on the same rows the model came out otherwise, and nothing recorded changed: the estimator does not repeat itself'
    """
    suspects = [change.partition(":")[0] for change in changed]
    if not same_data:
        said, open_cause = "the rows came out otherwise", "a feature or label does not repeat itself"
    elif not same_predictions:
        suspects = [change for change in suspects if not change.startswith(_ROWS_ONLY)]
        said, open_cause = "on the same rows the model came out otherwise", "the estimator does not repeat itself"
    elif not same_metrics:
        suspects = [change for change in suspects if not change.startswith(_ROWS_ONLY)]
        said, open_cause = "the same scores were measured otherwise", "a metric does not repeat itself"
    else:
        return ""
    if suspects:
        return f"{said}; what changed: {', '.join(suspects)}"
    return f"{said}, and nothing recorded changed: {open_cause}"


def _columns(before: pa.Table, after: pa.Table) -> list[str]:
    """Compare the columns that two tables of the same rows share."""
    found: list[str] = []
    more = 0
    for name in before.column_names:
        if name == "_id" or name not in after.column_names:
            continue
        odd = np.flatnonzero(_unequal(_words(before[name]), _words(after[name])))
        if not len(odd):
            continue
        if len(found) == MOST_COLUMNS:
            more += 1
            continue
        row = int(odd[0])
        then, now = (table[name][row].as_py() for table in (before, after))
        first = f"first {before['_id'][row].as_py()}: {then!r} then, {now!r} now"
        found.append(f"column {name}: {len(odd)} of {before.num_rows} rows differ, {first}")
    return [*found, f"columns: {more} more differ"] if more else found


def _words(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return to_words(column, text=pa.types.is_string(column.type) or pa.types.is_dictionary(column.type))


def _unequal(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Compare numbers to the bit."""
    return np.asarray(np.ascontiguousarray(one).view(np.int64) != np.ascontiguousarray(two).view(np.int64))
