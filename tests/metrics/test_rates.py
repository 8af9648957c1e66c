"""Shares with their uncertainty, against published examples and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from tidewheel.metrics.rates import Share, gap, share_of


@pytest.mark.parametrize(  # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10: the score intervals
    ("one", "two", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_the_published_intervals_of_a_difference(
    one: tuple[int, int], two: tuple[int, int], low: float, high: float
) -> None:
    shares = [Share(hits / rows, rows) for hits, rows in (one, two)]
    found = gap(shares[0], shares[1], 1.0, 0.975)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_blocks_of_like_rows_are_worth_a_row_each() -> None:
    rng = np.random.default_rng(1)
    per_block = (rng.random(2000) < 0.3).astype(float)
    found = share_of(np.repeat(per_block, 10), np.repeat(np.arange(2000), 10))
    assert found.value == pytest.approx(per_block.mean())
    assert found.rows == pytest.approx(2000, rel=0.01)
    assert share_of(np.repeat(per_block, 10)).rows == pytest.approx(20_000, rel=0.01)
    assert share_of(np.full(7, 0.25)) == Share(0.25, 7.0)
    assert share_of(np.ones(6), np.array([1, 1, 1, 2, 2, 2])) == Share(1.0, 2.0)


def test_one_of_twenty_intervals_misses() -> None:
    rng = np.random.default_rng(2)
    ends = [
        gap(share_of((rng.random(300) < 0.2) * 1.0), share_of((rng.random(200) < 0.25) * 1.0), 0.8, 0.95)
        for _ in range(1000)
    ]
    low, high = np.array(ends).T
    assert 0.02 < np.mean(low > 0.0) < 0.08  # the truth is 0.2 - 0.8 * 0.25 = 0
    assert 0.02 < np.mean(high < 0.0) < 0.08
