"""Events that correct others: of the rows of one id, which one holds.

A row corrects the rows of its id that stand before it when its ``revision`` is higher than theirs; null is 0. Rows are
in offset order, or in the order in which they became known.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions.ir import REVISION

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def revisions_of(table: pa.Table) -> Ints:
    """Return the revision of each row."""
    return numbers(table[REVISION])


def numbers(revisions: pa.Array | pa.ChunkedArray) -> Ints:
    """Return revisions with null as 0."""
    return np.asarray(revisions.cast(pa.int64()).fill_null(0), np.int64)


def corrected_by(ids: pa.Array | pa.ChunkedArray, revisions: Ints) -> Ints:
    """Return for each row the place of the one that corrects it, -1 for none.

    Examples
    --------
    >>> corrected_by(pa.array(["a", "b", "a", "a", "a"]), np.array([0, 0, 1, 1, 3])).tolist()
    [2, -1, 4, -1, -1]
    """
    codes = _codes(ids)
    by = np.full(len(codes), -1, np.int64)
    if len(codes) == 0:
        return by
    again = np.flatnonzero(np.bincount(codes)[codes] > 1)
    newest: dict[int, int] = {}
    for place, code in zip(again.tolist(), codes[again].tolist(), strict=True):
        before = newest.setdefault(code, place)
        if revisions[place] > revisions[before]:
            by[before], newest[code] = place, place
    return by


def rising(table: pa.Table) -> Mask:
    """Tell which rows begin an id or correct it; the others are duplicates."""
    by = corrected_by(table["_id"], revisions_of(table))
    kept = np.zeros(len(table), np.bool_)
    kept[firsts(table["_id"])] = True
    kept[by[by >= 0]] = True
    return kept


def first_revisions(table: pa.Table) -> pa.Table:
    """Return one row for each id: as it first became known."""
    return table.take(pa.array(firsts(table["_id"])))


def newest_revisions(table: pa.Table) -> pa.Table:
    """Return the rows that no other one of the table corrects."""
    return table.filter(pa.array(corrected_by(table["_id"], revisions_of(table)) < 0))


def firsts(ids: pa.Array | pa.ChunkedArray) -> Ints:
    """Return the place of the first row of each id, in order."""
    return np.sort(np.unique(_codes(ids), return_index=True)[1]).astype(np.int64)


def _codes(ids: pa.Array | pa.ChunkedArray) -> Ints:
    whole = ids.cast(pa.large_string())
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.combine_chunks()
    return np.asarray(whole.dictionary_encode().indices.to_numpy(), np.int64)
