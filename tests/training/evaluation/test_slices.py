"""Slices are told apart from chance, also where rows of a block are alike."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tidewheel.metrics import metric
from tidewheel.training.evaluation.material import Material
from tidewheel.training.evaluation.parts import LEAST_BLOCKS, compare_parts
from tidewheel.training.evaluation.slices import slices


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5))
def test_parts_are_compared_as_by_welch(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    codes, loss = rng.integers(-1, parts, 400), rng.exponential(size=400)
    found = compare_parts(loss, codes, parts)
    for part in range(parts):
        rows = codes == part
        theirs = stats.ttest_ind(loss[rows], loss[~rows], equal_var=False, alternative="greater")
        assert found.p[part] == pytest.approx(stats.norm.sf(theirs.statistic), rel=1e-9)


def test_the_error_of_blocks_is_that_of_their_sums_added_one_by_one() -> None:
    rng = np.random.default_rng(3)
    block = rng.integers(0, 60, 900)
    loss, codes = rng.exponential(size=900) + block % 7, rng.integers(-1, 3, 900)
    found = compare_parts(loss, codes, 3, block)
    for part in range(3):
        rows = codes == part
        gap = loss[rows].mean() - loss[~rows].mean()
        adds = np.where(rows, (loss - loss[rows].mean()) / rows.sum(), -(loss - loss[~rows].mean()) / (~rows).sum())
        error = np.sqrt(np.sum(np.bincount(block, adds) ** 2) * 60 / 59)
        assert found.p[part] == pytest.approx(stats.norm.sf(gap / error), rel=1e-9)


def test_a_block_of_one_row_is_a_row() -> None:
    rng = np.random.default_rng(4)
    codes, loss = rng.integers(0, 4, 5000), rng.exponential(size=5000)
    blocked = compare_parts(loss, codes, 4, np.arange(5000))
    assert blocked.p == pytest.approx(compare_parts(loss, codes, 4).p, rel=0.02)
    few = compare_parts(loss, codes, 4, np.arange(5000) % (LEAST_BLOCKS - 1))
    assert np.isnan(few.p).all()


def test_what_one_unlucky_entity_did_is_no_slice() -> None:
    """Every card has its own luck, and a column that says no more than which card it is: only rows alone find it."""
    rng = np.random.default_rng(5)
    card = np.repeat(np.arange(80), 50)
    luck = rng.random(80)
    chance = np.full(card.size, 0.5)
    y = (rng.random(card.size) < luck[card]).astype(float)
    table = pa.table({f"of_card_{k}": rng.integers(0, 3, 80)[card].astype(str) for k in range(6)})
    alone, blocked = (
        Material(
            "M", [metric("brier")], True, y, np.ones(card.size), np.clip(chance + 0.2 * (luck[card] > 0.5), 0, 1),
            table, table.column_names, chance, {}, blocks,
        )
        for blocks in (None, card)
    )  # fmt: skip
    found, tried = slices(alone, [])
    assert len(found) > 3
    kept, still_tried = slices(blocked, ["of_card_0"])
    assert [part for part in kept if not part.declared] == []
    assert 0 < still_tried <= tried
    for part in kept:
        rows = np.asarray(table["of_card_0"]) == part.where["of_card_0"]
        assert part.rows == rows.sum()
        assert part.p is not None
        assert part.low is not None
        assert part.high is not None
        alike = next(one for one in slices(alone, ["of_card_0"])[0] if one.where == part.where)
        assert part.p > 0.01
        assert part.high - part.low > 1.5 * ((alike.high or 0.0) - (alike.low or 0.0))
