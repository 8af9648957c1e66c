"""Rows are grouped as numpy's lexsort groups them, however many threads do it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import StorageError
from tidewheel.kernel import group_rows
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
