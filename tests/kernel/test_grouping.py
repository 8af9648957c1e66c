"""Rows are grouped as numpy's lexsort groups them, however many threads do it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import StorageError
from tidewheel.kernel import count_visible, group_rows, group_sorted, take
from tidewheel.kernel.threads import cut


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), max_size=60))
def test_small(rows: list[tuple[int, int]]) -> None:
    codes = np.array([row[0] for row in rows], np.int64)
    order = np.array([row[1] for row in rows], np.int64)
    permutation, starts = group_rows(codes, order, 7)
    assert permutation.tolist() == np.lexsort((order, codes)).tolist()
    assert np.diff(starts).tolist() == np.bincount(codes, minlength=7).tolist()
    assert group_rows(codes, None, 7)[0].tolist() == np.argsort(codes, kind="stable").tolist()


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_large(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEWHEEL_THREADS", threads)
    random = np.random.default_rng(0)
    codes = random.zipf(1.2, 300_000) % 5000
    order = random.integers(0, 50_000, 300_000)
    permutation, starts = group_rows(codes, order)
    assert np.array_equal(permutation, np.lexsort((order, codes)))
    assert np.array_equal(group_sorted(codes, order)[2], order[permutation])
    columns = random.random((300_000, 3))
    assert np.array_equal(take(columns, permutation), columns[permutation])
    assert np.array_equal(take(codes.astype(np.int8), permutation), codes.astype(np.int8)[permutation])
    assert np.array_equal(codes[permutation], np.repeat(np.arange(len(starts) - 1), np.diff(starts)))


def test_codes_out_of_range_are_refused() -> None:
    for codes in ([0, 3], [-1, 0]):
        with pytest.raises(StorageError):
            group_rows(np.array(codes), None, 2)


def test_cuts_are_even_and_cover_everything() -> None:
    weights = np.cumsum([0, *np.random.default_rng(0).integers(0, 100, 50)])
    bounds = cut(weights, 4)
    assert bounds[0] == 0
    assert bounds[-1] == 50
    assert bounds == sorted(set(bounds))
    assert cut(np.zeros(1, np.int64), 4) == [0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=40), st.booleans(), st.booleans())
@settings(deadline=None)
def test_what_a_read_sees(reads: list[tuple[int, int]], inclusive: bool, grouped: bool) -> None:
    random = np.random.default_rng(len(reads))
    starts = np.array([0, 5, 5, 25, 26])
    positions = np.concatenate([np.sort(random.integers(0, 10, n)) for n in np.diff(starts)])
    asked = sorted(reads) if grouped else reads
    codes, bounds = (np.array([read[i] for read in asked], np.int64) for i in (0, 1))
    expected = [
        int(np.searchsorted(positions[starts[code] : starts[code + 1]], bound, "right" if inclusive else "left"))
        for code, bound in asked
    ]
    assert count_visible(starts, positions, codes, bounds, inclusive=inclusive).tolist() == expected


def test_rows_that_do_not_exist_are_refused() -> None:
    for rows in ([2], [-1]):
        with pytest.raises(StorageError):
            take(np.zeros(2), np.array(rows))
    with pytest.raises(StorageError):
        count_visible(np.array([0, 1]), np.zeros(1, np.int64), np.array([1]), np.array([0]))
    assert len(take(np.zeros(0), np.zeros(0, np.int64))) == 0
