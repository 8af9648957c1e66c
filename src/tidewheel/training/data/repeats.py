"""Rows and entities that stand on both sides of a split, and equal rows with different labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.training.data.findings import EXAMPLES, Finding
from tidewheel.training.data.split import Sides

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WORTH_TELLING = 0.01
"""Share of rows from which on repeats are told."""
FEW_COLUMNS = 5
"""In fewer, rows may well be equal by chance."""
_ODD = np.uint64(0x9E3779B97F4A7C15)


def check_repeats(x: Floats, y: Floats, ids: pa.Array, sides: Sides) -> Iterator[Finding]:
    """Yield what equal rows say: test rows that a train row equals in every column, and equal rows labelled otherwise.

    Parameters
    ----------
    x : float64 array, shape (n, columns)
    y : float64 array
    ids : Array of string
    sides : Sides

    Examples
    --------
    >>> x = np.array([[1.0, 2.0]] * 4 + [[3.0, 4.0]])
    >>> sides = Sides(np.array([0, 1, 4]), np.array([2, 3]), 0, 0)
    >>> [str(found)[:31] for found in check_repeats(x, np.array([0.0, 1, 0, 0, 0]), pa.array(list("abcde")), sides)]
    ['2 of 2 test rows (100.0%) equal', '2 of 3 train rows (66.7%) equal']
    """
    names = row_hashes(x)
    train, test = names[sides.train], names[sides.test]
    again = np.flatnonzero(np.isin(test, train))
    if again.size > WORTH_TELLING * test.size:
        said = f"{_share(again.size, test.size, 'test')} equal a train row in every column: are they delivered twice?"
        found = _evidence(ids, sides.test[again], again.size, test.size)
        yield Finding("duplicate rows", "", said, found, level="note" if x.shape[1] < FEW_COLUMNS else "warning")
    _, group = np.unique(train, return_inverse=True)
    least, most = np.full(group.max(initial=0) + 1, np.inf), np.full(group.max(initial=0) + 1, -np.inf)
    np.minimum.at(least, group, y[sides.train])
    np.maximum.at(most, group, y[sides.train])
    torn = np.flatnonzero(least[group] < most[group])
    if torn.size > WORTH_TELLING * train.size:
        said = f"{_share(torn.size, train.size, 'train')} equal one with another label: no model can tell them apart"
        found = _evidence(ids, sides.train[torn], torn.size, train.size)
        yield Finding("conflicting labels", "", said, found, level="note")


def check_overlap(owners: Mapping[str, Ints], sides: Sides, by: str, timely: bool) -> Iterator[Finding]:
    """Yield which entities have rows on both sides.

    Parameters
    ----------
    owners : mapping of str to int64 array
        For each reference of the event, the hash of what each row refers to; 0 for none.
    sides : Sides
    by : str
        The reference by which the split keeps entities apart; "" for none.
    timely : bool
        The split is by time, where entities that come back are usual: a note.
    """
    for name, owner in owners.items():
        train, test = owner[sides.train], owner[sides.test]
        known = np.isin(test, train[train != 0])
        if name == by or not known.any():
            continue
        both, distinct = np.unique(test[known]).size, np.unique(test[test != 0]).size
        said = f"{both} of the {distinct} in the test are in the train rows too, on {known.mean():.1%} of the test rows"
        remedy = "" if timely else f"; tw.split.by_group or blocked_by keeps each {name} on one side"
        evidence = {"entities": both, "in_test": distinct, "share_of_test_rows": float(known.mean())}
        yield Finding("shared entities", name, said + remedy, evidence, level="note" if timely else "warning")


def row_hashes(x: Floats) -> npt.NDArray[np.uint64]:
    """Return 64 bits for each row that follow from its columns' bits, one column at a time; NaN is one value."""
    words = np.zeros(len(x), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for place in range(x.shape[1]):
            column = x[:, place] + 0.0  # -0.0 is 0.0
            column[np.isnan(column)] = np.nan
            words = (words ^ column.view(np.uint64)) * _ODD
            words ^= words >> np.uint64(29)
    return words


def _share(part: int, whole: int, side: str) -> str:
    return f"{part} of {whole} {side} rows ({part / whole:.1%})"


def _evidence(ids: pa.Array, rows: Ints, count: int, of: int) -> dict[str, object]:
    return {"rows": count, "of": of, "examples": ids.take(pa.array(rows[:EXAMPLES])).to_pylist()}
